"""`pneumoscope acceptance`: a silent node's results against the site's own reports, before go-live."""

from pathlib import Path
from typing import Annotated

import typer


def acceptance(
    reports: Annotated[
        Path, typer.Argument(help="CSV: pneumonia (yes/no) and sop_instance_uid, study_instance_uid or accession.")
    ],
    config: Annotated[Path, typer.Option(help="The node's node.toml.")],
    sensitivity: Annotated[float, typer.Option(min=0.0, max=1.0, help="Goal that must hold here.")],
    specificity: Annotated[float, typer.Option(min=0.0, max=1.0, help="Goal that must hold here.")],
) -> None:
    """Say whether the operating point holds at this site: sensitivity, specificity, intervals, sample size."""
    from pneumoscope.service import compare, load_config, open_store

    store = open_store(load_config(config).store.url)
    found = compare(store, reports, sensitivity_goal=sensitivity, specificity_goal=specificity)
    typer.echo(found.to_text())
