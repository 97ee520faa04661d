import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumoscope.core import ArtifactError
from pneumoscope.dossier import build, diff, read_inputs

MODEL = {"name": "synthetic", "version": "10", "sha256": "34" * 32}


def test_another_models_submission_differs_in_numbers_facts_files_and_text(
    place: Path, write_cohort: Callable[..., None]
) -> None:
    build(read_inputs(place / "device.toml", place / "release"), place / "old" / "FDA_Submission.pdf")
    for name, seed in (("site-test", 5), ("site-val", 6)):
        shutil.rmtree(place / "release" / name)
        write_cohort(place / "release" / name, seed=seed, model=MODEL)
    build(read_inputs(place / "device.toml", place / "release"), place / "new" / "FDA_Submission.pdf")
    found = diff(place / "old", place / "new")
    changed = {change.what: change for change in found.numbers}
    area = changed["site-test/labels.Pneumonia.auroc"]
    assert area.old != area.new
    assert "literature/chexnet.f1" not in changed
    assert {change.what for change in found.facts} == {"model version", "model sha256"}
    assert "../release/site-test/evidence.json" in {change.what for change in found.files}
    assert "Discrimination" in {change.what for change in found.sections}
    same = diff(place / "new", place / "new")
    assert (same.numbers, same.facts, same.files, same.sections) == ((), (), (), ())


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="expected the record"):
        diff(tmp_path, tmp_path)
