"""All that one question is answered with, in the order of docs/reference/evidence.md."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pneumoscope.evidence.floors import floors
from pneumoscope.evidence.groups import comorbid, subgroups
from pneumoscope.evidence.measure import (
    HERE,
    at_threshold,
    by_prevalence,
    calibration,
    choose_points,
    discrimination,
    expected,
)
from pneumoscope.evidence.numbers import Tree
from pneumoscope.evidence.questions import Question, take
from pneumoscope.evidence.settings import Point, Settings


def answer(rows: pd.DataFrame, *, question: Question, points: Mapping[str, Point] | None, settings: Settings) -> Tree:
    """Every number of one question.

    Args:
        rows: The cohort; the question takes what it is about.
        question: Its name seeds the bootstraps.
        points: Operating points that were chosen elsewhere; None to choose them on the sample itself, which
            flatters them, and is said.
        settings: As they will be written into the evidence.
    """
    sample, rows = take(rows, question)
    chosen = choose_points(sample) if points is None else dict(points)
    at = next(iter(chosen.values()), None)

    def rng(*names: str) -> np.random.Generator:
        return settings.rng(question.name, *names)

    return {
        "question": question.facts(),
        **sample.counts,
        **discrimination(sample, rng=rng("auprc"), settings=settings),
        "operating_points": {
            name: at_threshold(sample, point, rng=rng(name), settings=settings)
            | (
                {"expected": expected(sample, name=name, rng=rng("expected", name), settings=settings)}
                if point.chosen_on == HERE and question.score in settings.focus
                else {}
            )
            for name, point in chosen.items()
        },
        "calibration": calibration(sample, rng=rng("calibration"), settings=settings),
        "by_prevalence": {name: by_prevalence(sample, point, settings=settings) for name, point in chosen.items()},
        "flag_all": {f"{percent}%": {"f1": 2 * percent / (100 + percent)} for percent in settings.prevalences},
        "floors": floors(sample, rows, settings=settings),
        "subgroups": subgroups(sample, rows, points=chosen, settings=settings),
        "comorbid": {} if at is None else comorbid(sample, rows, question=question, point=at, settings=settings),
    }
