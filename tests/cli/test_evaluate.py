"""`evaluate --predictions` as a user runs it: exit codes, what is said, what is written."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pneumoscope.cli.main import app
from pneumoscope.datasets import FINDINGS, write_manifest


@pytest.fixture
def files(tmp_path):
    """A manifest of 60 films of 30 patients, and predictions for them and for one film that it does not have."""
    rng = np.random.default_rng(0)
    ids = [f"{number}.png" for number in range(60)]
    truth = np.arange(60) % 3 == 0
    manifest = pd.DataFrame(
        {
            "image_id": ids,
            "path": None,
            "source": "made",
            "patient_id": [f"made:{number // 2}" for number in range(60)],
            "view": "PA",
            "split": "test",
            **dict.fromkeys(FINDINGS, 0.0),
            "Pneumonia": truth.astype(float),
            "rsna_opacity": np.where(np.arange(60) < 40, truth, np.nan).astype(float),
        }
    )
    write_manifest(manifest, tmp_path / "m.parquet")
    scores = np.clip(0.3 * truth + 0.7 * rng.random(60), 0, 1)
    table = pd.DataFrame({"Image Index": [*ids, "unknown.png"], "prob_Pneumonia": [*scores, 0.5]})
    table.to_csv(tmp_path / "p.csv", index=False)
    return tmp_path


def evaluate(files, *options):
    arguments = ["--predictions", files / "p.csv", "--manifest", files / "m.parquet", "-o", files / "out", *options]
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_rows_that_do_not_join_are_told_and_the_rest_is_measured(files):
    done = evaluate(files, "--reference", "rsna_opacity", "--positive", "Pneumonia", "--against", "No_Finding")
    assert done.exit_code == 3
    assert "1 predictions are of images that" in done.stderr
    assert "p.csv, 60 images of 30 patients" in done.stdout
    assert "Pneumonia_as_rsna_opacity" in done.stdout
    assert (files / "out" / "evidence.json").is_file()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--against", "No_Finding"), 2, "expected --positive and --against together"),
        (("--reference", "radiologist"), 2, "expected a manifest with the column radiologist"),
        (("--split", "val"), 2, "expected predictions with split val, found 60 test"),
        (("--manifest", "none.parquet"), 2, "expected a manifest (Parquet) at none.parquet, found no file"),
        (("--points-from", "none"), 1, "expected evidence as JSON"),
    ],
)
def test_what_cannot_be_done_says_what_was_expected(files, options, code, said):
    done = evaluate(files, *options)
    assert done.exit_code == code
    assert said in done.stderr
    assert not (files / "out").exists()


def test_predictions_without_a_manifest_are_wrong_use(files):
    done = CliRunner().invoke(app, ["evaluate", "--predictions", str(files / "p.csv"), "-o", str(files / "out")])
    assert done.exit_code == 2
    assert "expected --manifest beside --predictions" in done.stderr
