"""`pneumoscope purge`: delete what the node holds of a study, of a patient, or from before a moment."""

from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.core import EXIT_PARTIAL, ConfigError


def purge(
    study: Annotated[str | None, typer.Option(help="Study Instance UID: all of the study, its rows included.")] = None,
    patient: Annotated[str | None, typer.Option(help="Patient ID: all of the patient, rows included.")] = None,
    older_than: Annotated[
        str | None, typer.Option(help="Days, such as 30 or 30d: files and patient data, as retention would.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The node's node.toml.")] = None,
) -> None:
    """Delete patient data from the node; the audit log keeps a line without any. Safe while the node runs."""
    from pneumoscope.service import (
        ServiceConfig,
        Spool,
        load_config,
        open_store,
        purge_older,
        purge_patient,
        purge_study,
    )

    given = [name for name, value in (("study", study), ("patient", patient), ("older-than", older_than)) if value]
    if len(given) != 1:
        names = ", ".join(given) or "none"
        raise ConfigError(f"purge: expected one of --study, --patient, --older-than; found {names}")
    days = _days(older_than) if older_than else 0.0
    settings = load_config(config) if config is not None else ServiceConfig()
    store, spool = open_store(settings.store.url), Spool(settings.store.path)
    try:
        if study:
            found = purge_study(store, spool, settings, study)
        elif patient:
            found = purge_patient(store, spool, settings, patient)
        else:
            found = purge_older(store, spool, settings, days=days)
    finally:
        store.close()
    typer.echo(f"deleted {found.images} images, {found.files} files of the watched folder")
    if found.being_read:
        typer.echo(f"{found.being_read} are being read at this moment: run it again", err=True)
        raise typer.Exit(EXIT_PARTIAL)


def _days(text: str) -> float:
    try:
        days = float(text.strip().removesuffix("d"))
    except ValueError:
        days = -1.0
    if not 0 <= days < float("inf"):
        raise ConfigError(f"purge: expected --older-than as days, such as 30d, found {text!r}")
    return days
