"""Power for a study like Van Dyke et al.'s; the expected numbers are those of the R package RJafroc's own tests."""

import numpy as np
import pytest
from scipy.stats import f

from pneumoscope.core import InputError
from pneumoscope.stats import Components, conjectured_components, mrmc, mrmc_cases, mrmc_power


@pytest.fixture(scope="module")
def pilot(van_dyke) -> tuple[Components, float]:
    """The pilot's components and its observed difference."""
    found = mrmc(*van_dyke, names=("spin echo", "cine"), covariance="jackknife")
    return found.components, found.readers_and_cases.differences[0].value


def test_the_published_power_of_six_readers_and_111_cases_comes_out(pilot):
    components, difference = pilot
    found = mrmc_power(components, difference=difference, readers=6, cases=111)
    assert found.power == pytest.approx(0.5526116, abs=5e-8)


@pytest.mark.parametrize(
    ("readers", "wanted", "cases", "power"),
    [(6, 0.8, 251, 0.801), (10, 0.8, 163, 0.8015625), (10, 0.9, 236, 0.9003501)],
)
def test_the_published_numbers_of_cases_come_out(pilot, readers, wanted, cases, power):
    components, difference = pilot
    found = mrmc_cases(components, difference=difference, readers=readers, power=wanted)
    assert found.cases == cases
    assert found.power == pytest.approx(power, abs=5e-4)


def test_the_power_agrees_with_simulated_studies(pilot):
    components, _ = pilot
    rng = np.random.default_rng(0)
    readers, scale = 8, components.cases / 150
    tests = np.kron(np.eye(2), np.ones((readers, readers))).astype(bool)
    same_reader = np.kron(np.ones((2, 2)), np.eye(readers)).astype(bool)
    covariance = scale * np.select(
        [tests & same_reader, same_reader, tests],
        [components.error, components.cov1, components.cov2],
        components.cov3,
    )
    studies = 4000
    values = rng.multivariate_normal(np.zeros(2 * readers), covariance, studies).reshape(studies, 2, readers)
    values += np.sqrt(components.test_reader) * rng.standard_normal(values.shape)
    values[:, 0] += 0.05
    rows = values.mean(axis=2, keepdims=True)
    rest = values - rows - values.mean(axis=1, keepdims=True) + values.mean(axis=(1, 2), keepdims=True)
    interaction = (rest**2).sum(axis=(1, 2)) / (readers - 1)
    square = interaction + readers * scale * (components.cov2 - components.cov3)
    statistic = readers * rows[..., 0].var(axis=1, ddof=1) / square
    df = square**2 / (interaction**2 / (readers - 1))
    expected = mrmc_power(components, difference=0.05, readers=readers, cases=150)
    assert (f.sf(statistic, 1, df) < 0.05).mean() == pytest.approx(expected.power, abs=0.03)


def test_narrower_claims_need_no_more_cases(pilot):
    components, difference = pilot
    cases = {
        claim: mrmc_cases(components, difference=difference, readers=10, generalises_to=claim).cases
        for claim in ("readers and cases", "cases", "readers")
    }
    assert cases["cases"] < cases["readers and cases"]
    assert cases["readers"] < cases["readers and cases"]


def test_too_few_readers_are_refused_with_what_they_could_reach(pilot):
    components, _ = pilot
    with pytest.raises(InputError, match=r"2 readers are too few: expected a power of 0\.8, found 0\.0927"):
        mrmc_cases(components, difference=0.02, readers=2)


def test_no_difference_has_the_power_of_alpha(pilot):
    components, _ = pilot
    assert mrmc_power(components, difference=0.0, readers=6, cases=100).power == 0.05


def test_hand_worked_conjectured_components():
    found = conjectured_components(
        auroc=0.85, positives=50, negatives=100, reader_sd=0.03, between_tests=0.8, correlations=(0.5, 0.4, 0.3)
    )
    assert (found.reader, found.test_reader) == pytest.approx((0.8 * 0.0009, 0.2 * 0.0009))
    assert (found.cov1, found.cov2, found.cov3) == pytest.approx(
        (0.5 * found.error, 0.4 * found.error, 0.3 * found.error)
    )
    assert found.cases == 150


def test_correlations_that_rise_are_refused():
    with pytest.raises(InputError, match="of which the third is least"):
        conjectured_components(
            auroc=0.85, positives=50, negatives=100, reader_sd=0.03, between_tests=0.8, correlations=(0.3, 0.4, 0.5)
        )
