"""Simulated readings: patients with several images, whose scores resemble each other."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest


@dataclass(frozen=True)
class Readings:
    truth: np.ndarray
    score: np.ndarray
    other_score: np.ndarray
    patient: np.ndarray


def simulate(patients: int, *, images: int, seed: int) -> Readings:
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), images)
    ill = rng.random(patients) < 0.4
    truth = ill[patient] & (rng.random(patient.size) < 0.8)
    shared = rng.normal(size=patients)[patient]
    signal = 1.2 * truth + shared

    def score() -> np.ndarray:
        return np.round(1 / (1 + np.exp(-signal - rng.normal(scale=0.5, size=patient.size))), 2)

    return Readings(truth=truth, score=score(), other_score=score(), patient=patient)


@pytest.fixture(scope="session")
def single() -> Readings:
    """One image a patient; many tied scores."""
    return simulate(160, images=1, seed=1)


@pytest.fixture(scope="session")
def repeated() -> Readings:
    """Four images a patient."""
    return simulate(150, images=4, seed=2)


@pytest.fixture(scope="session")
def van_dyke() -> tuple[np.ndarray, np.ndarray]:
    """Truth and ratings (test, reader, patient) of Van Dyke et al.'s study of aortic dissection (see test_mrmc.py).

    A line of the file is a test and reader: 69 patients without, then 45 with the finding, each rated 1 to 5.
    """
    lines = (Path(__file__).parent / "van_dyke.txt").read_text().split()
    rating = np.array([[int(digit) for digit in line] for line in lines]).reshape(2, 5, 114)
    return np.arange(114) >= 69, rating
