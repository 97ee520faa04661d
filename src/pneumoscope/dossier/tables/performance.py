"""Tables of measured performance; every number by its address in the evidence."""

from collections.abc import Iterator

from pneumoscope.dossier.content import Column, Paragraph, Table
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.facts import key_of
from pneumoscope.dossier.inline import Marked, escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.evaluation import Number

Rows = list[tuple[str, ...]]

_TITLES = {"auroc": "AUROC", "ppv": "PPV", "npv": "NPV", "f1": "F1", "ece": "Calibration error", "brier": "Brier score"}
# How evidence names a question that the second output answers.
REPORT = "Report_as_"
_MEASURES = ("sensitivity", "specificity", "ppv", "npv", "f1")
_BY_PREVALENCE = ("ppv", "npv", "f1")


def performance(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Discrimination on each test cohort, then on those shown for context."""
    tests = inputs.device.cohorts("test")
    rows: Rows = []
    for cohort in (*tests, *inputs.device.cohorts("context")):
        counts = f"{_count(cohort.at('n'), numbers)}, {numbers.value(cohort.at('patients'))}"
        measured = (numbers.cell(cohort.at("auroc")), numbers.cell(cohort.at("auprc")))
        rows.append(
            (escape(cohort.title), escape(cohort.reference), counts, *measured, numbers.value(cohort.at("prevalence")))
        )
    columns = (
        Column("Images", 1.5),
        Column("Reference", 1.6),
        *_right("n (positive), patients", "AUROC", "Average precision", width=1.4),
        *_right("Prevalence", width=0.95),
    )
    note = f"{_level(inputs)} Intervals are clustered by patient. Flags at random have the prevalence as precision."
    yield Table("table-performance", f"Discrimination.{_sources(tests, numbers)}", columns, tuple(rows), note)


def operating_points(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Every operating point on every test cohort."""
    tests = inputs.device.cohorts("test")
    rows: Rows = []
    for cohort in tests:
        rows.append(_heading(cohort, columns=2 + len(_MEASURES)))
        for name in numbers.keys(cohort.at("operating_points")):
            at = cohort.at(f"operating_points.{name}")
            shown = f"**{escape(name)}**" if name == inputs.device.operating_point else escape(name)
            measured = (numbers.cell(f"{at}.{measure}") for measure in _MEASURES)
            rows.append((shown, _threshold(at, numbers), *measured))
    columns = (Column("Point", 1.05), *_right("Threshold", width=1), *_right(*map(_title, _MEASURES), width=1.4))
    caption = f"Performance at each operating point, at the cohort's own prevalence.{_sources(tests, numbers)}"
    note = f"Bold: the point that this document is about. {_level(inputs)}"
    yield Table("table-operating-points", caption, columns, tuple(rows), note)


def rules(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Where each threshold comes from."""
    rows: Rows = []
    for cohort in inputs.device.cohorts("validation"):
        rows.append(_heading(cohort, columns=4))
        for name in numbers.keys(cohort.at("operating_points")):
            at = cohort.at(f"operating_points.{name}")
            facts = (numbers.value(f"{at}.{fact}") for fact in ("rule", "chosen_on"))
            rows.append((escape(name), _threshold(at, numbers), *facts))
    columns = (Column("Point", 1), Column("Threshold", 1.6), Column("Rule", 2.6), Column("Chosen on", 2.2))
    caption = "Thresholds on the probability, the rule of each, and the images that it was chosen on."
    yield Table("table-rules", caption, columns, tuple(rows))


def decision_rules(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield the card's rules: for each population and view its calibration, thresholds and limits."""
    names = numbers.keys("card/rules")
    keys = ("slope", "intercept", "prevalence", "thresholds.screening", "thresholds.balanced")
    keys += ("thresholds.confirmatory", "negative_to", "positive_from")
    rows = [tuple(numbers.value(f"card/rules.{name}.{key}") for key in ("words", *keys)) for name in names]
    columns = (
        Column("Decides on", 1.3), *_right("Slope", "Intercept", "Prevalence", width=0.9),
        *_right("Screening", "Balanced", "Confirmatory", "Negative up to", "Positive from", width=1),
    )  # fmt: skip
    if rows:
        caption = "Decision rules in the model file, by population and view: calibration, thresholds, limits."
        note = (
            "The probability is sigmoid(slope * logit + intercept). It is flagged from the threshold on. A result is "
            "*uncertain* where the probability lies between the last two columns, in whichever order they stand."
        )
        yield Table("table-decision-rules", caption, columns, tuple(rows), note)


def threshold_words(inputs: Inputs, numbers: Numbers) -> Marked:
    """Return the thresholds of the document's operating point by rule, where the card is known, else by cohort."""
    point = inputs.device.operating_point
    if names := numbers.keys("card/rules"):
        said = [
            f"{numbers.value(f'card/rules.{name}.words')}: {numbers.value(f'card/rules.{name}.thresholds.{point}')}"
            for name in names
        ]
    else:
        said = [
            f"{escape(cohort.title)}: {_threshold(cohort.at(f'operating_points.{point}'), numbers)}"
            for cohort in inputs.device.cohorts("validation")
        ]
    return Marked("; ".join(said))


def second_output(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield the second output beside the first against the same label, where the evidence has one."""
    rows: Rows = []
    names = dict.fromkeys(one.evidence for one in inputs.device.cohorts("test"))
    for name in names:
        for question in numbers.keys(f"{name}/labels"):
            if not question.startswith(REPORT):
                continue
            first = f"{name}/labels.{question.removeprefix(REPORT)}"
            title = numbers.value(f"{name}/cohort.title")
            for at, words in ((first, "opacity, decides"), (f"{name}/labels.{question}", "report")):
                if numbers.has(at):
                    cells = (numbers.cell(f"{at}.{one}") for one in ("auroc", "auprc", "calibration.ece"))
                    rows.append((title, words, _count(f"{at}.n", numbers), *cells))
    columns = (
        Column("Images", 1.5), Column("Output", 1), *_right("n (positive)", width=0.9),
        *_right("AUROC", "Average precision", "Calibration error", width=1.3),
    )  # fmt: skip
    if rows:
        caption = "The second output beside the first, both against NIH's label Pneumonia."
        note = f"No threshold is set on the second output; it flags nothing and moves nothing up. {_level(inputs)}"
        yield Table("table-second-output", caption, columns, tuple(rows), note)


def thresholds(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield what each threshold attained where it was chosen."""
    chosen = inputs.device.cohorts("validation")
    names = ("sensitivity", "specificity", "ppv", "f1")
    rows: Rows = []
    for cohort in chosen:
        rows.append(_heading(cohort, columns=1 + len(names)))
        for name in numbers.keys(cohort.at("operating_points")):
            at = cohort.at(f"operating_points.{name}")
            rows.append((escape(name), *(numbers.cell(f"{at}.{measure}") for measure in names)))
    columns = (
        Column("Point", 1),
        *_right("Recall (sensitivity)", "Specificity", "Precision (PPV)", "F1", width=1.25),
    )
    caption = f"What the thresholds attain on validation images.{_sources(chosen, numbers)}"
    note = (
        "The thresholds were chosen on validation images, so the numbers are optimistic. Here each image is used once, "
        "unchanged, with the reference's label; a rule that was chosen on changed images too, or with the training "
        f"label, may miss its aim. {_level(inputs)}"
    )
    yield Table("table-thresholds", caption, columns, tuple(rows), note)


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
                shown = (escape(group), _count(at + ".n", numbers), numbers.cell(f"{at}.auroc"))
                rows.append((escape(_words(axis)) if place == 0 else "", *shown, *measured))
        if alone and not rows:
            yield Paragraph(f"{escape(cohort.title)}: all images are in one group of each: {escape(', '.join(alone))}.")
            continue
        columns = (
            Column("Axis", 0.9),
            Column("Group", 1.1),
            *_right("n (positive)", width=1),
            *_right("AUROC", "Sensitivity", "Specificity", width=1.5),
        )
        caption = f"Subgroups: {escape(cohort.title)}, operating point *{escape(point)}*.{_sources((cohort,), numbers)}"
        note = f"{_level(inputs)} *not estimable*: too few patients."
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
    columns = (Column("Images", 1.4), *_right(*map(_title, names), "Error if perfect: mean, 95th", width=1.2))
    caption = f"Calibration of the probability.{_sources(tests, numbers)}"
    perfect = "Perfect: error 0, slope 1, intercept 0."
    yield Table("table-calibration", caption, columns, rows, f"{perfect} {_level(inputs)}")


def _perfect(cohort: Cohort, numbers: Numbers) -> str:
    """Return the calibration error that these images would show of a perfectly calibrated model."""
    at = f"action/{key_of(cohort)}.perfect_calibration"
    if not numbers.has(f"{at}.mean"):
        return "too few images"
    return f"{numbers.value(f'{at}.mean')}, {numbers.value(f'{at}.p95')}"


def uncertain(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield what the conformal limits did on each test cohort and view; nothing where the evidence does not say."""
    names = {
        "covered_with": "Right answer plausible, finding",
        "covered_without": "No finding",
        "uncertain": "Uncertain",
        "right_where_certain": "Right where certain",
    }
    tests = tuple(one for one in inputs.device.cohorts("test") if numbers.has(_conformal(one)))
    rows: Rows = []
    for cohort in tests:
        rows.append(_heading(cohort, columns=1 + len(names)))
        views = numbers.keys(_conformal(cohort))
        for view in views if len(views) > 2 else views[:1]:  # beside all, one view alone is all
            measured = (numbers.cell(f"{_conformal(cohort)}.{view}.{name}") for name in names)
            rows.append((escape(view), *measured))
    if rows:
        aim = numbers.value(f"{tests[0].evidence}/conformal.promised")
        in_turn = inputs.tables["training"]["config"].get("data", {}).get("folds")
        single = "they were fitted to single networks while the average ships, " if in_turn else ""
        caption = (
            f"Results called *uncertain*.{_sources(tests, numbers)} The limits aim at a right answer that stays "
            f"plausible for {aim} of either class. They do not guarantee it: {single}a patient has several validation "
            "images, and test images and references differ from validation's."
        )
        columns = (Column("View", 0.7), *_right(*names.values(), width=1.3))
        yield Table("table-uncertain", caption, columns, tuple(rows), _level(inputs))


def _conformal(cohort: Cohort) -> str:
    return f"{cohort.evidence}/conformal.{cohort.question}"


def by_prevalence(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """PPV, NPV and F1 of the operating point where prevalence differs, and F1 of flagging everybody."""
    point = inputs.device.operating_point
    tests = inputs.device.cohorts("test")
    names = [one for one in _BY_PREVALENCE if _anywhere(tests, numbers, f"by_prevalence.{point}", one)]
    rows: Rows = []
    for cohort in tests:
        rows.append(_heading(cohort, columns=2 + len(names)))
        for share in numbers.keys(cohort.at(f"by_prevalence.{point}")):
            at = cohort.at(f"by_prevalence.{point}.{share}")
            measured = (numbers.cell(f"{at}.{name}") for name in names)
            rows.append(
                (escape(share.replace("%", " %")), *measured, numbers.value(cohort.at(f"best_f1.{share}.flag_all")))
            )
    columns = (
        Column("Prevalence", 0.8),
        *_right(*map(_title, names), width=1.4),
        *_right("F1 of flagging everybody", width=1.2),
    )
    caption = (
        f"What a flag means where prevalence differs, operating point *{escape(point)}*.{_sources(tests, numbers)}"
    )
    note = f"From the sensitivity and specificity measured here, by Bayes' rule. {_level(inputs)}"
    yield Table("table-by-prevalence", caption, columns, tuple(rows), note)


def floors(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """AUROC of what needs no pixels, beside the model's."""
    tests = inputs.device.cohorts("test")
    rows: Rows = []
    for cohort in tests:
        names = [name for name in numbers.keys(cohort.at("floors")) if _estimable(cohort.at(f"floors.{name}"), numbers)]
        rows += [_heading(cohort, columns=3)] if names else []
        model = cohort.at("auroc")
        rows += [
            (escape(_words(name)), numbers.cell(cohort.at(f"floors.{name}")), numbers.cell(model)) for name in names
        ]
        together = f"action/{key_of(cohort)}.without_pixels"
        if names and _estimable(together, numbers):
            rows.append(("all four together", numbers.cell(together), numbers.cell(model)))
    columns = (Column("Known without the image", 1.4), *_right("AUROC of that alone", "AUROC of the model", width=1.3))
    caption = f"Floors: what can be had without looking at the image.{_sources(tests, numbers)}"
    if rows:
        yield Table("table-floors", caption, columns, tuple(rows))


def gaps(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """How far groups differ in sensitivity and specificity, axis by axis; 0 and 0 would be equalised odds."""
    tests = inputs.device.cohorts("test")
    rows: Rows = []
    for cohort in tests:
        axes = numbers.keys(cohort.at("gaps"))
        axes = tuple(axis for axis in axes if _estimable(cohort.at(f"gaps.{axis}.spread.specificity"), numbers))
        rows += [_heading(cohort, columns=3)] if axes else []
        for axis in axes:
            places = (cohort.at(f"gaps.{axis}.spread.{name}") for name in ("sensitivity", "specificity"))
            rows.append((escape(_words(axis)), *map(numbers.cell, places)))
    columns = (Column("Axis", 1.4), *_right("Largest gap in sensitivity", "in specificity", width=1.3))
    caption = f"Equalised odds: the largest gap between two groups of an axis.{_sources(tests, numbers)}"
    if rows:
        yield Table("table-gaps", caption, columns, tuple(rows), f"{_first_point(tests[0], numbers)} {_level(inputs)}")


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
            (_title(name), numbers.cell(cohort.at(path)), numbers.cell(f"{at}.{name}"))
            for name, path in measured.items()
        ]
        columns = (Column("Number", 1.4), *_right("Against the label", "Corrected for its errors", width=1.3))
        caption = f"Label noise: {escape(cohort.title)}.{_sources((cohort,), numbers)}"
        note = f"Assumed: {numbers.value(f'{at}.assumption')}. Read: {numbers.value(f'{at}.n_read')} images."
        note = f"{note} {_first_point(cohort, numbers)} {_level(inputs)}"
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
        columns = (Column("Finding", 1.3), *_right(*titles, width=1.2))
        caption = f"By comorbid finding: {escape(cohort.title)}.{_sources((cohort,), numbers)}"
        note = f"{_first_point(cohort, numbers)} {_level(inputs)}"
        note += f" Too few patients to say: {escape(', '.join(few))}." if few else ""
        if rows:
            yield Table(f"table-comorbid-{_key(cohort)}", caption, columns, tuple(rows), note)


def _estimable(address: str, numbers: Numbers) -> bool:
    return isinstance(numbers.node(address), Number)


def _heading(cohort: Cohort, *, columns: int) -> tuple[str, ...]:
    """Return a row that heads the rows of a cohort."""
    return (f"*{escape(cohort.title)}, {escape(cohort.reference)}*", *[""] * (columns - 1))


def _first_point(cohort: Cohort, numbers: Numbers) -> str:
    """Return the operating point that the evidence compares groups at."""
    return f"Operating point: *{escape(numbers.keys(cohort.at('operating_points'))[0])}*."


def _threshold(at: str, numbers: Numbers) -> str:
    """Return the threshold, and below it that of patients of another population among the images."""
    others = numbers.keys(f"{at}.threshold_elsewhere")
    also = (f"; {escape(other)}: {numbers.value(f'{at}.threshold_elsewhere.{other}')}" for other in others)
    return f"{numbers.value(f'{at}.threshold')}{''.join(also)}"


def _count(address: str, numbers: Numbers) -> str:
    """Images and, in brackets, those with the finding."""
    return f"{numbers.value(address)} ({numbers.value(address.removesuffix('n') + 'positives')})"


def _anywhere(cohorts: tuple[Cohort, ...], numbers: Numbers, group: str, name: str) -> bool:
    places = (f"{cohort.at(group)}.{share}" for cohort in cohorts for share in numbers.keys(cohort.at(group)))
    return any(numbers.has(f"{place}.{name}") for place in places)


def _right(*titles: str, width: float) -> tuple[Column, ...]:
    return tuple(Column(title, width, right=True) for title in titles)


def _sources(cohorts: tuple[Cohort, ...], numbers: Numbers) -> Marked:
    return Marked("".join(dict.fromkeys(numbers.source(cohort.at("auroc")) for cohort in cohorts)))


def _level(inputs: Inputs) -> str:
    """Return what the brackets are, from the evidence's own numbers."""
    first = inputs.device.cohorts("test")[0]
    level = inputs.release[first.evidence].number(f"labels.{first.question}.auroc").level
    return f"In brackets: {100 * level:g} % interval."


def _title(name: str) -> str:
    return _TITLES.get(name, name.capitalize())


def _words(name: str) -> str:
    return name.replace("_", " ")


def _key(cohort: Cohort) -> str:
    return f"{cohort.evidence}-{cohort.question}".lower().replace("/", "-").replace("_", "-")
