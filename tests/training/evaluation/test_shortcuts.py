"""Probes and routes, on embeddings and films made by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumoscope.datasets import FINDINGS
from pneumoscope.evaluation import NotEstimable, Number, Question
from pneumoscope.model import load, shipped_path
from pneumoscope.reading import Outputs
from pneumoscope.training.evaluation import shortcuts
from pneumoscope.training.evaluation.shortcuts import ROUTES, probe_evidence, route_evidence

COUNT = 200


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "source": np.where(np.arange(COUNT) < 120, "nih", "rsna_normal"),
            "patient_id": [f"p{number // 2}" for number in range(COUNT)],
            "view": np.where(rng.random(COUNT) < 0.5, "AP", "PA"),
            "sex": np.where(rng.random(COUNT) < 0.5, "F", "M"),
            "age_years": rng.integers(20, 90, COUNT).astype(float),
        }
    )
    table[list(FINDINGS)] = 0.0
    table.loc[:29, "Pneumonia"] = 1.0
    return table.assign(logit=rng.normal(size=COUNT))


def embedding(*columns: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.column_stack([*columns, rng.normal(size=(COUNT, 6))]).astype(np.float32)


def value(node: object) -> float:
    assert isinstance(node, Number)
    return node.value


def test_a_probe_finds_what_the_embedding_holds_and_nothing_where_it_holds_nothing(rows: pd.DataFrame) -> None:
    found = probe_evidence(rows, embedding((rows["view"] == "AP").to_numpy(dtype=float)), source="nih")
    assert value(found["view"]["embedding"]) > 0.95
    assert value(found["view"]["score"]) == pytest.approx(0.5, abs=0.15)
    assert value(found["sex"]["embedding"]) == pytest.approx(0.5, abs=0.15)
    assert found["view"]["embedding"].n == 90  # NIH's, without the thirty that have pneumonia
    assert found["source"]["embedding"].n == 170


def test_a_score_that_follows_the_view_is_seen(rows: pd.DataFrame) -> None:
    found = probe_evidence(rows.assign(logit=(rows["view"] == "AP") * 1.0), embedding(), source="nih")
    assert value(found["view"]["score"]) == 1


def test_with_patients_of_one_kind_there_is_nothing_to_probe(rows: pd.DataFrame) -> None:
    found = probe_evidence(rows.assign(sex="F"), embedding(), source="nih")
    assert isinstance(found["sex"]["embedding"], NotEstimable)
    assert isinstance(found["sex"]["score"], NotEstimable)


def test_routes_are_measured_by_how_they_move_the_answer(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    for number in range(40):
        Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(tmp_path / f"{number}.png")

    def sharpness(_onnx: bytes, _card: object, images: np.ndarray) -> Outputs:
        logit = np.abs(np.diff(images.astype(np.float32), axis=2)).mean(axis=(1, 2))[:, None] / 10
        zero = np.zeros((len(images), 1), dtype=np.float32)
        return Outputs(logit=logit, cam=zero[:, :, None, None], embedding=zero, distance=zero[:, 0])

    monkeypatch.setattr(shortcuts, "run_graph", sharpness)
    artifact = load(shipped_path())
    artifact = replace(artifact, card=replace(artifact.card, recipe=replace(artifact.card.recipe, size_px=64)))
    part = rows.head(40).assign(path=[str(tmp_path / f"{number}.png") for number in range(40)])
    images = np.stack([np.asarray(Image.open(path)) for path in part["path"]])
    part = part.assign(logit=sharpness(b"", None, images).logit[:, 0])
    asked = [Question("Pneumonia", "Pneumonia"), Question("Pneumonia", "Pneumonia", "No_Finding")]
    found = route_evidence(artifact, part, asked)
    assert set(found) == set(ROUTES)
    slight, strong = (value(found[f"blurred by {much}"]["logit_change"]) for much in ("half a pixel", "a pixel"))
    assert strong < slight < 0
    assert set(found["JPEG, quality 75"]["auroc"]) == {"Pneumonia"}
    assert isinstance(found["JPEG, quality 75"]["auroc"]["Pneumonia"]["change"], Number)
