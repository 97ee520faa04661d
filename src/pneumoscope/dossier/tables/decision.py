"""Tables of how a probability becomes a decision: rules, thresholds, limits; and the second output."""

from collections.abc import Iterator

from pneumoscope.dossier.content import Column, Table
from pneumoscope.dossier.device import Cohort
from pneumoscope.dossier.inline import Marked, escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.dossier.tables.common import (
    Rows,
    count,
    heading,
    level,
    right,
    sources,
    threshold,
)

# How evidence names a question that the second output answers.
REPORT = "Report_as_"


def rules(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield how each threshold was chosen and on which images: by the card's rules, or by the validation evidence."""
    caption = "How the thresholds were chosen, and on which images."
    if names := numbers.keys("card/rules"):
        points = ("screening", "balanced", "confirmatory")
        rows = [
            tuple(
                numbers.value(f"card/rules.{name}.{key}")
                for key in ("words", "fitted_on", *(f"rules.{point}" for point in points))
            )
            for name in names
        ]
        titles = ("Decides on", "Chosen on", *(point.capitalize() for point in points))
        columns = tuple(Column(words, width) for words, width in zip(titles, (0.8, 1.6, 1.4, 1.8, 1.4), strict=True))
        yield Table("table-rules", caption, columns, tuple(rows))
        return
    shown: Rows = []
    for cohort in inputs.device.cohorts("validation"):
        chosen = ""
        for name in numbers.keys(cohort.at("operating_points")):
            at = cohort.at(f"operating_points.{name}")
            here = numbers.value(f"{at}.chosen_on")
            if here != chosen:
                shown.append((f"*{escape(cohort.title)}; chosen on: {here}*", "", ""))
            chosen = here
            shown.append((escape(name), threshold(at, numbers), numbers.value(f"{at}.rule")))
    columns = (Column("Point", 1), Column("Threshold", 1.6), Column("Rule", 3))
    yield Table("table-rules", caption, columns, tuple(shown))


def decision_rules(_inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield the card's rules: for each population and view its calibration, thresholds and limits."""
    names = numbers.keys("card/rules")
    keys: tuple[str, ...] = ("slope", "intercept", "prevalence", "thresholds.screening", "thresholds.balanced")
    keys += ("thresholds.confirmatory", "negative_to", "positive_from")
    rows = [tuple(numbers.value(f"card/rules.{name}.{key}") for key in ("words", *keys)) for name in names]
    columns = (
        Column("Decides on", 1.3), *right("Slope", "Intercept", "Prevalence", width=0.9),
        *right("Screening", "Balanced", "Confirmatory", "Negative up to", "Positive from", width=1),
    )  # fmt: skip
    if rows:
        caption = "Decision rules in the model file, by population and view: calibration, thresholds, limits."
        note = (
            "The probability is sigmoid(slope × logit + intercept). It is flagged from the threshold on. A result is "
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
            f"{escape(cohort.title)}: {threshold(cohort.at(f'operating_points.{point}'), numbers)}"
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
                    rows.append((title, words, count(f"{at}.n", numbers), *cells))
    columns = (
        Column("Images", 1.5), Column("Output", 1), *right("n (positive)", width=0.9),
        *right("AUROC", "Average precision", "Calibration error", width=1.3),
    )  # fmt: skip
    if rows:
        caption = "The second output beside the first, both against NIH's label Pneumonia."
        note = f"No threshold is set on the second output; it flags nothing and moves nothing up. {level(inputs)}"
        yield Table("table-second-output", caption, columns, tuple(rows), note)


def thresholds(inputs: Inputs, numbers: Numbers) -> Iterator[Table]:
    """Yield what each threshold attained where it was chosen."""
    chosen = inputs.device.cohorts("validation")
    names = ("sensitivity", "specificity", "ppv", "f1")
    rows: Rows = []
    for cohort in chosen:
        rows.append(heading(cohort, columns=1 + len(names)))
        for name in numbers.keys(cohort.at("operating_points")):
            at = cohort.at(f"operating_points.{name}")
            rows.append((escape(name), *(numbers.cell(f"{at}.{measure}") for measure in names)))
    columns = (
        Column("Point", 1),
        *right("Recall (sensitivity)", "Specificity", "Precision (PPV)", "F1", width=1.25),
    )
    caption = f"What the thresholds attain on validation images.{sources(chosen, numbers)}"
    note = (
        "The thresholds were chosen on validation images, so the numbers are optimistic. Here each image is used once, "
        "unchanged, with the reference's label; a rule that was chosen on changed images too, or with the training "
        f"label, may miss its aim. {level(inputs)}"
    )
    yield Table("table-thresholds", caption, columns, tuple(rows), note)


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
        rows.append(heading(cohort, columns=1 + len(names)))
        views = numbers.keys(_conformal(cohort))
        for view in views if len(views) > 2 else views[:1]:  # beside all, one view alone is all
            measured = (numbers.cell(f"{_conformal(cohort)}.{view}.{name}") for name in names)
            rows.append((escape(view), *measured))
    if rows:
        aim = numbers.value(f"{tests[0].evidence}/conformal.promised")
        in_turn = inputs.tables["training"]["config"].get("data", {}).get("folds")
        single = "they were fitted to single networks while the average ships, " if in_turn else ""
        caption = (
            f"Results called *uncertain*.{sources(tests, numbers)} The limits aim at a right answer that stays "
            f"plausible for {aim} of either class. They do not guarantee it: {single}a patient has several validation "
            "images, and test images and references differ from validation's."
        )
        columns = (Column("View", 0.7), *right(*names.values(), width=1.3))
        yield Table("table-uncertain", caption, columns, tuple(rows), level(inputs))


def _conformal(cohort: Cohort) -> str:
    return f"{cohort.evidence}/conformal.{cohort.question}"
