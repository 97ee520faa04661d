import json
import re
from pathlib import Path

import pytest

from pneumoscope.core import ArtifactError, sha256_of
from pneumoscope.evaluation import NotEstimable, Number, read_evidence, read_release
from pneumoscope.evaluation.folder import PREDICTIONS_FILE, write_numbers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "evidence.md"
AREA = Number(value=0.8, low=0.7, high=0.9, level=0.95, n=200, positives=40, method="DeLong")


@pytest.fixture
def example() -> dict:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    return json.loads(text)


@pytest.fixture
def folder(tmp_path, example) -> Path:
    """The documented example as a folder."""
    path = tmp_path / "release" / "nih-test"
    path.mkdir(parents=True)
    (path / PREDICTIONS_FILE).write_bytes(b"rows")
    example["provenance"]["predictions_sha256"] = sha256_of(path / PREDICTIONS_FILE)
    (path / "evidence.json").write_text(json.dumps(example))
    return path


def edit(folder: Path, change) -> Path:
    table = json.loads((folder / "evidence.json").read_text())
    change(table)
    (folder / "evidence.json").write_text(json.dumps(table))
    return folder


def test_the_documented_example_is_valid_evidence(folder):
    evidence = read_evidence(folder)
    assert evidence.number("labels.Pneumonia.auroc").value == 0.81
    assert evidence.at("labels.Pneumonia.operating_points.balanced.threshold") == 0.31
    assert evidence.at("provenance.model.version") == "1.0.0"
    assert isinstance(evidence.at("labels.Pneumonia.calibration.ece"), NotEstimable)
    paths = dict(evidence.numbers())
    assert "labels.Pneumonia.subgroups.view.PA.auroc" in paths
    assert len(paths) == 8


def test_what_is_written_is_read_back(tmp_path, folder):
    first = read_evidence(folder)
    other = {"guard": {"refused": AREA}}
    provenance = {key: value for key, value in first.provenance.items() if key != "predictions_sha256"}
    write_numbers(folder, cohort=first.cohort, labels=first.labels, provenance=provenance, other=other)
    again = read_evidence(folder)
    assert dict(again.numbers()) == {**dict(first.numbers()), "guard.refused": AREA}
    assert again.provenance == first.provenance


def test_a_release_names_its_cohorts_by_their_path(folder):
    assert list(read_release(folder.parent.parent)) == ["release/nih-test"]
    assert list(read_release(folder)) == ["nih-test"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.update(schema=2), "schema 1, found 2"),
        (lambda t: t["labels"]["Pneumonia"].pop("auroc"), r"labels\.Pneumonia\.auroc"),
        (lambda t: (t["cohort"].pop("images"), t["provenance"].pop("model")), r"cohort\.images, provenance\.model"),
        (lambda t: t.update(labels={}), "one question or more"),
        (lambda t: t["labels"]["Pneumonia"]["auroc"].pop("n"), r"Pneumonia\.auroc: .*n missing"),
        (lambda t: t["labels"]["Pneumonia"]["auroc"].update(se=1), r"Pneumonia\.auroc: .*se too"),
        (lambda t: t["labels"]["Pneumonia"]["auroc"].update(low=0.9), "low <= high"),
        (lambda t: t["labels"]["Pneumonia"]["auroc"].update(value="high"), r"Pneumonia\.auroc"),
        (lambda t: t["labels"]["Pneumonia"]["auroc"].update(positives=201), "0 to n positives"),
        (lambda t: t["labels"]["Pneumonia"].update(note=None), r"Pneumonia\.note: .*found None"),
        (lambda t: t["labels"]["Pneumonia"].update({"a.b": 1}), "keys without a dot"),
        (lambda t: t["provenance"].update(predictions_sha256="0"), "expected SHA-256 0"),
    ],
)
def test_evidence_that_is_not_as_documented_is_refused_with_its_place(folder, change, said):
    with pytest.raises(ArtifactError, match=said):
        read_evidence(edit(folder, change))


def test_edited_predictions_are_found_out(folder):
    (folder / PREDICTIONS_FILE).write_bytes(b"other rows")
    with pytest.raises(ArtifactError, match="expected SHA-256"):
        read_evidence(folder)


def test_missing_files_are_named(tmp_path, folder):
    with pytest.raises(ArtifactError, match=r"expected evidence folders .* found none"):
        read_release(tmp_path / "release" / "nih-test" / "figures")
    (folder / PREDICTIONS_FILE).unlink()
    with pytest.raises(ArtifactError, match="the predictions that the numbers come from"):
        read_evidence(folder)
    (folder / "evidence.json").write_text("{")
    with pytest.raises(ArtifactError, match="expected evidence as JSON"):
        read_evidence(folder)


def test_asking_for_a_number_that_is_not_there_says_what_is(folder):
    evidence = read_evidence(folder)
    with pytest.raises(ArtifactError, match="expected 'Edema', found Pneumonia"):
        evidence.number("labels.Edema.auroc")
    with pytest.raises(ArtifactError, match="not estimable: the scores are no probabilities"):
        evidence.number("labels.Pneumonia.calibration.ece")
    with pytest.raises(ArtifactError, match="expected a number, found int"):
        evidence.number("labels.Pneumonia.n")
