"""`pneumoscope check`: header and pixel checks only."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.core import EXIT_DONE, EXIT_PARTIAL, Check, ConfigError, Outcome, UnreadableError


def check(
    paths: Annotated[list[Path], typer.Argument(help="DICOM, PNG or JPEG files, folders, zip archives.")],
    model: Annotated[Path | None, typer.Option(help="Check against this artefact's intended use.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line an image, not tables.")] = False,
) -> None:
    """Check headers and pixels against the intended use, without reading the images."""
    from pneumoscope.cli.terminal import print_checks
    from pneumoscope.intake import check as check_radiograph
    from pneumoscope.intake import find_images, read_radiograph
    from pneumoscope.model import load, shipped_path

    intended = load(model or shipped_path()).card.intended_use
    images, unreadable = 0, 0
    for source in find_images(paths):
        images += 1
        try:
            checks = check_radiograph(read_radiograph(source), intended)
            status = "refused" if any(one.outcome is Outcome.FAILED for one in checks) else "accepted"
        except UnreadableError as error:
            checks = (Check(error.check, Outcome.FAILED, error.expected, error.found),)
            status = "failed"
            unreadable += 1
        if as_json:
            sys.stdout.write(json.dumps(_line(source.path, status, checks)) + "\n")
        else:
            print_checks(source.path, status, checks)
    if not images:
        raise ConfigError(f"expected images in {', '.join(map(str, paths))}, found none")
    raise typer.Exit(EXIT_PARTIAL if unreadable else EXIT_DONE)


def _line(path: str, status: str, checks: tuple[Check, ...]) -> dict[str, object]:
    return {
        "path": path,
        "status": status,
        "checks": [
            {"check": one.name, "outcome": one.outcome, "expected": one.expected, "found": one.found} for one in checks
        ],
    }
