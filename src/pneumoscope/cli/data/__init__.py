"""`pneumoscope data ...`: from an archive to a checked manifest, its splits, its audit and its cache."""

from collections.abc import Callable

import typer

from pneumoscope.cli.data.auditing import audit
from pneumoscope.cli.data.caching import cache
from pneumoscope.cli.data.downloading import download
from pneumoscope.cli.data.importing import from_csv, from_dicom, from_kermany, from_nih, from_rsna
from pneumoscope.cli.data.sheeting import sheet
from pneumoscope.cli.data.splitting import split
from pneumoscope.cli.examples import epilog
from pneumoscope.cli.exits import with_exit_code
from pneumoscope.cli.help_pages import Command, Group

data = typer.Typer(
    cls=Group,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Import, split, audit, cache and describe data sets.",
)
_importers = typer.Typer(
    cls=Group,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Import a data set as a manifest: one command for each kind.",
)
_IMPORTERS: dict[str, Callable[..., None]] = {
    "nih": from_nih,
    "rsna": from_rsna,
    "kermany": from_kermany,
    "csv": from_csv,
    "dicom": from_dicom,
}
for _kind, _importer in _IMPORTERS.items():
    _importers.command(_kind, cls=Command, epilog=epilog(f"data import {_kind}"))(with_exit_code(_importer))
data.add_typer(_importers, name="import")
for _step in (split, audit, cache, sheet, download):
    data.command(cls=Command, epilog=epilog(f"data {_step.__name__}"))(with_exit_code(_step))

__all__ = ["data"]
