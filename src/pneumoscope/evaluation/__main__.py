"""Draw a page from evidence: `python -m pneumoscope.evaluation TEMPLATE RELEASE > PAGE`."""

import sys
from pathlib import Path

from pneumoscope.evaluation.page import render_page

sys.stdout.write(render_page(Path(sys.argv[1]), Path(sys.argv[2])))
