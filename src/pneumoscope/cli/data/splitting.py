"""`pneumoscope data split`: sides by patient, as a file that can be published."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pneumoscope.core import ConfigError

if TYPE_CHECKING:
    import pandas as pd


class Method(StrEnum):
    """What `--method` may name."""

    STRATIFIED = "stratified"
    PATIENT = "patient"
    OFFICIAL = "official"
    DATE = "date"
    FOLLOW_UP = "follow-up"


def split(
    manifest: Annotated[Path, typer.Argument(help="Manifest (Parquet).")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Split file to write (CSV).")] = None,
    method: Annotated[
        Method,
        typer.Option(
            help="stratified by label, view, sex, age; patient: by a hash alone, so that later patients move "
            "nobody; official: the publisher's test; date or follow-up: in time."
        ),
    ] = Method.STRATIFIED,
    folds: Annotated[int | None, typer.Option(help="Folds instead of sides, stratified.")] = None,
    test_share: Annotated[float, typer.Option(help="Share of patients outside an official test.")] = 0.2,
    validation_share: Annotated[float, typer.Option(help="Share of patients.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Any whole number.")] = 0,
    label: Annotated[str, typer.Option(help="Finding to stratify by.")] = "Pneumonia",
    ignore_official: Annotated[bool, typer.Option("--ignore-official", help="Draw from official tests too.")] = False,
    use: Annotated[Path | None, typer.Option(help="Take the sides from this file; draw nothing.")] = None,
    fold: Annotated[int | None, typer.Option(help="With --use and folds: the one that becomes val.")] = None,
    write_manifest: Annotated[Path | None, typer.Option(help="Also write the manifest with these sides.")] = None,
) -> None:
    """Divide patients into train, val and test, or into folds."""
    from pneumoscope.datasets import apply_split, read_manifest, read_split, split_of, write_split
    from pneumoscope.datasets import write_manifest as write_table

    if output is None and write_manifest is None:
        raise ConfigError("split: expected -o SPLIT.csv or --write-manifest M.parquet, got neither")
    if folds is not None and write_manifest is not None:
        raise ConfigError("split: expected folds to be written with -o, then one of them used: --use FILE --fold N")
    stored = read_manifest(manifest)
    rows = stored.manifest.assign(split=None) if ignore_official else stored.manifest
    if use is not None:
        found = read_split(use)
    else:
        options: dict[str, Any] = {"test_share": test_share, "validation_share": validation_share, "seed": seed}
        sides = _drawn(rows, method, folds=folds, label=label, **options)
        made = {"method": f"{folds} folds" if folds else str(method), **options, "label": label}
        found = split_of(rows, sides, made | {"manifest_sha256": stored.sha256})
    if output is not None:
        write_split(found, output)
        typer.echo(f"{len(found.rows)} images in {output}, sha256 {found.sha256}")
    _show(rows, found.rows)
    if write_manifest is not None:
        table, notes = apply_split(rows, found, fold=fold)
        for note in notes:
            typer.echo(note)
        typer.echo(f"{write_manifest}: sha256 {write_table(table, write_manifest)}")


def _drawn(
    rows: "pd.DataFrame",
    method: Method,
    *,
    folds: int | None,
    label: str,
    test_share: float,
    validation_share: float,
    seed: int,
) -> "pd.Series[Any]":
    from pneumoscope import datasets

    if folds is not None:
        return datasets.folds_by_patient(rows, folds=folds, seed=seed, label=label)
    shares = {"test_share": test_share, "validation_share": validation_share}
    match method:
        case Method.STRATIFIED:
            return datasets.split_stratified(rows, **shares, seed=seed, label=label)
        case Method.PATIENT:
            return datasets.split_by_patient(rows, **shares, seed=seed)
        case Method.OFFICIAL:
            return datasets.split_official(rows, validation_share=validation_share, seed=seed, label=label)
        case Method.DATE:
            return datasets.split_by_date(rows, **shares)
        case Method.FOLLOW_UP:
            return datasets.split_by_follow_up(rows, **shares, seed=seed)


def _show(manifest: "pd.DataFrame", sides: "pd.DataFrame") -> None:
    """Images, patients and pneumonia by side."""
    name = str(sides.columns[-1])
    table = manifest.drop(columns="split").merge(sides, on=["source", "image_id"])
    for side, rows in table.groupby(name):
        label = f"fold {side}" if name == "fold" else str(side)
        typer.echo(
            f"  {label:7} {len(rows):7} images  {rows['patient_id'].nunique():6} patients  "
            f"Pneumonia {rows['Pneumonia'].mean():6.2%}  PA {(rows['view'] == 'PA').mean():6.1%}"
        )
