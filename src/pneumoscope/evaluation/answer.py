"""All that one question is answered with, in the order of docs/reference/evidence.md."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pneumoscope.evaluation.floors import floors
from pneumoscope.evaluation.groups import comorbid, gaps, subgroups
from pneumoscope.evaluation.label_noise import label_noise
from pneumoscope.evaluation.measure import calibration, discrimination
from pneumoscope.evaluation.numbers import Tree
from pneumoscope.evaluation.points import HERE, at_point, choose_points, expected
from pneumoscope.evaluation.prevalence import best_f1, by_prevalence, net_benefit
from pneumoscope.evaluation.questions import Question, take
from pneumoscope.evaluation.settings import Point, Settings


def answer(rows: pd.DataFrame, *, question: Question, points: Mapping[str, Point] | None, settings: Settings) -> Tree:
    """Every number of one question.

    Args:
        rows: The cohort; the question takes what it is about.
        question: Its name seeds the bootstraps.
        points: Operating points that were chosen elsewhere; None to choose them on the images themselves, which
            flatters them, and is said.
        settings: As they will be written into the evidence.
    """
    sample, rows = take(rows, question)
    in_focus = question.score in settings.focus
    chosen = choose_points(sample, every=in_focus) if points is None else dict(points)
    first = next(iter(chosen.values()), None)
    at: dict[str, Any] = {"question": question, "point": first, "settings": settings} if first else {}

    def rng(*names: str) -> np.random.Generator:
        return settings.rng(question.name, *names)

    def operating_point(name: str, point: Point) -> Tree:
        numbers = at_point(sample, point, rng=rng(name), settings=settings)
        if point.chosen_on != HERE or not in_focus:
            return numbers
        return {**numbers, "expected": expected(sample, name=name, rng=rng("expected", name), settings=settings)}

    return {
        "question": question.facts(),
        **sample.counts,
        **discrimination(sample, rng=rng("auprc"), settings=settings),
        "operating_points": {name: operating_point(name, point) for name, point in chosen.items()},
        "calibration": calibration(sample, rng=rng("calibration"), settings=settings),
        "by_prevalence": {name: by_prevalence(sample, point, settings=settings) for name, point in chosen.items()},
        "best_f1": best_f1(sample, settings=settings),
        "net_benefit": net_benefit(sample, rng=rng("net benefit"), settings=settings) if in_focus else {},
        "floors": floors(sample, rows, settings=settings),
        "gaps": gaps(sample, rows, **at) if at and in_focus else {},
        "label_noise": label_noise(sample, rows, **at) if at and in_focus else {},
        "subgroups": subgroups(sample, rows, points=chosen, settings=settings),
        "comorbid": comorbid(sample, rows, **at) if at else {},
    }
