"""The words and numbers of a result, the same in every object."""

from pneumoscope.core import Check, Decision, PopulationSource
from pneumoscope.results.reading import Reading

RESEARCH_USE = "Research use only, not for diagnosis"
NOT_NEGATIVE = "This is not a negative result."
HEAT_MEANING = "The heat map shows what raised the score. It does not outline disease."


def kind(status: str, decision: Decision | None) -> str:
    """Return the group that a reading is counted in: suspicious, clear, uncertain, or else its status."""
    if decision is None:
        return str(status)
    if decision.uncertain:
        return "uncertain"
    return "suspicious" if decision.positive else "clear"


def answer(decision: Decision) -> str:
    """Return the side of the threshold that the probability is on, in words."""
    return "Suspicious for pneumonia" if decision.positive else "Not suspicious for pneumonia"


def leaning(decision: Decision) -> str | None:
    """Return, for an uncertain decision, the side that it leans to; None for a certain one."""
    if not decision.uncertain:
        return None
    return "Leans to suspicious for pneumonia" if decision.positive else "Leans to not suspicious for pneumonia"


def headline(decision: Decision) -> str:
    """Return the decision in words; an uncertain one says first that a person decides."""
    return "Uncertain: a person decides" if decision.uncertain else answer(decision)


def population(decision: Decision) -> str:
    """Return whose rule decided, and why where that was not the age in the header."""
    why = {PopulationSource.GIVEN: ", as given", PopulationSource.DEFAULT: " by default, age not known"}
    view = "" if decision.view is None else f" {decision.view}"
    return f"{decision.population}{view}{why.get(decision.population_source, '')}"


def reported(decision: Decision) -> str | None:
    """Return the second output in words; None where the model has none."""
    if decision.report_probability is None:
        return None
    return f"Probability that a radiology report names pneumonia {percent(decision.report_probability)}"


def percent(share: float) -> str:
    """Return a share in [0, 1] as per cent with one decimal; never rounded up to 100 or down to 0."""
    if 0.0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1.0:
        return "> 99.9 %"
    return f"{100 * share:.1f} %"


def percent_beside(share: float, *, other: float) -> str:
    """Return a share like `percent`, with as many decimals as it takes to tell the share from the other one."""
    decimals = next((d for d in (1, 2, 3) if f"{100 * share:.{d}f}" != f"{100 * other:.{d}f}"), 4)
    if decimals == 1 or share == other:
        return percent(share)
    return f"{100 * share:.{decimals}f} %"


def rounded(decision: Decision) -> tuple[float, float]:
    """Return probability and threshold to six decimals; unrounded where rounding would change the decision."""
    probability, threshold = decision.probability, decision.threshold
    short = round(probability, 6), round(threshold, 6)
    return short if (short[0] >= short[1]) == (probability >= threshold) else (probability, threshold)


def sentence(reading: Reading) -> str:
    """Return an analysed reading in plain text: decision, numbers, notes, limits of use.

    Raises:
        ValueError: The reading was not analysed.
    """
    decision = reading.decision
    if decision is None:
        raise ValueError(f"expected an analysed reading, found {reading.status}: {reading.path}")
    words = [headline(decision), leaning(decision)]
    words.append(
        f"Probability {percent_beside(decision.probability, other=decision.threshold)}, flagged from "
        f"{percent_beside(decision.threshold, other=decision.probability)} "
        f"(operating point: {decision.operating_point}, {population(decision)})"
    )
    words.append(reported(decision))
    words += [note[0].upper() + note[1:] for note in reading.notes]
    words.append(RESEARCH_USE)
    return ". ".join(word for word in words if word) + "."


def in_one_line(reading: Reading) -> str:
    """Return the reading for a terminal or a log: image, decision with its numbers, or every reason against it."""
    if (decision := reading.decision) is None:
        return f"{reading.path}: {reading.status}: {'; '.join(complaint(check) for check in reading.reasons)}"
    probability = percent_beside(decision.probability, other=decision.threshold)
    threshold = percent_beside(decision.threshold, other=decision.probability)
    return f"{reading.path}: {headline(decision)}, probability {probability} (threshold {threshold})"


def complaint(check: Check) -> str:
    """Return a failed check in one line."""
    return f"{check.name}: expected {check.expected}, found {check.found}"
