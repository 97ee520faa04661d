"""`pneumoscope data import KIND ROOT -o M.parquet`: one command a kind."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pneumoscope.core import EXIT_PARTIAL

if TYPE_CHECKING:
    from pneumoscope.datasets import Imported

Output = Annotated[Path, typer.Option("-o", "--output", help="Manifest to write (Parquet).", show_default=False)]
FoundOnly = Annotated[bool, typer.Option("--found-only", help="Leave out rows whose image is not at hand.")]


class PreferFile(StrEnum):
    """What `--prefer` may name."""

    HIGHEST = "highest"
    LISTED = "listed"


class Labels(StrEnum):
    """What `--labels` may name."""

    FIRST = "2017"
    SECOND = "2020"


_PREFER_HELP = "Which file of an image in several folders: the one with most pixels, or in the folder listed first."
Prefer = Annotated[PreferFile, typer.Option(help=_PREFER_HELP)]


def from_nih(
    root: Annotated[Path, typer.Argument(help="Folder with Data_Entry_2017_v2020.csv, or an earlier table.")],
    output: Output,
    images: Annotated[list[Path] | None, typer.Option(help="Image folder (repeat for more).")] = None,
    labels: Annotated[Labels | None, typer.Option(help="Release of the findings; the table's own if absent.")] = None,
    table: Annotated[str | None, typer.Option(help="File name of the table, where there are several.")] = None,
    prefer: Prefer = PreferFile.HIGHEST,
    found_only: FoundOnly = False,
) -> None:
    """Import NIH ChestX-ray14: labels of both releases, official split, boxes, RSNA's and Google's radiologists."""
    from pneumoscope.datasets import LabelRelease, import_nih
    from pneumoscope.datasets import Prefer as Rule

    release = None if labels is None else LabelRelease(labels)
    imported = import_nih(root, images=images or (), labels=release, table=table, prefer=Rule(prefer))
    _write(imported, output, found_only=found_only)


def from_rsna(
    root: Annotated[Path, typer.Argument(help="Folder with stage_2_train_labels.csv and stage_2_train_images.")],
    output: Output,
    nih_match: Annotated[
        Path | None, typer.Option(help="Table Image Index, rsna_id, rsna_class: NIH's patients.")
    ] = None,
    found_only: FoundOnly = False,
) -> None:
    """Import the RSNA Pneumonia Detection Challenge 2018: targets, boxes, classes, headers of the DICOM files."""
    from pneumoscope.datasets import import_rsna

    _write(import_rsna(root, nih_match=nih_match), output, found_only=found_only)


def from_kermany(
    root: Annotated[Path, typer.Argument(help="Folder chest_xray, or the one that holds it.")], output: Output
) -> None:
    """Import Kermany's children: patients and germs by file name, official split."""
    from pneumoscope.datasets import import_kermany

    _write(import_kermany(root), output)


def from_csv(
    table: Annotated[Path, typer.Argument(help="CSV table, a row an image.")],
    mapping: Annotated[Path, typer.Option(help="TOML that says which column is which.", show_default=False)],
    output: Output,
    prefer: Prefer = PreferFile.HIGHEST,
    found_only: FoundOnly = False,
) -> None:
    """Import any table: columns, values and labels by a small TOML (docs/how-to/import-a-csv.md)."""
    from pneumoscope.datasets import Prefer as Rule
    from pneumoscope.datasets import import_csv, read_mapping

    _write(import_csv(table, read_mapping(mapping), prefer=Rule(prefer)), output, found_only=found_only)


def from_dicom(
    root: Annotated[Path, typer.Argument(help="Folder of DICOM files, walked to its end.")],
    output: Output,
    source: Annotated[str, typer.Option(help="Name of the data set.")] = "dicom",
    key: Annotated[
        str | None,
        typer.Option(envvar="PNEUMOSCOPE_PSEUDONYM_KEY", help="Secret that patients' pseudonyms are made from."),
    ] = None,
) -> None:
    """Import a folder of DICOM files: headers only, no labels."""
    from pneumoscope.datasets import import_dicom

    _write(import_dicom(root, source=source, key=key), output)


def _write(imported: "Imported", output: Path, *, found_only: bool = False) -> None:
    """Write the manifest, and say what is in it and what was remarked."""
    from dataclasses import replace

    from pneumoscope.datasets import write_manifest

    if found_only:
        rows = imported.manifest
        kept = rows[rows["path"].notna()] if "path" in rows else rows.head(0)
        note = f"left out: {len(rows) - len(kept)} rows without an image"
        imported = replace(imported, manifest=kept, notes=(*imported.notes, note))
    sha256 = write_manifest(imported, output)
    for note in imported.notes:
        typer.echo(note)
    patients = imported.manifest["patient_id"].nunique()
    typer.echo(f"{len(imported.manifest)} images of {patients} patients in {output}, sha256 {sha256}")
    if imported.unreadable:
        raise typer.Exit(EXIT_PARTIAL)
