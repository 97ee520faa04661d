"""`pneumoscope readers`: a reader study, from ratings to a table, figures and evidence."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pneumoscope.core import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

_COVARIANCES = ("delong", "jackknife")


def readers(
    ratings: Annotated[Path, typer.Argument(help="CSV with reader, case, truth, rating; test and patient if any.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Evidence folder to write.")],
    threshold: Annotated[
        float | None, typer.Option(help="A reader flags a case from this rating on; not needed where all are 0 or 1.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The reader whose ratings are the model's.")] = None,
    model_threshold: Annotated[float | None, typer.Option(help="The model flags a case from this rating on.")] = None,
    covariance: Annotated[str, typer.Option(help="Of the areas by the cases: delong or jackknife.")] = "delong",
    title: Annotated[str | None, typer.Option(help="The study in words; the file's name by default.")] = None,
) -> None:
    """Analyse a reader study: multi-reader multi-case, F1 as in the CheXNet paper, kappas.

    With two tests or more (say, without and with the model's output) the readers' mean areas under the ROC curve are
    compared by Obuchowski and Rockette's method with Hillis' degrees of freedom, and by Dorfman, Berbaum and Metz's.
    """
    if covariance not in _COVARIANCES:
        raise ConfigError(f"--covariance: expected {' or '.join(_COVARIANCES)}, found {covariance}")
    from pneumoscope.evaluation import StudySettings, read_ratings, write_reader_study

    read = read_ratings(ratings, model=model)
    settings = StudySettings(threshold=threshold, model_threshold=model_threshold, covariance=covariance)
    evidence = write_reader_study(read, output, settings=settings, source=ratings, title=title)
    _show(evidence.other["readers"])
    typer.echo(f"evidence in {evidence.path}")


def _show(found: Any) -> None:
    from rich.console import Console

    design = found["design"]
    typer.echo(
        f"{design['readers']} readers, {design['cases']} cases, {design['positives']} with the finding, "
        f"ratings: {design['ratings']}, tests: {design['tests']}"
    )
    console = Console(width=None if Console().is_terminal else 140)
    console.print(_figures(found))
    for figure, study in found.get("mrmc", {}).items():
        console.print(_comparison(figure, study) if isinstance(study, Mapping) else f"{figure}: {study.why}")
    if isinstance(dbm := found.get("dbm"), Mapping):
        typer.echo(f"Dorfman-Berbaum-Metz: F = {dbm['statistic']:.3f}, df {_df(dbm)}, p = {dbm['p_value']:.4f}")
    elif dbm is not None:
        typer.echo(f"Dorfman-Berbaum-Metz: {dbm.why}")
    if (agreement := _agreement(found)).row_count:
        console.print(agreement)
    if "f1" in found:
        console.print(_f1(found["f1"]) if isinstance(found["f1"], Mapping) else f"F1: {found['f1'].why}")


def _figures(found: Any) -> "Table":
    """Tabulate each reader's figures with each test."""
    first = next(iter(next(iter(found["tests"].values()))["readers"].values()))
    table = _table("reader", *(f"{figure}, {test}" for figure in first for test in found["tests"]))
    for name in next(iter(found["tests"].values()))["readers"]:
        cells = [_words(test["readers"][name][figure]) for figure in first for test in found["tests"].values()]
        table.add_row(name, *cells)
    means = {figure: found["mrmc"][figure] for figure in first} if "mrmc" in found else {}
    if means and all(isinstance(study, Mapping) for study in means.values()):
        cells = [
            _words(study["readers_and_cases"]["means"][test]) for study in means.values() for test in found["tests"]
        ]
        table.add_row("mean", *cells)
    return table


def _comparison(figure: str, study: Any) -> "Table":
    """Tabulate the differences of the mean, three ways to generalise."""
    table = _table(f"difference, {figure}", "generalises to", "value [95 %]", "F", "df", "p")
    for name in ("readers_and_cases", "cases", "readers"):
        one = study[name]
        for pair, number in one["differences"].items():
            p = f"{number.p_value:.4f}"
            table.add_row(pair, one["generalises_to"], _words(number), f"{one['statistic']:.3f}", _df(one), p)
    return table


def _agreement(found: Any) -> "Table":
    """Tabulate kappas by test."""
    table = _table("agreement", *found["tests"])
    kinds: dict[str, dict[str, str]] = {}
    for test, one in found["tests"].items():
        for kind, leaf in one.get("agreement", {}).items():
            for name, number in leaf.items() if isinstance(leaf, Mapping) else (("all readers", leaf),):
                words = {"fleiss": "Fleiss' kappa", "cohen": "Cohen's kappa", "weighted": "weighted kappa"}[kind]
                kinds.setdefault(f"{words}, {name}", {})[test] = _words(number)
    for name, cells in kinds.items():
        table.add_row(name, *(cells.get(test, "") for test in found["tests"]))
    return table


def _f1(found: Any) -> "Table":
    """Tabulate F1 against the other readers."""
    table = _table("mean F1 against the others", *found)
    studies = [one for one in found.values() if isinstance(one, Mapping)]
    names = [*studies[0]["readers"]] if studies else []
    for row in ("model", "readers_mean", "difference", *names):
        cells = [
            _words(one["readers"][row] if row in names else one[row]) if isinstance(one, Mapping) else one.why
            for one in found.values()
        ]
        table.add_row({"readers_mean": "readers' mean", "difference": "model less readers' mean"}.get(row, row), *cells)
    return table


def _table(*titles: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, title in enumerate(titles):
        table.add_column(title, justify="right" if place else "left")
    return table


def _df(one: Any) -> str:
    error = one["df_error"]
    return f"{one['df']:.0f}, {error if isinstance(error, str) else format(error, '.1f')}"


def _words(leaf: Any) -> str:
    return f"{leaf.value:.3f} [{leaf.low:.3f}, {leaf.high:.3f}]" if hasattr(leaf, "value") else "not estimable"
