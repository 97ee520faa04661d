"""`pneumoscope data ...`: from an archive to a checked manifest, its splits, its audit and its cache."""

from collections.abc import Callable

from pneumoscope.cli.data.auditing import audit
from pneumoscope.cli.data.caching import cache
from pneumoscope.cli.data.downloading import download
from pneumoscope.cli.data.importing import from_csv, from_dicom, from_kermany, from_nih, from_rsna
from pneumoscope.cli.data.sheeting import sheet
from pneumoscope.cli.data.splitting import split

IMPORTERS: dict[str, Callable[..., None]] = {
    "nih": from_nih,
    "rsna": from_rsna,
    "kermany": from_kermany,
    "csv": from_csv,
    "dicom": from_dicom,
}
DATA_COMMANDS: tuple[Callable[..., None], ...] = (split, audit, cache, sheet, download)

__all__ = ["DATA_COMMANDS", "IMPORTERS"]
