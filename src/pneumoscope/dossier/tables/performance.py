"""Tables of measured performance; every number by its address in the evidence."""

from collections.abc import Iterator

from pneumoscope.dossier.content import Column, Paragraph, Table
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.facts import key_of
from pneumoscope.dossier.inline import escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.moved_up import PREVALENCES
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.dossier.tables.common import (
    Rows,
    count,
    heading,
    level,
    right,
    sources,
    threshold,
    title,
)
from pneumoscope.evaluation import Number

_MEASURES = ("sensitivity", "specificity", "ppv", "npv", "f1")
_BY_PREVALENCE = ("ppv", "npv", "f1")


def performance(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Discrimination on each test cohort, then on those shown for context."""
    tests = inputs.device.cohorts("test")
    rows: Rows = []
    for cohort in (*tests, *inputs.device.cohorts("context")):
        counts = f"{count(cohort.at('n'), numbers)}, {numbers.value(cohort.at('patients'))}"
        measured = (numbers.cell(cohort.at("auroc")), numbers.cell(cohort.at("auprc")))
        rows.append(
            (escape(cohort.title), escape(cohort.reference), counts, *measured, numbers.value(cohort.at("prevalence")))
        )
    columns = (
        Column("Images", 1.5),
        Column("Reference", 1.6),
        *right("n (positive), patients", "AUROC", "Average precision", width=1.4),
        *right("Prevalence", width=0.95),
    )
    note = f"{level(inputs)} Intervals are clustered by patient. Flags at random have the prevalence as precision."
    yield Table("table-performance", f"Discrimination.{sources(tests, numbers)}", columns, tuple(rows), note)


def operating_points(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield every operating point on every test cohort; thresholds only where no table of the card's rules has them."""
    tests = inputs.device.cohorts("test")
    with_threshold = inputs.card is None
    rows: Rows = []
    for cohort in tests:
        rows.append(heading(cohort, columns=1 + with_threshold + len(_MEASURES)))
        for name in numbers.keys(cohort.at("operating_points")):
            at = cohort.at(f"operating_points.{name}")
            shown = f"**{escape(name)}**" if name == inputs.device.operating_point else escape(name)
            measured = tuple(numbers.cell(f"{at}.{measure}") for measure in _MEASURES)
            rows.append((shown, *((threshold(at, numbers),) if with_threshold else ()), *measured))
    columns = (
        Column("Point", 1.05),
        *(right("Threshold", width=1) if with_threshold else ()),
        *right(*map(title, _MEASURES), width=1.4),
    )
    caption = f"Performance at each operating point, at the cohort's own prevalence.{sources(tests, numbers)}"
    where = "" if with_threshold else "Thresholds: [@table-decision-rules]. "
    note = f"Bold: the point that this document is about. {where}{level(inputs)}"
    yield Table("table-operating-points", caption, columns, tuple(rows), note)


def subgroups(inputs: Inputs, numbers: Numbers) -> Iterator[Table | Paragraph]:
    """Yield a table for each test cohort: each group with its size, AUROC, sensitivity and specificity."""
    point = inputs.device.operating_point
    for cohort in inputs.device.cohorts("test"):
        rows: Rows = []
        alone: list[str] = []
        for axis in numbers.keys(cohort.at("subgroups")):
            groups = numbers.keys(cohort.at(f"subgroups.{axis}"))
            if len(groups) < 2:
                alone.append(f"{_words(axis)} ({', '.join(groups)})")
                continue
            for place, group in enumerate(groups):
                at = cohort.at(f"subgroups.{axis}.{group}")
                measures = ("sensitivity", "specificity")
                measured = (numbers.cell(f"{at}.operating_points.{point}.{measure}") for measure in measures)
                shown = (escape(group), count(at + ".n", numbers), numbers.cell(f"{at}.auroc"))
                rows.append((escape(_words(axis)) if place == 0 else "", *shown, *measured))
        if alone and not rows:
            yield Paragraph(f"{escape(cohort.title)}: all images are in one group of each: {escape(', '.join(alone))}.")
            continue
        columns = (
            Column("Axis", 0.9),
            Column("Group", 1.1),
            *right("n (positive)", width=1),
            *right("AUROC", "Sensitivity", "Specificity", width=1.5),
        )
        caption = f"Subgroups: {escape(cohort.title)}, operating point *{escape(point)}*.{sources((cohort,), numbers)}"
        note = f"{level(inputs)} *not estimable*: too few patients."
        note += f" All images in one group: {escape(', '.join(alone))}." if alone else ""
        if rows:
            yield Table(f"table-subgroups-{_key(cohort)}", caption, columns, tuple(rows), note)


def calibration(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield expected calibration error, and what else the evidence has, on each test cohort."""
    tests = inputs.device.cohorts("test")
    names = tuple(dict.fromkeys(name for cohort in tests for name in numbers.keys(cohort.at("calibration"))))
    rows = tuple(
        (
            escape(cohort.title),
            *(numbers.cell(cohort.at(f"calibration.{name}")) for name in names),
            _perfect(cohort, numbers),
        )
        for cohort in tests
    )
    columns = (Column("Images", 1.4), *right(*map(title, names), "Error if perfect: mean, 95th", width=1.2))
    caption = f"Calibration of the probability.{sources(tests, numbers)}"
    perfect = "Perfect: error 0, slope 1, intercept 0."
    yield Table("table-calibration", caption, columns, rows, f"{perfect} {level(inputs)}")


def _perfect(cohort: Cohort, numbers: Numbers) -> str:
    """Return the calibration error that these images would show of a perfectly calibrated model."""
    at = f"action/{key_of(cohort)}.perfect_calibration"
    if not numbers.has(f"{at}.mean"):
        return "too few images"
    return f"{numbers.value(f'{at}.mean')}, {numbers.value(f'{at}.p95')}"


def by_prevalence(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """PPV, NPV and F1 of the operating point where prevalence differs, and F1 of flagging everybody."""
    point = inputs.device.operating_point
    tests = inputs.device.cohorts("test")
    names = [one for one in _BY_PREVALENCE if _anywhere(tests, numbers, f"by_prevalence.{point}", one)]
    rows: Rows = []
    for cohort in tests:
        rows.append(heading(cohort, columns=2 + len(names)))
        for share in _shown(numbers.keys(cohort.at(f"by_prevalence.{point}"))):
            at = cohort.at(f"by_prevalence.{point}.{share}")
            measured = (numbers.cell(f"{at}.{name}") for name in names)
            rows.append(
                (escape(share.replace("%", " %")), *measured, numbers.value(cohort.at(f"best_f1.{share}.flag_all")))
            )
    columns = (
        Column("Prevalence", 0.8),
        *right(*map(title, names), width=1.4),
        *right("F1 of flagging everybody", width=1.2),
    )
    caption = f"What a flag means where prevalence differs, operating point *{escape(point)}*.{sources(tests, numbers)}"
    note = f"From the sensitivity and specificity measured here, by Bayes' rule. {level(inputs)}"
    yield Table("table-by-prevalence", caption, columns, tuple(rows), note)


def _shown(shares: tuple[str, ...]) -> tuple[str, ...]:
    """Return the prevalences that a clinic or an enriched study has, of those in the evidence."""
    return tuple(one for one in shares if one in PREVALENCES) or shares


def floors(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """AUROC of what needs no pixels, beside the model's."""
    tests = inputs.device.cohorts("test")
    rows: Rows = []
    for cohort in tests:
        names = [name for name in numbers.keys(cohort.at("floors")) if _estimable(cohort.at(f"floors.{name}"), numbers)]
        rows += [heading(cohort, columns=3)] if names else []
        model = cohort.at("auroc")
        rows += [
            (escape(_words(name)), numbers.cell(cohort.at(f"floors.{name}")), numbers.cell(model)) for name in names
        ]
        together = f"action/{key_of(cohort)}.without_pixels"
        if names and _estimable(together, numbers):
            rows.append(("all four together", numbers.cell(together), numbers.cell(model)))
    columns = (Column("Known without the image", 1.4), *right("AUROC of that alone", "AUROC of the model", width=1.3))
    caption = f"Floors: what can be had without looking at the image.{sources(tests, numbers)}"
    if rows:
        yield Table("table-floors", caption, columns, tuple(rows))


def gaps(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """How far groups differ in sensitivity and specificity, axis by axis; 0 and 0 would be equalised odds."""
    tests = inputs.device.cohorts("test")
    rows: Rows = []
    for cohort in tests:
        axes = numbers.keys(cohort.at("gaps"))
        axes = tuple(axis for axis in axes if _estimable(cohort.at(f"gaps.{axis}.spread.specificity"), numbers))
        rows += [heading(cohort, columns=3)] if axes else []
        for axis in axes:
            places = (cohort.at(f"gaps.{axis}.spread.{name}") for name in ("sensitivity", "specificity"))
            rows.append((escape(_words(axis)), *map(numbers.cell, places)))
    columns = (Column("Axis", 1.4), *right("Largest gap in sensitivity", "in specificity", width=1.3))
    caption = f"Equalised odds: the largest gap between two groups of an axis.{sources(tests, numbers)}"
    if rows:
        yield Table("table-gaps", caption, columns, tuple(rows), f"{_first_point(tests[0], numbers)} {level(inputs)}")


def label_noise(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield what the score would attain against the radiologists' reading, by how often the mined label is right."""
    for cohort in inputs.device.cohorts("test"):
        at = cohort.at("label_noise")
        if not numbers.keys(at):
            continue
        rows: Rows = [
            ("A positive label is right", "", numbers.cell(f"{at}.label_ppv")),
            ("A negative label is right", "", numbers.cell(f"{at}.label_npv")),
        ]
        first = numbers.keys(cohort.at("operating_points"))[0]
        measured = {"auroc": "auroc", "prevalence": "prevalence"}
        measured |= {name: f"operating_points.{first}.{name}" for name in ("sensitivity", "specificity")}
        rows += [
            (title(name), numbers.cell(cohort.at(path)), numbers.cell(f"{at}.{name}"))
            for name, path in measured.items()
        ]
        columns = (Column("Number", 1.4), *right("Against the label", "Corrected for its errors", width=1.3))
        caption = f"Label noise: {escape(cohort.title)}.{sources((cohort,), numbers)}"
        note = f"Assumed: {numbers.value(f'{at}.assumption')}. Read: {numbers.value(f'{at}.n_read')} images."
        note = f"{note} {_first_point(cohort, numbers)} {level(inputs)}"
        yield Table(f"table-label-noise-{_key(cohort)}", caption, columns, tuple(rows), note)


def comorbid(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Sensitivity and specificity with and without each other finding; those on too few patients are named."""
    for cohort in inputs.device.cohorts("test"):
        rows: Rows = []
        few: list[str] = []
        for finding in numbers.keys(cohort.at("comorbid")):
            at = cohort.at(f"comorbid.{finding}")
            if not any(_estimable(f"{at}.with.{name}", numbers) for name in ("sensitivity", "specificity")):
                few.append(_words(finding))
                continue
            places = (f"{at}.{side}.{name}" for name in ("sensitivity", "specificity") for side in ("with", "without"))
            rows.append((escape(_words(finding)), *map(numbers.cell, places)))
        titles = ("Sensitivity with it", "without it", "Specificity with it", "without it")
        columns = (Column("Finding", 1.3), *right(*titles, width=1.2))
        caption = f"By comorbid finding: {escape(cohort.title)}.{sources((cohort,), numbers)}"
        note = f"{_first_point(cohort, numbers)} {level(inputs)}"
        note += f" Too few patients to say: {escape(', '.join(few))}." if few else ""
        if rows:
            yield Table(f"table-comorbid-{_key(cohort)}", caption, columns, tuple(rows), note)


def _estimable(address: str, numbers: Numbers) -> bool:
    return isinstance(numbers.node(address), Number)


def _first_point(cohort: Cohort, numbers: Numbers) -> str:
    """Return the operating point that the evidence compares groups at."""
    return f"Operating point: *{escape(numbers.keys(cohort.at('operating_points'))[0])}*."


def _anywhere(cohorts: tuple[Cohort, ...], numbers: Numbers, group: str, name: str) -> bool:
    places = (f"{cohort.at(group)}.{share}" for cohort in cohorts for share in numbers.keys(cohort.at(group)))
    return any(numbers.has(f"{place}.{name}") for place in places)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _key(cohort: Cohort) -> str:
    return f"{cohort.evidence}-{cohort.question}".lower().replace("/", "-").replace("_", "-")
