"""Figures of how the images were made."""

from pneumoscope.eda.acquisition import Acquisition, Format
from pneumoscope.eda.groups import NO_FINDING
from pneumoscope.eda.wording import count, listed, percent, percent_interval, plain
from pneumoscope.plotting import Figure, ForestAxis, ForestLayout, Point, Row, forest

_WIDTH = 760.0
_ALL = "All images"
# Smaller groups don't stretch the scale: their intervals leave it with an arrow.
_MANY = 500


def views_by_finding(numbers: Acquisition) -> Figure | None:
    """Share of AP films among the images with each finding; None where there is one view only."""
    shares = {one.finding: one for one in numbers.by_finding}
    if _ALL not in shares:
        return None
    findings = sorted(
        (one for name, one in shares.items() if name not in (_ALL, NO_FINDING)), key=lambda one: -one.ap.value
    )
    ordered = [shares[_ALL], *([shares[NO_FINDING]] if NO_FINDING in shares else []), *findings]
    rows = [
        Row(
            label=plain(one.finding),
            points=(
                Point(
                    value=100 * one.ap.value,
                    low=100 * one.ap.low,
                    high=100 * one.ap.high,
                    colour="finding" if one.finding == numbers.finding else "ap",
                    tip=percent_interval(one.ap),
                ),
            ),
            columns=(count(one.images), percent_interval(one.ap)),
        )
        for one in ordered
    ]
    marks, height = forest(
        rows,
        ForestAxis(title="% of the images taken AP", low=0, high=100, reference=100 * shares[_ALL].ap.value),
        layout=ForestLayout(width=_WIDTH, columns=(("images", 70), ("AP [95 %]", 140))),
    )
    first = findings[0]
    subject = shares.get(numbers.finding)
    about = (
        f"{percent(subject.ap.value)} of the films with {plain(numbers.finding).lower()} are AP, " if subject else ""
    )
    none = shares.get(NO_FINDING)
    against = (
        f"{percent(none.ap.value)} of those without a finding" if none else f"{percent(shares[_ALL].ap.value)} of all"
    )
    return Figure(
        name="views-by-finding",
        title="Who is filmed AP",
        takeaway=(
            f"AP films, taken at the bedside, go with illness: {about}against {against}; most for "
            f"{plain(first.finding)} ({percent(first.ap.value)})."
        ),
        caption=(
            f"n = {count(shares[_ALL].images)} images; dashed: all images. Exact 95 % intervals, clustered by patient."
        ),
        width=_WIDTH,
        height=height,
        marks=marks,
    )


def formats(numbers: Acquisition) -> Figure | None:
    """Draw the finding's share by original size and pixel spacing, with how much of each is AP; None if unknown."""
    parts = [("Original size, px", numbers.sizes), ("Pixel spacing", numbers.spacings)]
    rows: list[Row] = []
    for title, group in parts:
        if len(group) > 1:
            rows.append(Row(label=title, heading=True))
            rows += [_row(one) for one in group]
    if not rows:
        return None
    large = [
        one.group.share.high for _, group in parts for one in group if one.group.share and one.group.images >= _MANY
    ]
    high = max([0.01, *large])
    marks, height = forest(
        rows,
        ForestAxis(title=f"% of images with {plain(numbers.finding).lower()}", low=0, high=105 * high),
        layout=ForestLayout(width=_WIDTH, columns=(("images", 70), ("AP", 60), ("share [95 %]", 140))),
    )
    strongest = [
        f"{one.variable.lower()} {one.with_view:.2f}"
        for one in numbers.associations
        if one.with_view is not None and one.variable in ("Original size", "Pixel spacing")
    ]
    ap = [
        one.views.get("AP", 0) / sum(one.views.values())
        for _, group in parts
        for one in group
        if sum(one.views.values()) >= _MANY
    ]
    return Figure(
        name="formats",
        title="The format knows the view",
        takeaway=(
            f"From format to format, {percent(min(ap))} to {percent(max(ap))} of the films are AP: size and spacing "
            "give the view away"
            + (f" (Cramer's V: {listed(strongest)})" if strongest else "")
            + ", and through it the finding."
            if ap
            else "Too few films of each format state their view."
        ),
        caption=(
            f"{count(numbers.different_sizes)} different original sizes; the commonest are shown. Exact 95 % "
            "intervals, clustered by patient. Sizes are of the films as acquired, before they were published as 1024 "
            "× 1024."
        ),
        width=_WIDTH,
        height=height,
        marks=marks,
    )


def _row(one: Format) -> Row:
    share = one.group.share
    known = sum(one.views.values())
    points = (
        (Point(value=100 * share.value, low=100 * share.low, high=100 * share.high, colour="finding"),) if share else ()
    )
    ap = percent(one.views.get("AP", 0) / known) if known else ""
    return Row(label=one.name, points=points, columns=(count(one.group.images), ap, percent_interval(share)))
