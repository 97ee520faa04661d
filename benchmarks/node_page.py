"""Draws `docs/explanation/faults.md` from its template and the newest figures of `make faults` and `make load`.

python -m benchmarks.node_page
"""

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "explanation" / "faults.md"


def draw() -> None:
    """Writes the page."""
    PAGE.write_text(text())


def text() -> str:
    """The page as it should be."""
    environment = Environment(
        loader=FileSystemLoader(PAGE.parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    faults, load = newest("faults"), newest("node_load")
    template = environment.get_template(f"{PAGE.name}.jinja")
    return template.render(faults=read(faults), faults_file=faults.name, load=read(load), load_file=load.name)


def newest(name: str) -> Path:
    """The newest figures of that name; names end with their time."""
    return max(RESULTS.glob(f"{name}-*.json"))


def read(file: Path) -> dict[str, object]:
    """What is in a file of figures."""
    figures: dict[str, object] = json.loads(file.read_text())
    return figures


if __name__ == "__main__":
    draw()
