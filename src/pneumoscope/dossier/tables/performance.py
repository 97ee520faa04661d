"""Tables of measured performance; every number by its address in the evidence."""

from collections.abc import Iterator

from pneumoscope.dossier.content import Column, Table
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.inline import Marked, escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers

MEASURES = ("sensitivity", "specificity", "ppv", "npv", "f1")
_BY_PREVALENCE = ("ppv", "npv", "f1")
_MEASURE_TITLES = {"ppv": "PPV", "npv": "NPV", "f1": "F1"}


def performance(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Discrimination on each test cohort."""
    rows = [_performance_row(cohort, numbers) for cohort in inputs.device.cohorts("test")]
    rows += [_performance_row(cohort, numbers) for cohort in inputs.device.cohorts("context")]
    columns = (
        Column("Images", 1.7), Column("Reference", 1.7), Column("n (positive), patients", 1.3, right=True),
        Column("AUROC [95 % CI]", 1.5, right=True), Column("Average precision", 1.5, right=True),
        Column("Prevalence", 0.8, right=True),
    )  # fmt: skip
    note = "Intervals know that images of one patient are alike. The floor of average precision is the prevalence."
    yield Table(
        "table-performance",
        f"Discrimination. {_sources(inputs.device.cohorts('test'), numbers)}",
        columns,
        tuple(rows),
        note,
    )


def operating_points(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Every operating point on every test cohort."""
    rows = []
    for cohort in inputs.device.cohorts("test"):
        for name in numbers.keys(cohort.at("operating_points")):
            at = cohort.at(f"operating_points.{name}")
            shown = f"**{name}**" if name == inputs.device.operating_point else name
            measured = (numbers.cell(f"{at}.{measure}") for measure in MEASURES)
            rows.append((escape(cohort.title), shown, numbers.value(f"{at}.threshold"), *measured))
    columns = (
        Column("Images", 1.5), Column("Point", 1.1), Column("Threshold", 0.9, right=True),
        *(Column(_MEASURE_TITLES.get(name, name.capitalize()), 1.25, right=True) for name in MEASURES),
    )  # fmt: skip
    caption = f"Performance at each operating point, at the cohort's own prevalence. {_sources(inputs.device.cohorts('test'), numbers)}"
    note = f"Bold: the operating point that this document is about. Value and {_level()} interval."
    yield Table("table-operating-points", caption, columns, tuple(rows), note)


def thresholds(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Where each threshold comes from, and what it attained where it was chosen."""
    rows = []
    for cohort in inputs.device.cohorts("validation"):
        for name in numbers.keys(cohort.at("operating_points")):
            at = cohort.at(f"operating_points.{name}")
            measured = (numbers.cell(f"{at}.{measure}") for measure in ("sensitivity", "ppv", "f1"))
            rule = numbers.value(f"{at}.rule") if numbers.has(f"{at}.rule") else Marked("")
            rows.append((escape(cohort.title), name, numbers.value(f"{at}.threshold"), rule, *measured))
    columns = (
        Column("Chosen on", 1.3), Column("Point", 1.0), Column("Threshold", 0.8, right=True), Column("Rule", 1.8),
        Column("Recall (sensitivity)", 1.3, right=True), Column("Precision (PPV)", 1.3, right=True),
        Column("F1", 1.3, right=True),
    )  # fmt: skip
    caption = f"Thresholds, the rule that chose each, and recall, precision and F1 on the validation images. {_sources(inputs.device.cohorts('validation'), numbers)}"
    yield Table(
        "table-thresholds",
        caption,
        columns,
        tuple(rows),
        "These images chose the threshold, so these numbers flatter it.",
    )


def subgroups(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """One table a test cohort: each group with its size, AUROC, sensitivity and specificity."""
    point = inputs.device.operating_point
    for cohort in inputs.device.cohorts("test"):
        rows = []
        for axis in numbers.keys(cohort.at("subgroups")):
            for group in numbers.keys(cohort.at(f"subgroups.{axis}")):
                at = cohort.at(f"subgroups.{axis}.{group}")
                counts = f"{numbers.value(f'{at}.n')} ({numbers.value(f'{at}.positives')})"
                measures = (f"{at}.operating_points.{point}.{measure}" for measure in ("sensitivity", "specificity"))
                rows.append(
                    (escape(axis.replace("_", " ")), escape(group), counts, numbers.cell(f"{at}.auroc"))
                    + tuple(numbers.cell(one) for one in measures)
                )
        if not rows:
            continue
        columns = (
            Column("Axis", 1), Column("Group", 1.2), Column("n (positive)", 0.9, right=True),
            *(Column(title, 1.4, right=True) for title in ("AUROC", "Sensitivity", "Specificity")),
        )  # fmt: skip
        caption = (
            f"Subgroups: {escape(cohort.title)}, at the operating point *{point}*. {numbers.source(cohort.at('auroc'))}"
        )
        yield Table(
            f"table-subgroups-{_key(cohort)}", caption, columns, tuple(rows), "*not estimable*: too few images to say."
        )


def calibration(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Expected calibration error and what else the evidence has on each test cohort."""
    names = list(dict.fromkeys(n for c in inputs.device.cohorts("test") for n in numbers.keys(c.at("calibration"))))
    titles = {"ece": "Calibration error", "brier": "Brier score"}
    rows = tuple(
        (escape(cohort.title), *(numbers.cell(cohort.at(f"calibration.{name}")) for name in names))
        for cohort in inputs.device.cohorts("test")
    )
    columns = (Column("Images", 1.6), *(Column(titles.get(name, name.capitalize()), 1.2, right=True) for name in names))
    yield Table(
        "table-calibration",
        f"Calibration of the probability. {_sources(inputs.device.cohorts('test'), numbers)}",
        columns,
        rows,
    )


def by_prevalence(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """PPV, NPV and F1 of the operating point where prevalence differs, and F1 of flagging everybody."""
    point = inputs.device.operating_point
    tests = inputs.device.cohorts("test")
    rows = []
    for cohort in tests:
        for share in numbers.keys(cohort.at(f"by_prevalence.{point}")):
            at = cohort.at(f"by_prevalence.{point}.{share}")
            measured = (numbers.cell(f"{at}.{name}") if numbers.has(f"{at}.{name}") else "" for name in _BY_PREVALENCE)
            rows.append(
                (escape(cohort.title), escape(share), *measured, numbers.value(cohort.at(f"flag_all.{share}.f1")))
            )
    if not rows:
        return
    columns = (
        Column("Images", 1.5),
        Column("Prevalence", 0.8, right=True),
        *(Column(_MEASURE_TITLES[name], 1.3, right=True) for name in _BY_PREVALENCE),
        Column("F1 of flagging all", 1, right=True),
    )
    caption = (
        f"What a flag means where prevalence differs, at the operating point *{point}*. {_sources(tests, numbers)}"
    )
    note = "From the sensitivity and specificity measured here, by Bayes' rule."
    yield Table("table-by-prevalence", caption, columns, tuple(rows), note)


def floors(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """AUROC of what needs no pixels, beside the model's."""
    rows = []
    for cohort in inputs.device.cohorts("test"):
        for name in numbers.keys(cohort.at("floors")):
            rows.append(
                (
                    escape(cohort.title),
                    escape(name.replace("_", " ")),
                    numbers.cell(cohort.at(f"floors.{name}")),
                    numbers.cell(cohort.at("auroc")),
                )
            )
    if rows:
        columns = (
            Column("Images", 1.6),
            Column("Known without the image", 1.4),
            Column("AUROC of that alone", 1.3, right=True),
            Column("AUROC of the model", 1.3, right=True),
        )
        yield Table(
            "table-floors",
            f"Floors: what can be had without looking at the image. {_sources(inputs.device.cohorts('test'), numbers)}",
            columns,
            tuple(rows),
        )


def comorbid(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Sensitivity and specificity with and without each other finding."""
    for cohort in inputs.device.cohorts("test"):
        rows = []
        for finding in numbers.keys(cohort.at("comorbid")):
            at = cohort.at(f"comorbid.{finding}")
            rows.append(
                (
                    escape(finding.replace("_", " ")),
                    *(
                        numbers.cell(f"{at}.{side}.{measure}")
                        for measure in ("sensitivity", "specificity")
                        for side in ("with", "without")
                    ),
                )
            )
        if rows:
            columns = (
                Column("Finding", 1.3),
                *(
                    Column(title, 1.2, right=True)
                    for title in ("Sensitivity with it", "without it", "Specificity with it", "without it")
                ),
            )
            caption = f"By comorbid finding: {escape(cohort.title)}. {numbers.source(cohort.at('auroc'))}"
            yield Table(f"table-comorbid-{_key(cohort)}", caption, columns, tuple(rows))


def guard(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """What the pixel guard refused rightly and wrongly, where the evidence measured it."""
    for name in inputs.release:
        if not numbers.has(f"{name}/guard"):
            continue
        rows = []
        for group, title in (
            ("refused_chest_radiographs", "Chest radiographs refused wrongly"),
            ("caught", "Changed or foreign images refused rightly"),
        ):
            for kind in numbers.keys(f"{name}/guard.{group}"):
                at = f"{name}/guard.{group}.{kind}"
                rows.append((title, escape(kind), numbers.cell(at)))
        columns = (Column("What", 1.6), Column("Images", 1.6), Column("Share refused", 1.4, right=True))
        yield Table(
            f"table-guard-{name.replace('/', '-')}",
            f"The pixel guard. {numbers.source(f'{name}/guard')}",
            columns,
            tuple(rows),
        )


def _performance_row(cohort: Cohort, numbers: Numbers) -> tuple[str, ...]:
    counts = f"{numbers.value(cohort.at('n'))} ({numbers.value(cohort.at('positives'))}), {numbers.value(cohort.at('patients'))}"
    return (
        escape(cohort.title),
        escape(cohort.reference),
        counts,
        numbers.cell(cohort.at("auroc")),
        numbers.cell(cohort.at("auprc")),
        numbers.value(cohort.at("prevalence")),
    )


def _sources(cohorts: tuple[Cohort, ...], numbers: Numbers) -> Marked:
    return Marked("".join(dict.fromkeys(numbers.source(cohort.at("auroc")) for cohort in cohorts)))


def _key(cohort: Cohort) -> str:
    return f"{cohort.evidence}-{cohort.question}".lower().replace("/", "-").replace("_", "-")


def _level() -> str:
    return "95 %"
