"""The report's tables: what figures leave out, in words."""

from dataclasses import dataclass

from pneumoscope.eda.report import Exploration
from pneumoscope.eda.wording import count, percent, percent_interval, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A title, the heads of its columns, and rows of text; the first column names the row."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(exploration: Exploration) -> dict[str, tuple[Table, ...]]:
    """Tables by section of the page; a section without any is absent."""
    found = {
        "people": (_groups(exploration), _findings(exploration)),
        "finding": (_numbers(exploration),),
        "acquisition": (_associations(exploration),),
        "labels": (_confusions(exploration),),
        "shift": (_sides(exploration),),
    }
    kept = {name: tuple(table for table in group if table.rows) for name, group in found.items()}
    return {name: group for name, group in kept.items() if group}


def _groups(exploration: Exploration) -> Table:
    return Table(
        title="Images and patients by group",
        heads=("Group", "Images", "Patients", "Images a patient"),
        rows=tuple(
            (
                f"{size.variable}: {size.name}",
                count(size.images),
                count(size.patients),
                f"{size.images / size.patients:.1f}",
            )
            for size in exploration.demographics.sizes
            if size.patients
        ),
    )


def _findings(exploration: Exploration) -> Table:
    return Table(
        title="Who has which finding, and who is filmed how",
        heads=("Images with", "Images", "Patients", "Median age, years", "Male", "AP"),
        rows=tuple(
            (
                plain(one.finding),
                count(one.images),
                count(one.patients),
                "" if one.median_age_years is None else f"{one.median_age_years:.0f}",
                "" if one.male_share is None else percent(one.male_share),
                "" if one.ap_share is None else percent(one.ap_share),
            )
            for one in exploration.demographics.findings
        ),
    )


def _numbers(exploration: Exploration) -> Table:
    images, patients = exploration.profile.findings_an_image, exploration.profile.findings_a_patient
    length = max(len(images), len(patients))
    padded = [[*group, *[0] * (length - len(group))] for group in (images, patients)]
    return Table(
        title="How many different findings an image and a patient have",
        heads=("Findings", "Images", "Patients"),
        rows=tuple((str(number), count(padded[0][number]), count(padded[1][number])) for number in range(length))
        if len(exploration.profile.findings) > 1
        else (),
    )


def _associations(exploration: Exploration) -> Table:
    return Table(
        title="How strongly acquisition goes with the finding and with the view (Cramer's V: 0 not at all, 1 fully)",
        heads=("Variable", f"With {plain(exploration.finding).lower()}", "With the view"),
        rows=tuple(
            (one.variable, *("" if v is None else f"{v:.3f}" for v in (one.with_finding, one.with_view)))
            for one in exploration.acquisition.associations
            if one.with_finding is not None or one.with_view is not None
        ),
    )


def _confusions(exploration: Exploration) -> Table:
    return Table(
        title="Confusion tables, images",
        heads=("Label, reference, view", "Both", "Label only", "Reference only", "Neither"),
        rows=tuple(
            (
                f"{plain(one.label)}, {one.reference}, {one.view}",
                *map(count, (one.both, one.label_only, one.reference_only, one.neither)),
            )
            for one in exploration.readers.comparisons
        ),
    )


def _sides(exploration: Exploration) -> Table:
    shift = exploration.shift
    heads = ("", "Train + val", "Test")
    if shift is None:
        return Table(title="The sides of the split", heads=heads, rows=())
    pairs = (shift.learn, shift.test)
    rows = [
        ("Images", *(count(side.images) for side in pairs)),
        ("Patients", *(count(side.patients) for side in pairs)),
        ("Images a patient", *(f"{side.images_a_patient:.1f}" for side in pairs)),
        (f"{plain(exploration.finding)}, images", *(count(side.finding.positives) for side in pairs)),
        (f"{plain(exploration.finding)}, share", *(percent_interval(side.finding.share) for side in pairs)),
    ]
    for name, values in (
        ("Mean age, years", [side.mean_age_years for side in pairs]),
        ("Mean follow-up number", [side.mean_follow_up for side in pairs]),
    ):
        if None not in values:
            rows.append((name, *(f"{value:.1f}" for value in values)))
    return Table(title="The sides of the split", heads=heads, rows=tuple(rows))
