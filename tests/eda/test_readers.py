import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from pneumoscope.eda import readers


def test_precision_recall_and_kappa_agree_with_scikit_learn(many: pd.DataFrame) -> None:
    found = {(one.label, one.view): one for one in readers(many, finding="Pneumonia").comparisons}
    read = many[many["rsna_opacity"].notna()]
    one = found["Pneumonia", "All"]
    assert (one.both + one.label_only + one.reference_only + one.neither) == len(read)
    assert one.precision is not None
    assert one.precision.value == pytest.approx(read.loc[read["Pneumonia"] == 1, "rsna_opacity"].mean())
    assert one.recall is not None
    assert one.recall.value == pytest.approx(read.loc[read["rsna_opacity"] == 1, "Pneumonia"].mean())
    assert one.kappa is not None
    assert one.kappa.value == pytest.approx(cohen_kappa_score(read["Pneumonia"], read["rsna_opacity"]))
    assert one.perfect_reader is not None
    assert one.perfect_reader.value == pytest.approx(roc_auc_score(read["Pneumonia"], read["rsna_opacity"]))


def test_any_opacity_is_pneumonia_or_a_finding_that_looks_like_it(many: pd.DataFrame) -> None:
    found = {(one.label, one.view): one for one in readers(many, finding="Pneumonia").comparisons}
    read = many[many["rsna_opacity"].notna() & (many["view"] == "AP")]
    either = (read["Pneumonia"] == 1) | (read["Infiltration"] == 1)
    assert found["Any opacity", "AP"].both == int((either & (read["rsna_opacity"] == 1)).sum())


def test_classes_are_counted_for_each_label(many: pd.DataFrame) -> None:
    pneumonia = next(one for one in readers(many, finding="Pneumonia").classes if one.label == "Pneumonia")
    ill = many[many["Pneumonia"] == 1]
    assert pneumonia.classes == (
        int((ill["rsna_class"] == "Lung Opacity").sum()),
        0,
        int((ill["rsna_class"] == "Normal").sum()),
    )


def test_images_that_nobody_else_read_are_compared_with_nothing(six: pd.DataFrame) -> None:
    found = readers(six, finding="Pneumonia")
    assert (found.comparisons, found.classes) == ((), ())
