"""What the score would attain against a better reference, by how the text-mined label errs where both are known."""

from functools import partial

import pandas as pd

from pneumoscope import stats
from pneumoscope.core import InputError
from pneumoscope.evaluation.numbers import Node, NotEstimable, Tree, estimate
from pneumoscope.evaluation.points import DECIDED
from pneumoscope.evaluation.questions import Question, Sample
from pneumoscope.evaluation.settings import Point, Settings

BETTER = "rsna_opacity"
ASSUMPTION = (
    "given the radiologists' reading, the label's errors are independent of the score; "
    "and the label errs on all images as on those that they read"
)
_MEASURES = ("auroc", "sensitivity", "specificity", "prevalence")


def label_noise(sample: Sample, rows: pd.DataFrame, *, question: Question, point: Point, settings: Settings) -> Tree:
    """Numbers corrected for the label's own error, and those of the radiologists' reading where there is one.

    How often the label is right comes from the images that RSNA's radiologists read; it is assumed to be the same on
    the others. Empty where the question has no such images, or is not about the label.
    """
    if question.reference != "Pneumonia" or question.against or BETTER not in rows:
        return {}
    read = rows[BETTER].notna().to_numpy()
    if not read.any():
        return {}
    opacity = rows[BETTER].to_numpy(dtype=float)[read] == 1
    part, exact = sample.of(read), settings.exact(sample.patient[read])
    label = part.truth.astype(float)
    facts: dict[str, Node] = {"assumption": ASSUMPTION, "n_read": int(read.sum())}
    try:
        quality = stats.LabelValues(
            ppv=stats.ppv(opacity, label, threshold=DECIDED, **exact),
            npv=stats.npv(opacity, label, threshold=DECIDED, **exact),
        )
    except InputError as error:
        return {**facts, **dict.fromkeys(_MEASURES, NotEstimable(str(error)))}
    label_right = {"label_ppv": estimate(lambda: quality.ppv), "label_npv": estimate(lambda: quality.npv)}
    drawn = settings.drawn(sample.patient, settings.rng(question.name, "label noise"))
    try:
        corrected = stats.correct_for_label_noise(
            sample.truth, sample.score, flagged=sample.decided(point) == 1, quality=quality, **drawn
        )
    except InputError as error:
        return {**facts, **label_right, **dict.fromkeys(_MEASURES, NotEstimable(str(error)))}
    return {**facts, **label_right, **{name: estimate(partial(getattr, corrected, name)) for name in _MEASURES}}
