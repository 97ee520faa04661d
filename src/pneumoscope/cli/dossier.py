"""`pneumoscope dossier`: evidence and device description to the submission; and what holds the two together."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from pneumoscope.cli.examples import epilog
from pneumoscope.cli.exits import with_exit_code
from pneumoscope.cli.help_pages import Command, Group
from pneumoscope.core import ConfigError

DeviceFile = Annotated[Path, typer.Option("--device", help="Description of the device (TOML).")]

DEVICE = Path("docs/submission/device.toml")
RESULTS = Path("docs/submission/test-results.json")
SUBMISSION = Path("docs/submission/FDA_Submission.pdf")


def _build(
    context: typer.Context,
    evidence: Annotated[Path | None, typer.Option(help="Release: a folder of evidence folders and training/.")] = None,
    device: DeviceFile = DEVICE,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="PDF; Markdown and the rest go beside it.")
    ] = SUBMISSION,
) -> None:
    """Build the 510(k)-style submission from evidence; `verify`, `diff`, `trace` and `databases` belong to it."""
    if context.invoked_subcommand:
        return
    from pneumoscope.dossier import build, read_inputs

    if evidence is None:
        raise ConfigError("dossier: expected --evidence DIR, the release's folder, found none")
    record = build(read_inputs(device, evidence), output)
    model = record["model"]
    typer.echo(f"{output}: {len(record['numbers'])} numbers of model {model['name']} {model['version']}")
    typer.echo(f"next: pneumoscope dossier verify {output.parent}")


def verify(
    folder: Annotated[Path, typer.Argument(help="Folder of a built submission.")] = SUBMISSION.parent,
    tests: Annotated[bool, typer.Option("--tests", help="Also run the marked tests again (minutes).")] = False,
) -> None:
    """Recompute every number of a submission, build it again and compare; fail on any drift, edit or other model."""
    from pneumoscope.dossier import verify as hold

    found = hold(folder, run_tests=tests)
    ran = f", {found.tests} tests run again alike" if found.tests is not None else ""
    typer.echo(
        f"{folder} stands: {found.recomputed} numbers recomputed from predictions, "
        f"{found.traced} traced to their files, {found.files} files and the trees of source and tests unchanged, "
        f"{found.rebuilt} documents built again alike{ran}"
    )
    for one in found.not_compared:
        typer.echo(f"not compared: {one}")


def diff(
    old: Annotated[Path, typer.Argument(help="Folder of the former submission.")],
    new: Annotated[Path, typer.Argument(help="Folder of the new one.")] = SUBMISSION.parent,
) -> None:
    """Show what changed between two submissions, numbers first."""
    from pneumoscope.dossier import diff as compare

    found = compare(old, new)
    for title in ("numbers", "facts", "files", "sections"):
        changes = getattr(found, title)
        typer.echo(f"{len(changes)} {title} changed")
        for change in changes:
            typer.echo(f"  {change}")


def trace(device: DeviceFile = DEVICE) -> None:
    """List requirements without a test and marks without a requirement; what `scripts/check` runs."""
    from pneumoscope.dossier import read_device, read_requirements, require_assertions
    from pneumoscope.dossier import trace as match

    given = read_device(device).inputs
    wanted = read_requirements(device.parent / given.requirements)
    traced = match(wanted, tests=device.parent / given.tests, source=device.parent / given.source, results=None)
    require_assertions(device.parent / given.tests)
    typer.echo(f"{len(wanted)} requirements, {sum(map(len, traced.tests.values()))} tests that verify them")


def results(
    junit: Annotated[Path, typer.Argument(help="JUnit file of `pytest -m req --junitxml=...`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="JSON that device.toml names.")] = RESULTS,
    device: DeviceFile = DEVICE,
) -> None:
    """Keep the outcome of each test, and which source and tests ran, for the traceability matrix."""
    from pneumoscope.dossier import read_device, write_results

    given, folder = read_device(device).inputs, device.parent
    trees = {"tests": folder / given.tests, "source": folder / given.source / "pneumoscope"}
    outcomes = [outcome for tests in write_results(junit, output, **trees).values() for outcome in tests.values()]
    typer.echo(f"{output}: " + ", ".join(f"{count} {name}" for name, count in sorted(Counter(outcomes).items())))


def databases(
    release: Annotated[Path, typer.Option(help="Release folder; its training/ gets databases.json.")],
    manifests: Annotated[
        list[Path] | None, typer.Argument(help="Manifests (Parquet) of the images in the run's split.csv.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Instead: folder of the data sets that the shipped reader was made of.")
    ] = None,
) -> None:
    """Describe the training, validation and test images, for the submission's chapter on databases."""
    from pneumoscope.cli.terminal import progress
    from pneumoscope.dossier import describe_files, describe_rows

    watch = partial(progress, title="reading images")
    if bool(manifests) == (data is not None):
        raise ConfigError("dossier databases: expected manifests or --data, one of the two")
    if data is None:
        described = describe_files(manifests or [], release / "training", watch=watch)
    else:
        rows = _rows_of_reader(data)
        described = describe_rows(rows, release / "training", watch=watch)
        rows[["source", "image_id", "split"]].to_csv(release / "training" / "split.csv", index=False)
    typer.echo(f"{release / 'training' / 'databases.json'}: {', '.join(described['sources'])}")


def _rows_of_reader(data: Path) -> Any:
    """Return a row for each image that the shipped reader learned from, was validated or is tested on."""
    import pandas as pd

    from pneumoscope.datasets import read_rsna_dicom
    from pneumoscope.model import load, shipped_path
    from pneumoscope.training.reader.material import reader_rows

    training = load(shipped_path()).card.training
    if "stages" not in training:
        raise ConfigError("dossier databases: the shipped model was not made of --data alone; give its manifests")
    rows = reader_rows(data, split_seed=int(training["config"]["split_seed"]))
    return pd.concat([rows, read_rsna_dicom(data, rows)], ignore_index=True)


dossier = typer.Typer(cls=Group, add_completion=False, invoke_without_command=True, rich_markup_mode=None)
dossier.callback(epilog=epilog("dossier"))(with_exit_code(_build))
for _subcommand in (verify, diff, trace, results, databases):
    _name = f"dossier {_subcommand.__name__}"
    dossier.command(cls=Command, epilog=epilog(_name))(with_exit_code(_subcommand))
