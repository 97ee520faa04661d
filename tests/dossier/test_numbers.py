from pathlib import Path

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.evaluation import Evidence, NotEstimable, Number

AREA = Number(value=0.7594, low=0.678, high=0.8241, level=0.95, n=230, positives=93, method="DeLong")
SHARE = Number(value=0.5, low=0.25, high=0.75, level=0.95, n=12, method="Clopper-Pearson")


@pytest.fixture
def numbers() -> Numbers:
    labels = {"Pneumonia": {"auroc": AREA, "sensitivity": SHARE, "few": NotEstimable("too few"), "n": 1230}}
    release = {
        name: Evidence(name=name, path=Path(name), cohort={}, labels=labels, provenance={}, other={})
        for name in ("nih-test", "sites/a.b")
    }
    return Numbers(release, {"literature": {"chexnet": {"f1": 0.435}}, "training": {"layers": [{"name": "stem"}]}})


@pytest.mark.parametrize(
    ("form", "address", "shown"),
    [
        ("full", "nih-test/labels.Pneumonia.auroc", "0.759 (95 % CI 0.678 to 0.824; n 230, 93 positive)"),
        ("cell", "nih-test/labels.Pneumonia.auroc", "0.759 [0.678, 0.824]"),
        ("value", "nih-test/labels.Pneumonia.auroc", "0.759"),
        ("rest", "nih-test/labels.Pneumonia.sensitivity", "50.0 % [25.0, 75.0]"),
        ("rest", "nih-test/labels.Pneumonia.auroc", "0.241 [0.176, 0.322]"),
        ("cell", "nih-test/labels.Pneumonia.sensitivity", "50.0 % [25.0, 75.0]"),
        ("full", "nih-test/labels.Pneumonia.few", "not estimable"),
        ("value", "nih-test/labels.Pneumonia.n", "1,230"),
        ("value", "sites/a.b/labels.Pneumonia.n", "1,230"),
        ("value", "literature/chexnet.f1", "0.435"),
        ("value", "training/layers.0.name", "stem"),
    ],
)
def test_a_number_is_shown_with_what_it_stands_on(numbers: Numbers, form: str, address: str, shown: str) -> None:
    getattr(numbers, form)(address)
    assert [(use.address, use.form, use.shown) for use in numbers.uses] == [(address, form, shown)]
    numbers.require_complete()


def test_a_number_in_running_text_refers_to_its_evidence(numbers: Numbers) -> None:
    assert numbers.full("nih-test/labels.Pneumonia.auroc").endswith("[@ev-nih-test]")
    assert numbers.source("literature/chexnet.f1") == ""


@pytest.mark.req("REQ-DO-01")
def test_everything_that_is_missing_is_said_at_once(numbers: Numbers) -> None:
    numbers.full("nih-test/labels.Pneumonia.gone")
    numbers.cell("nih-test/labels.Pneumonia.n")
    numbers.value("nih-test/labels.Pneumonia")
    numbers.value("nowhere/at.all")
    with pytest.raises(ConfigError) as error:
        numbers.require_complete()
    for part in ("4 numbers are missing", "expected 'gone'", "found int", "found a group", "nowhere/at.all"):
        assert part in str(error.value)
