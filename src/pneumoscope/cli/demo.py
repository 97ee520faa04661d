"""`pneumoscope demo`: the synthetic studies that ship with the package, read as a site would."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for results.")] = Path("pneumoscope-demo"),
) -> None:
    """Read the synthetic studies that ship with the package, and show what a site would get."""
    from pneumoscope.cli.read import Job, show
    from pneumoscope.phantom import studies_folder

    typer.echo("Synthetic radiographs, drawn by our own code; no patient was involved.\n")
    show(Job(paths=[studies_folder()], output=output))
    typer.echo(
        f"""
What came out, in {output}:
  index.html       the gallery: open it in a browser
  results.jsonl    one line an image; results.csv for a spreadsheet
  *.overlay.png    heat map over the image
  *.sr.dcm         DICOM structured report, *.sc.dcm DICOM secondary capture: for the PACS
Run next:
  pneumoscope read YOUR_STUDIES -o results
  pneumoscope check YOUR_STUDIES"""
    )
