"""What tables of performance share: columns, headings, counts, sources."""

from pneumoscope.dossier.content import Column
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.inline import Marked, escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.moved_up import population_counts
from pneumoscope.dossier.numbers import Numbers

Rows = list[tuple[str, ...]]

_TITLES = {"auroc": "AUROC", "ppv": "PPV", "npv": "NPV", "f1": "F1", "ece": "Calibration error", "brier": "Brier score"}


def threshold(at: str, numbers: Numbers) -> str:
    """Return the threshold; where several rules decided on the images, that of each, most images first."""
    first, others = numbers.value(f"{at}.threshold"), numbers.keys(f"{at}.threshold_elsewhere")
    if not others:
        return first
    most = next(iter(population_counts(numbers.release[numbers.split(at)[0]])), "most images")
    also = (f"; {escape(other)}: {numbers.value(f'{at}.threshold_elsewhere.{other}')}" for other in others)
    return f"{escape(most)}: {first}{''.join(also)}"


def heading(cohort: Cohort, *, columns: int) -> tuple[str, ...]:
    """Return a row that heads the rows of a cohort."""
    return (f"*{escape(cohort.title)}, {escape(cohort.reference)}*", *[""] * (columns - 1))


def count(address: str, numbers: Numbers) -> str:
    """Images and, in brackets, those with the finding."""
    return f"{numbers.value(address)} ({numbers.value(address.removesuffix('n') + 'positives')})"


def right(*titles: str, width: float) -> tuple[Column, ...]:
    """Return columns whose cells keep to the right."""
    return tuple(Column(title, width, right=True) for title in titles)


def sources(cohorts: tuple[Cohort, ...], numbers: Numbers) -> Marked:
    """Return the references to the evidence of these cohorts, each once."""
    return Marked("".join(dict.fromkeys(numbers.source(cohort.at("auroc")) for cohort in cohorts)))


def level(inputs: Inputs) -> str:
    """Return what the brackets are, from the evidence's own numbers."""
    first = inputs.device.cohorts("test")[0]
    level = inputs.release[first.evidence].number(f"labels.{first.question}.auroc").level
    return f"In brackets: {100 * level:g} % interval."


def title(name: str) -> str:
    """Return a measure's name as a column's title."""
    return _TITLES.get(name, name.capitalize())
