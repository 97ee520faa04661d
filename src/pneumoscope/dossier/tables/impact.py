"""Tables of what the measured performance is worth: against the plan's goals, to patients, and beside readers."""

from collections.abc import Iterator
from dataclasses import dataclass

from pneumoscope.dossier.content import Column, Table
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.inline import escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.evaluation import Number

# Where predictive values are shown besides the cohort's own prevalence; keys of `by_prevalence`.
CLINIC, ENRICHED = "5%", "20%"

_UNKNOWN = "not published"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One measure of one cohort against the goal that its interval's lower end must exceed."""

    address: str
    goal: float
    met: bool


def outcomes(inputs: Inputs, cohort: Cohort) -> tuple[Outcome, ...]:
    """Return the plan's goals for sensitivity, specificity and AUROC, and whether the lower bounds exceed them."""
    point, plan = f"operating_points.{inputs.device.operating_point}", inputs.plan
    wanted = (
        (f"{point}.sensitivity", plan.sensitivity.goal),
        (f"{point}.specificity", plan.specificity.goal),
        ("auroc", plan.auroc.goal),
    )
    evidence = inputs.release[cohort.evidence]
    found = []
    for path, goal in wanted:
        measured = evidence.at(f"labels.{cohort.question}.{path}")
        found.append(Outcome(cohort.at(path), goal, isinstance(measured, Number) and measured.low > goal))
    return tuple(found)


def goals_met(inputs: Inputs) -> tuple[int, int]:
    """How many of the plan's goals the test cohorts meet, and of how many."""
    met = [outcome.met for cohort in inputs.device.cohorts("test") for outcome in outcomes(inputs, cohort)]
    return sum(met), len(met)


def goals(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Each test cohort against the goals of the plan."""
    rows, titles = [], ("Sensitivity", "Specificity", "AUROC")
    found: tuple[Outcome, ...] = ()
    for cohort in inputs.device.cohorts("test"):
        found = outcomes(inputs, cohort)
        cells = (f"{numbers.cell(one.address)} **{'met' if one.met else 'not met'}**" for one in found)
        rows.append((escape(cohort.title), *cells))
    columns = (
        Column("Images", 1.3),
        *(Column(f"{title} above {one.goal:g}", 1.4, right=True) for title, one in zip(titles, found, strict=True)),
    )
    caption = f"The measured device against the goals of the plan.{_sources(inputs, numbers)}"
    note = "A goal is met where the lower end of the interval exceeds it."
    yield Table("table-goals", caption, columns, tuple(rows), note)


def impact(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield what misses and needless flags amount to, at the cohort's own prevalence and at that of a clinic."""
    point = inputs.device.operating_point
    rows = []
    for cohort in inputs.device.cohorts("test"):
        here, clinic = cohort.at(f"operating_points.{point}"), cohort.at(f"by_prevalence.{point}.{CLINIC}")
        rows.append(
            (
                escape(cohort.title),
                numbers.rest(f"{here}.sensitivity"),
                numbers.rest(f"{here}.specificity"),
                numbers.cell(f"{here}.ppv"),
                numbers.cell(f"{clinic}.ppv"),
                _flagged(here, numbers, share=float(CLINIC.rstrip("%")) / 100),
            )
        )
    clinic = CLINIC.replace("%", " %")
    columns = (
        Column("Images", 1.4),
        *(
            Column(title, 1.25, right=True)
            for title in (
                "Missed, of those with the finding", "Flagged, of those without", "Flags that are right, here",
                f"Flags that are right, if {clinic} have it", f"Flagged of all, if {clinic} have it",
            )
        ),
    )  # fmt: skip
    caption = f"False negatives and false positives at *{escape(point)}*.{_sources(inputs, numbers)}"
    yield Table("table-impact", caption, columns, tuple(rows), "In brackets: 95 % interval.")


def _flagged(at: str, numbers: Numbers, *, share: float) -> str:
    """Share of all images that are flagged where a share of them has the finding."""
    sensitivity, specificity = numbers.node(f"{at}.sensitivity"), numbers.node(f"{at}.specificity")
    if not (isinstance(sensitivity, Number) and isinstance(specificity, Number)):
        return "not estimable"
    return f"{100 * (share * sensitivity.value + (1 - share) * (1 - specificity.value)):.0f} %"


def reader_standard(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """CheXNet's published F1 of readers and model, and the device's own with the prevalence that it stands on."""
    readers = {f"reader_{place}": f"Radiologist {place}" for place in range(1, 5)}
    published = readers | {"readers_mean": "Mean of the radiologists", "device": "CheXNet"}
    rows = [("*CheXNet's images, each reader against each of the others*", "", "", "", "")]
    rows += [
        (words, numbers.value("literature/chexnet.images"), _UNKNOWN, numbers.value(f"literature/chexnet.{key}"), "")
        for key, words in published.items()
    ]
    rows.append(("*This device, other images, against their reference*", "", "", "", ""))
    point = inputs.device.operating_point
    for cohort in inputs.device.cohorts("test"):
        prevalence = numbers.node(cohort.at("prevalence"))
        everybody = f"{2 * prevalence.value / (1 + prevalence.value):.3f}" if isinstance(prevalence, Number) else "?"
        f1 = numbers.cell(cohort.at(f"operating_points.{point}.f1"))
        share = numbers.value(cohort.at("prevalence"))
        rows.append((escape(cohort.title), numbers.value(cohort.at("n")), share, f1, everybody))
        at = f"by_prevalence.{point}.{ENRICHED}.f1"
        everybody = numbers.value(cohort.at(f"best_f1.{ENRICHED}.flag_all"))
        rows.append(
            ("the same, at a prevalence of", "", ENRICHED.replace("%", " %"), numbers.cell(cohort.at(at)), everybody)
        )
    columns = (
        Column("Who", 2), Column("Images", 0.7, right=True), Column("Prevalence", 1, right=True),
        Column("F1", 1.4, right=True), Column("F1 of flagging everybody", 1.1, right=True),
    )  # fmt: skip
    caption = f"F1 with its 95 % interval: as published for CheXNet, and of this device.{_sources(inputs, numbers)}"
    yield Table("table-reader-standard", caption, columns, tuple(rows))


def localisation(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield the activation map against radiologists' boxes, each measure beside its control."""
    measures = (
        ("The hottest place lies in a box", "pointing", "pointing_by_chance", "a place at random"),
        ("Overlap with the boxes", "overlap", "overlap_of_another_image", "another patient's map"),
        (
            "Area under the probability, its hottest places shown first",
            "faithfulness.insertion_area",
            "faithfulness.random_area",
            "random order",
        ),
    )
    for name in dict.fromkeys(cohort.evidence for cohort in inputs.device.cohorts("test")):
        at = f"{name}/localisation"
        if not numbers.has(f"{at}.pointing"):
            continue
        rows = tuple(
            (words, numbers.cell(f"{at}.{measure}"), f"{numbers.cell(f'{at}.{control}')}, {of}")
            for words, measure, control, of in measures
        )
        columns = (Column("Measure", 1.5), Column("Map", 1.1, right=True), Column("Control", 1.8, right=True))
        caption = f"The activation map against radiologists' boxes.{numbers.source(at)}"
        note = f"{numbers.value(f'{at}.boxed_images')} images with boxes."
        yield Table(f"table-localisation-{name.replace('/', '-')}", caption, columns, rows, note)


def _sources(inputs: Inputs, numbers: Numbers) -> str:
    return "".join(dict.fromkeys(numbers.source(cohort.at("auroc")) for cohort in inputs.device.cohorts("test")))
