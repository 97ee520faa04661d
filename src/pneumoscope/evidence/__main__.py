"""Draw a page from evidence: `python -m pneumoscope.evidence TEMPLATE RELEASE > PAGE`."""

import sys
from pathlib import Path

from pneumoscope.evidence.page import render_page

sys.stdout.write(render_page(Path(sys.argv[1]), Path(sys.argv[2])))
