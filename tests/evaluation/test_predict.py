"""Scores of a manifest: the same as `read` gives, a row an image whatever it is, and gone on with after a stop."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumoscope.core import ConfigError, Status
from pneumoscope.datasets import import_dicom, read_manifest, write_manifest
from pneumoscope.evaluation import predict, predict_manifest
from pneumoscope.evaluation.predictions import join, read_predictions
from pneumoscope.intake import read_radiograph
from pneumoscope.phantom import studies_folder
from pneumoscope.reading import load_model, read_many, score_images


@pytest.fixture(scope="session")
def artifact():
    return load_model()


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Path:
    """A manifest of DICOM radiographs, of 16-bit PNG copies of two, and of four images that cannot be scored."""
    folder = tmp_path_factory.mktemp("hospital")
    films = import_dicom(studies_folder(), source="pacs").manifest
    inside = films[films["view"].isin(["PA", "AP"]) & (films["age_years"] > 20)].head(2)
    copies = inside.assign(source="png", split="test")
    copies["path"] = [_as_16_bit(path, folder / f"{place}.png") for place, path in enumerate(inside["path"])]
    copies["image_id"] = [f"copy-{place}" for place in range(len(copies))]
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    bad = pd.concat([copies.iloc[:1]] * 4, ignore_index=True).assign(image_id=["gone", "broken", "baby", "side"])
    bad["path"] = [str(folder / "gone.png"), str(folder / "broken.png"), *copies["path"].iloc[[0, 0]]]
    bad.loc[2, "age_years"], bad.loc[3, "view"] = 0.1, "LATERAL"
    absent = copies.iloc[:1].assign(image_id="no-file", path=None)
    target = folder / "manifest.parquet"
    write_manifest(pd.concat([films, copies, bad, absent], ignore_index=True), target)
    return target


def _as_16_bit(path: str, target: Path) -> str:
    Image.fromarray(np.round(read_radiograph(path).pixels * 65535).astype(np.uint16)).save(target)
    return str(target)


@pytest.fixture(scope="module")
def predicted(hospital, artifact, tmp_path_factory) -> pd.DataFrame:
    target = tmp_path_factory.mktemp("out") / "predictions.parquet"
    done = predict_manifest(read_manifest(hospital), target, model=artifact)
    assert done.images == sum(done.counts.values()) == len(read_manifest(hospital).manifest)
    assert list(target.parent.iterdir()) == [target]
    return pd.read_parquet(target)


def test_every_image_has_one_row_in_the_manifest_s_order(predicted, hospital):
    manifest = read_manifest(hospital).manifest
    assert predicted["image_id"].tolist() == manifest["image_id"].tolist()
    assert predicted["source"].tolist() == manifest["source"].tolist()


def test_dicom_files_get_what_reading_them_gives(predicted, hospital, artifact):
    manifest = read_manifest(hospital).manifest
    films = manifest["source"] == "pacs"
    paths = [Path(path) for path in manifest.loc[films, "path"]]
    readings = list(read_many(paths, model=artifact, keep_pixels=False))
    expected = [reading.decision.probability if reading.decision else np.nan for reading in readings]
    np.testing.assert_allclose(predicted.loc[films, "prob_Pneumonia"], expected, atol=1e-6)
    assert predicted.loc[films, "status"].tolist() == [reading.status.value for reading in readings]


def test_a_16_bit_png_is_not_white_and_scores_as_its_dicom_original(predicted, hospital):
    rows = predicted.merge(read_manifest(hospital).manifest, on=["source", "image_id"])
    for _, copy in rows[rows["image_id"].str.startswith("copy-")].iterrows():
        original = rows[(rows["source"] == "pacs") & (rows["patient_id"] == copy["patient_id"])]
        original = original[original["view"] == copy["view"]].iloc[0]
        assert copy["status"] == "analysed"
        assert copy["prob_Pneumonia"] == pytest.approx(original["prob_Pneumonia"], abs=2e-3)


@pytest.mark.parametrize(
    ("image_id", "status", "reason"),
    [
        ("gone", "failed", "found No such file"),
        ("broken", "failed", "expected"),
        ("no-file", "failed", "the manifest has no path"),
        ("baby", "refused", "patient age: expected 1 to 100 years, found 0.1 years, as stated with the image"),
        ("side", "refused", "view: expected PA or AP, found LATERAL"),
    ],
)
def test_what_cannot_be_scored_has_a_row_with_the_reason_and_no_score(predicted, image_id, status, reason):
    (row,) = predicted[predicted["image_id"] == image_id].to_dict("records")
    assert row["status"] == status
    assert reason in row["reason"]
    assert np.isnan(row["prob_Pneumonia"])


def test_the_manifest_s_age_decides_whose_calibration_counts(hospital, artifact, tmp_path):
    stored = read_manifest(hospital)
    (film,) = stored.manifest[stored.manifest["image_id"] == "copy-0"].to_dict("records")
    found = {}
    for age in (3.0, 40.0):
        rows = pd.DataFrame([film | {"age_years": age}])
        write_manifest(rows, tmp_path / "one.parquet")
        predict_manifest(read_manifest(tmp_path / "one.parquet"), tmp_path / f"{age}.csv", model=artifact)
        found[age] = pd.read_csv(tmp_path / f"{age}.csv").iloc[0]
    assert found[3.0]["population"] == "children"
    assert found[40.0]["population"] == "adults"


def test_a_stopped_run_is_gone_on_with_and_nothing_is_scored_twice(
    hospital, artifact, tmp_path, monkeypatch, predicted
):
    monkeypatch.setattr(predict, "PART_ROWS", 3)
    stored, target, seen = read_manifest(hospital), tmp_path / "p.parquet", []

    def score(images):
        for one in score_images(images, artifact):
            seen.append(one.image_id)
            yield one

    def stops(images):
        yield from itertools.islice(score(images), 7)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_manifest(stored, target, model=artifact, score=stops)
    assert not target.exists()
    seen.clear()
    done = predict_manifest(stored, target, model=artifact, score=score)
    assert done.resumed == 6
    assert seen == stored.manifest["image_id"].tolist()[6:]
    pd.testing.assert_frame_equal(pd.read_parquet(target).drop(columns="reason"), predicted.drop(columns="reason"))


def test_parts_of_another_run_are_not_mixed_in(hospital, artifact, tmp_path):
    stored, target = read_manifest(hospital), tmp_path / "p.parquet"
    parts = tmp_path / ".p.parquet.parts"
    parts.mkdir()
    (parts / "run.json").write_text(json.dumps({"model_sha256": "another"}))
    with pytest.raises(ConfigError, match=r"those of another \(.*model_sha256.*differ\)"):
        predict_manifest(stored, target, model=artifact)


def test_two_runs_never_write_one_output(hospital, artifact, tmp_path):
    stored, target = read_manifest(hospital), tmp_path / "p.parquet"

    def meanwhile(images):
        with pytest.raises(ConfigError, match="found another run writing there"):
            predict_manifest(stored, target, model=artifact)
        yield from score_images(images, artifact)

    predict_manifest(stored, target, model=artifact, score=meanwhile)
    assert target.exists()


def test_an_output_of_an_unknown_kind_is_refused(hospital, artifact, tmp_path):
    with pytest.raises(ConfigError, match=r"\.parquet or \.csv"):
        predict_manifest(read_manifest(hospital), tmp_path / "p.xlsx", model=artifact)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_evaluation_counts_what_was_not_scored(predicted, hospital, tmp_path, suffix):
    path = tmp_path / f"p.{suffix}"
    predicted.to_csv(path, index=False) if suffix == "csv" else predicted.to_parquet(path)
    manifest = read_manifest(hospital).manifest
    joined = join(read_predictions(path), manifest)
    counts = predicted["status"].value_counts()
    assert len(joined.rows) == counts[Status.ANALYSED.value]
    assert joined.left_out["images that the model has not scored: refused"] == counts["refused"]
    assert joined.left_out["images that the model has not scored: failed"] == counts["failed"]
    assert joined.left_out["manifest images without a prediction"] == 0
