"""The display policy of heat maps: whether one may be shown, and whether its place makes the flag uncertain."""

from dataclasses import dataclass

from pneumoscope.model import HeatRule


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatDisplay:
    """Whether the heat map may be shown, whether it makes the answer uncertain, and why, in words for a person."""

    shown: bool
    uncertain: bool
    notes: tuple[str, ...]


def decide_heat_display(rule: HeatRule, *, outside: float | None, flagged: bool) -> HeatDisplay:
    """Return what a population's rule says of one image's heat map.

    A flag whose heat lies outside the lungs by more than the rule's limit is uncertain. An image that is not flagged
    has no heat to explain: its hottest places are only the least calm.

    Args:
        rule: The card's, for the image's population.
        outside: As `heat_outside_lungs` gives it; None where the lungs are not known.
        flagged: Whether the probability reaches the threshold.
    """
    limit = rule.largest_outside
    if flagged and outside is not None and limit is not None and outside > limit:
        found = f"{100 * outside:.0f} % of the heat lies outside the lungs, expected at most {100 * limit:.0f} %"
        return HeatDisplay(shown=False, uncertain=True, notes=(f"uncertain, and no heat map shown: {found}",))
    if not rule.shown:
        return HeatDisplay(shown=False, uncertain=False, notes=(f"no heat map shown: {rule.why}",))
    return HeatDisplay(shown=True, uncertain=False, notes=())
