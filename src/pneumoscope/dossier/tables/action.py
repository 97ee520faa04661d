"""Tables of what the device does: moved up, by patient, group and wait; accesses to the test sets; flow of images."""

from collections.abc import Iterator
from typing import Any

from pneumoscope.dossier.content import Column, Table
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.facts import key_of
from pneumoscope.dossier.inline import escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers

CLINIC = "5%"
_LEVEL = "In brackets: 95 % intervals, clustered by patient."


def _at(cohort: Cohort, path: str) -> str:
    return f"action/{key_of(cohort)}.{path}"


def moved_up(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield what the device moves up on each test cohort: sensitivity, specificity, and the share of all images."""
    rows = []
    for cohort in inputs.device.cohorts("test"):
        measured = (numbers.cell(_at(cohort, name)) for name in ("sensitivity", "specificity"))
        counts = f"{numbers.value(_at(cohort, 'n'))} ({numbers.value(_at(cohort, 'positives'))})"
        share = numbers.cell(_at(cohort, f"share_moved_up.{CLINIC}"))
        rows.append((escape(cohort.title), counts, *measured, share))
    columns = (
        Column("Test images", 1.5), Column("n (positive)", 0.9, right=True), Column("Sensitivity", 1.3, right=True),
        Column("Specificity", 1.3, right=True), Column("Moved up of all, at 5 % prevalence", 1.4, right=True),
    )  # fmt: skip
    what = "suspicious or uncertain" if inputs.card is not None else "suspicious; uncertain ones are not counted"
    caption = f"Moved up ({what}) at *{escape(inputs.device.operating_point)}*."
    yield Table("table-moved-up", caption, columns, tuple(rows), f"{_LEVEL} {_not_counted(inputs)}".strip())


def _not_counted(inputs: Inputs) -> str:
    if inputs.card is not None:
        return ""
    return (
        "The model file beside the source is not the model of this evidence, so its limits of *uncertain* are unknown."
    )


def counts(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Two-by-two tables of the same, and of patients."""
    names = ("moved_with", "left_with", "moved_without", "left_without")
    rows = tuple(
        (
            escape(cohort.title),
            *(numbers.value(_at(cohort, name)) for name in names),
            *(
                f"{numbers.cell(at)} of {numbers.value(f'{at}_patients')}"
                for at in (_at(cohort, f"by_patient.{name}") for name in ("sensitivity", "specificity"))
            ),
        )
        for cohort in inputs.device.cohorts("test")
    )
    columns = (
        Column("Test images", 1.3), Column("With, moved up", 0.7, right=True), Column("With, left", 0.6, right=True),
        Column("Without, moved up", 0.8, right=True), Column("Without, left", 0.7, right=True),
        Column("Sensitivity by patient", 1.3, right=True), Column("Specificity by patient", 1.3, right=True),
    )  # fmt: skip
    tops = " ".join(
        f"{escape(cohort.title)}: five patients have {numbers.value(_at(cohort, 'by_patient.top_patients_images'))} of "
        f"{numbers.value(_at(cohort, 'by_patient.negatives'))} images without the finding."
        for cohort in inputs.device.cohorts("test")
    )
    caption = "Images with and without the finding, moved up and left; and rates in which each patient weighs the same."
    yield Table("table-counts", caption, columns, rows, f"{tops} {_LEVEL}")


def by_group(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield moved up by view, first image or not, and age; groups of one kind alone are left out."""
    rows: list[tuple[str, ...]] = []
    for cohort in inputs.device.cohorts("test"):
        groups = numbers.keys(_at(cohort, "groups"))
        if groups:
            rows.append((f"*{escape(cohort.title)}*", "", "", ""))
        for group in groups:
            at = _at(cohort, f"groups.{group}")
            sizes = (
                f"{numbers.value(f'{at}.n')} ({numbers.value(f'{at}.positives')}), {numbers.value(f'{at}.patients')}"
            )
            rows.append(
                (escape(group), sizes, *(numbers.cell(f"{at}.{name}") for name in ("sensitivity", "specificity")))
            )
    columns = (
        Column("Group", 1.6), Column("n (positive), patients", 1.2, right=True),
        Column("Sensitivity", 1.3, right=True), Column("Specificity", 1.3, right=True),
    )  # fmt: skip
    if rows:
        note = f"{_LEVEL} *not estimable*: too few patients. No correction for the number of groups."
        yield Table("table-moved-up-groups", "Moved up, by group.", columns, tuple(rows), note)


def beside(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Test images that no cohort reports, such as radiologists' normals: the share left in place."""
    rows = []
    for name in numbers.keys("action/beside"):
        at = f"action/beside.{name}"
        size = f"{numbers.value(f'{at}.n')} ({numbers.value(f'{at}.positives')})"
        rows.append((numbers.value(f"{at}.title"), size, numbers.cell(f"{at}.specificity")))
    columns = (
        Column("Images", 2),
        Column("n (positive)", 0.9, right=True),
        Column("Left in place, of those without", 1.4, right=True),
    )
    if rows:
        caption = "Further test images, too few of one class for more than this."
        yield Table("table-moved-up-beside", caption, columns, tuple(rows), _LEVEL)


def accesses(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Every measurement of a test set, with what was seen and decided."""
    keys = ("release", "moment", "sets", "seen", "decided")
    count = len(numbers.node("access/access") or [])
    rows = tuple(tuple(numbers.value(f"access/access.{place}.{key}") for key in keys) for place in range(count))
    columns = (
        Column("Model", 0.5), Column("When", 0.9), Column("Test sets", 1.3), Column("Seen", 1.7),
        Column("Decided afterwards", 1.8),
    )  # fmt: skip
    caption = "Every time that a release measured the test images, from the repository's history."
    yield Table("table-access", caption, columns, rows)


def latency(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Receipt to result in the node's load run."""
    runs = numbers.node("latency/runs") if numbers.has("latency/runs") else []
    keys = ("workers", "images", "per_second", "median_s", "p95_s", "p99_s")
    rows = tuple(tuple(numbers.value(f"latency/runs.{place}.{key}") for key in keys) for place in range(len(runs)))
    titles = ("Workers", "Images at once", "Images a second", "Median, s", "95th percentile, s", "99th, s")
    if rows:
        columns = tuple(Column(title, 1, right=True) for title in titles)
        note = f"{numbers.value('latency/file')}, {numbers.value('latency/cores')} cores; all images arrive at once."
        yield Table("table-latency", "From receipt to result, measured on the node under load.", columns, rows, note)


_ORDERS = (("first", "first come, first served"), ("released", "released order"), ("always", "moved up always first"))


def simulated(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield waits by load, prevalence and operating point, for each order."""
    rows: list[tuple[str, ...]] = []
    for group, title in (("by_load", "Load"), ("by_prevalence", "Prevalence"), ("by_point", "Operating point")):
        cases = numbers.keys(f"simulation/{group}")
        if cases:
            rows.append((f"*{title}*", *[""] * 7))
        rows += [(escape(case), *_case(numbers, f"simulation/{group}.{case}")) for case in cases]
    columns = (
        Column("Varied", 1.1), Column("Moved up", 0.6, right=True),
        *(Column(title, 0.85, right=True) for title in (
            "Positives, first come", "released order", "always first",
            "Positives left, first come", "released order", "always first",
        )),
    )  # fmt: skip
    if rows:
        caption = "Simulated wait in minutes, mean / 95th percentile: images with the finding, and those of them left."
        site = {name: numbers.value(f"simulation/site.{name}") for name in numbers.keys("simulation/site")}
        note = (
            f"{site['readers']} reader, {site['minutes_per_image']} min an image, a load of {site['load']} and a "
            f"prevalence of {site['prevalence']} where not varied; {site['replications']} times {site['images']} "
            f"images drawn from the scores of: {numbers.value('simulation/cohort')}."
        )
        yield Table("table-simulated", caption, columns, tuple(rows), note)


def _case(numbers: Numbers, at: str) -> Iterator[str]:
    yield numbers.value(f"{at}.moved_up")
    for group in ("positives", "missed"):
        for order, _ in _ORDERS:
            yield numbers.value(f"{at}.{order}_{group}")


def flow(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """From the images that a folder of evidence has to those that each number stands on."""
    rows = []
    for cohort in (*inputs.device.cohorts("test"), *inputs.device.cohorts("validation")):
        name = cohort.evidence
        refused = numbers.value(f"{name}/guard.refused") if numbers.has(f"{name}/guard.refused") else "not measured"
        rows.append(
            (
                escape(cohort.title),
                f"{numbers.value(f'{name}/cohort.images')} of {numbers.value(f'{name}/cohort.patients')} patients",
                _left_out(numbers, name),
                _populations(inputs, numbers, cohort),
                numbers.value(cohort.at("n")),
                f"{numbers.value(cohort.at('positives'))} + {_negatives(inputs, cohort)}",
                refused,
            )
        )
    columns = (
        Column("Cohort", 1.4), Column("Images", 1.1), Column("Left out before", 1), Column("Read as", 1),
        Column("With this reference", 0.9, right=True), Column("With + without", 0.9, right=True),
        Column("Guard would refuse", 0.8, right=True),
    )  # fmt: skip
    caption = "Flow of images: what the evidence has, what was left out, and what each number stands on."
    note = "The guard's share is of all images; none was removed from the numbers for it."
    yield Table("table-flow", caption, columns, tuple(rows), note)


def _left_out(numbers: Numbers, name: str) -> str:
    reasons = numbers.keys(f"{name}/cohort.left_out")
    return "; ".join(f"{escape(one)}: {numbers.value(f'{name}/cohort.left_out.{one}')}" for one in reasons) or "none"


def _populations(inputs: Inputs, numbers: Numbers, cohort: Cohort) -> str:
    if cohort.role != "test":
        from pneumoscope.dossier.moved_up import population_counts

        found = population_counts(inputs.release[cohort.evidence])
        return ", ".join(f"{count:,} {escape(name)}" for name, count in found.items()) or "one population"
    at = _at(cohort, "populations")
    return ", ".join(f"{numbers.value(f'{at}.{name}')} {escape(name)}" for name in numbers.keys(at)) or "one population"


def _negatives(inputs: Inputs, cohort: Cohort) -> str:
    answer: Any = inputs.release[cohort.evidence].labels[cohort.question]
    return f"{int(answer['n']) - int(answer['positives']):,}"
