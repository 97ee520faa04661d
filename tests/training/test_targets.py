import numpy as np
import pandas as pd
import pytest

from pneumoscope.datasets import FINDINGS
from pneumoscope.training.targets import pneumonia_target


def rows(**columns: list[object]) -> pd.DataFrame:
    table = pd.DataFrame(columns)
    for finding in FINDINGS:
        if finding not in table:
            table[finding] = 0.0
    return table


@pytest.fixture
def labels() -> pd.DataFrame:
    """Radiologists found opacity in 80 % of the images with Consolidation and in 10 % of the others."""
    return rows(
        patient_id=[f"nih:{index}" for index in range(400)],
        Consolidation=[1.0] * 200 + [0.0] * 200,
        rsna_opacity=[1.0] * 160 + [0.0] * 40 + [1.0] * 20 + [0.0] * 180,
    )


def target(labels: pd.DataFrame, **row: object) -> float:
    manifest = rows(**{key: [value] for key, value in row.items()})
    return float(pneumonia_target(manifest, labels, opacity_weight=0.7)[0])


@pytest.mark.parametrize(
    ("opacity", "nih", "expected"), [(1.0, 1.0, 1.0), (1.0, 0.0, 0.7), (0.0, 1.0, 0.3), (0.0, 0.0, 0.0)]
)
def test_where_radiologists_read_their_class_and_the_nih_label_are_weighed(
    labels: pd.DataFrame, opacity: float, nih: float, expected: float
) -> None:
    found = target(labels, source="nih", split="train", patient_id="x", Pneumonia=nih, rsna_opacity=opacity)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(("consolidation", "share"), [(1.0, 0.8), (0.0, 0.1)])
def test_where_they_did_not_read_the_share_they_found_with_such_findings_stands_in(
    labels: pd.DataFrame, consolidation: float, share: float
) -> None:
    found = target(
        labels,
        source="nih",
        split="train",
        patient_id="x",
        Pneumonia=0.0,
        Consolidation=consolidation,
        rsna_opacity=np.nan,
    )
    assert found == pytest.approx(0.7 * share, abs=0.02)


def test_a_held_out_patients_labels_teach_nothing(labels: pd.DataFrame) -> None:
    # The last twenty patients with Consolidation and no opacity are held out: 160 of 180 remain.
    held_out = rows(
        source=["nih"] * 21,
        split=["test"] * 20 + ["train"],
        patient_id=[f"nih:{index}" for index in range(180, 200)] + ["x"],
        Consolidation=[1.0] * 21,
        rsna_opacity=[np.nan] * 21,
    )
    assert pneumonia_target(held_out, labels, opacity_weight=0.7)[-1] == pytest.approx(0.7 * 160 / 180, abs=0.02)


def test_kermany_keeps_its_label_and_one_class_sources_teach_other_heads_only(labels: pd.DataFrame) -> None:
    common = {"split": "train", "patient_id": "x", "rsna_opacity": np.nan}
    assert target(labels, source="kermany", Pneumonia=1.0, **common) == 1.0
    assert np.isnan(target(labels, source="rsna_normal", Pneumonia=0.0, **common))
