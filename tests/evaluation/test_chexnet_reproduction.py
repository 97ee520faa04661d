"""The committed evidence of the published CheXNet reproduction, and the same from the published predictions."""

from pathlib import Path

import pandas as pd
import pytest

from pneumoscope.datasets import FINDINGS, LabelRelease, import_nih
from pneumoscope.evaluation import read_release
from pneumoscope.evaluation.predictions import join, read_predictions
from pneumoscope.evaluation.questions import Question, take
from pneumoscope.stats import auroc_clustered

EVIDENCE = Path(__file__).resolve().parents[2] / "evidence" / "chexnet-reproduction"


@pytest.fixture(scope="module")
def committed():
    return read_release(EVIDENCE)


@pytest.fixture(scope="module")
def published(data_root):
    table = pd.read_csv(data_root / "chexnet_reproduction" / "aucs.csv")
    return dict(zip(table["label"], table["auc"], strict=True))


def test_all_14_published_areas_are_reproduced_to_1e_6(committed, published):
    found = {name: committed["own-split"].number(f"labels.{name}.auroc").value for name in FINDINGS}
    assert found == pytest.approx(published, abs=1e-6)


def test_the_part_inside_the_official_test_has_the_known_area_by_either_release(committed):
    part = committed["official-part"]
    assert part.at("cohort.images") == 5213
    assert part.number("labels.Pneumonia.auroc").value == pytest.approx(0.725, abs=5e-4)
    assert part.at("labels.Pneumonia.positives") == 111
    assert part.at("labels.Pneumonia_as_pneumonia_2017.positives") == 93


@pytest.mark.parametrize(("release", "same"), [("2020", True), ("2017", False)])
def test_the_published_areas_are_by_the_labels_of_2020(data_root, published, release, same):
    manifest = import_nih(data_root / "nih", labels=LabelRelease(release)).manifest
    predictions = read_predictions(data_root / "chexnet_reproduction" / "preds.csv")
    rows = join(predictions, manifest).rows
    found = {}
    for name in FINDINGS:
        sample, _ = take(rows, Question(name, name))
        found[name] = auroc_clustered(sample.truth, sample.score, cluster=sample.patient).value
    assert (found == pytest.approx(published, abs=1e-6)) is same
    assert found == pytest.approx(published, abs=6e-3)
