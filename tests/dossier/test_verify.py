import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.dossier.tampering import (
    FOLDER,
    digest,
    edit_evidence,
    edit_json,
    edit_predictions,
    edit_text,
    own_copy,
    renew_document,
    renew_record,
)

from pneumoscope.core import ArtifactError
from pneumoscope.dossier import verify
from pneumoscope.dossier.verify import _ran_again


@pytest.fixture
def submission(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "place", symlinks=True))


def number_in_the_markdown(place: Path) -> None:
    edit_text(place / FOLDER / "FDA_Submission.md", "positive)", "positives)")


def markdown_and_its_hash(place: Path) -> None:
    number_in_the_markdown(place)
    path = place / FOLDER / "FDA_Submission.md"
    edit_json(place / FOLDER / "submission.json", lambda t: t["documents"].update({path.name: digest(path)}))


def byte_of_the_pdf(place: Path) -> None:
    path = place / FOLDER / "FDA_Submission.pdf"
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def number_in_the_evidence(place: Path) -> None:
    edit_evidence(place, lambda e: e["labels"]["Pneumonia"]["auroc"].update(value=0.99, high=0.995))


def interval_in_the_evidence(place: Path) -> None:
    edit_evidence(place, lambda e: e["labels"]["Pneumonia"]["auroc"].update(low=0.001))


def threshold_in_the_evidence(place: Path) -> None:
    edit_evidence(place, lambda e: e["labels"]["Pneumonia"]["operating_points"]["balanced"].update(threshold=0.4))


def prediction_alone(place: Path) -> None:
    path = place / "release" / "site-test" / "predictions.parquet"
    pd.read_parquet(path).assign(prob_Pneumonia=0.5).to_parquet(path, index=False)


def predictions_and_their_hash(place: Path) -> None:
    edit_predictions(place, lambda table: table.assign(prob_Pneumonia=1 - table["prob_Pneumonia"]))


def reference_and_its_hash(place: Path) -> None:
    edit_predictions(place, lambda table: table.assign(Pneumonia=table["Pneumonia"].where(table.index > 0, 1)))


def image_dropped(place: Path) -> None:
    edit_predictions(place, lambda table: table[:-1])


def another_models_hash(place: Path) -> None:
    edit_evidence(place, lambda e: e["provenance"]["model"].update(sha256="ef" * 32))


def evidence_removed(place: Path) -> None:
    shutil.rmtree(place / "release" / "site-val")


def device_description(place: Path) -> None:
    edit_text(place / "device.toml", 'claim = "triage"', 'claim = "both"')


def figure_deleted(place: Path) -> None:
    (place / FOLDER / "figures" / "roc.svg").unlink()


def figure_redrawn(place: Path) -> None:
    edit_text(place / FOLDER / "figures" / "roc.svg", "</svg>", "<desc>better</desc></svg>")


def evidence_swapped(place: Path) -> None:
    test, val = place / "release" / "site-test", place / "release" / "site-val"
    test.rename(place / "aside")
    val.rename(test)
    (place / "aside").rename(val)


def evidence_swapped_and_every_hash_renewed(place: Path) -> None:
    evidence_swapped(place)
    record = place / FOLDER / "submission.json"
    edit_json(record, lambda t: t["inputs"].update({name: digest(place / FOLDER / name) for name in t["inputs"]}))


def pdf_and_its_hash(place: Path) -> None:
    byte_of_the_pdf(place)
    renew_document(place, "FDA_Submission.pdf")


def figure_and_its_hash(place: Path) -> None:
    figure_redrawn(place)
    renew_document(place, "figures/roc.svg")


def bill_of_materials_and_its_hash(place: Path) -> None:
    bill_of_materials(place)
    renew_document(place, "sbom.cdx.json")


def value_that_the_document_does_not_show(place: Path) -> None:
    edit_evidence(place, lambda e: e["labels"]["Pneumonia"]["net_benefit"]["5%"]["score"].update(value=0.4, high=0.5))


def pointing_in_the_evidence(place: Path) -> None:
    edit_evidence(place, lambda e: e["localisation"]["pointing"].update(value=0.99, high=1.0))


def pointing_column(place: Path) -> None:
    edit_predictions(place, lambda table: table.assign(pointing_hit=table["pointing_hit"].where(table.index > 20, 1.0)))


def recorded_number(place: Path) -> None:
    record = place / FOLDER / "submission.json"
    edit_json(record, lambda table: table["numbers"][0].update(shown="0.999"))


def threshold_comparison_flipped(place: Path) -> None:
    path = own_copy(place, "src") / "pneumoscope" / "service" / "triage.py"
    edit_text(path, "result.probability >= result.threshold", "result.probability > result.threshold")


def marked_test_emptied(place: Path) -> None:
    path = own_copy(place, "tests") / "service" / "test_triage.py"
    edit_text(path, "assert standing(result(0.49)) is Standing.NOT_MOVED", "pass")


def results_of_another_source(place: Path) -> None:
    path = place / "results.json"
    edit_json(path, lambda table: table["ran against"].update(source="00" * 32))
    renew_record(place, "../results.json")


def bill_of_materials(place: Path) -> None:
    edit_text(place / FOLDER / "sbom.cdx.json", '"numpy"', '"numpi"')


CORRUPTIONS = [
    (number_in_the_markdown, "FDA_Submission.md: expected SHA-256"),
    (markdown_and_its_hash, "stands there, the inputs give"),
    (byte_of_the_pdf, "FDA_Submission.pdf: expected SHA-256"),
    (number_in_the_evidence, "Pneumonia.auroc: the evidence says 0.99"),
    (interval_in_the_evidence, "Pneumonia.auroc: the evidence says"),
    (threshold_in_the_evidence, "operating_points.balanced.threshold: the evidence says 0.4"),
    (prediction_alone, "predictions.parquet: expected SHA-256"),
    (predictions_and_their_hash, "its predictions give"),
    (reference_and_its_hash, "its predictions give"),
    (image_dropped, "its predictions give"),
    (another_models_hash, "expected evidence of model abababababab"),
    (evidence_removed, "site-val"),
    (evidence_swapped, "site-test/predictions.parquet: expected SHA-256"),
    (evidence_swapped_and_every_hash_renewed, "images are not of the side"),
    (figure_deleted, "figures/roc.svg: expected a file, found none"),
    (figure_redrawn, "figures/roc.svg: expected SHA-256"),
    (device_description, "device.toml: expected SHA-256"),
    (bill_of_materials, "sbom.cdx.json: expected SHA-256"),
    (pdf_and_its_hash, "FDA_Submission.pdf: its bytes stand there, the inputs give others"),
    (figure_and_its_hash, "figures/roc.svg, line"),
    (bill_of_materials_and_its_hash, "sbom.cdx.json, line"),
    (value_that_the_document_does_not_show, "net_benefit.5%.score: the evidence says 0.4"),
    (pointing_in_the_evidence, "localisation.pointing: the evidence says 0.99"),
    (pointing_column, "localisation.pointing: the evidence says"),
    (recorded_number, "the recorded numbers are not those that the inputs give"),
    (threshold_comparison_flipped, "source: expected the tree"),
    (marked_test_emptied, "tests: expected the tree"),
    (results_of_another_source, "the tests ran against another source tree"),
]


def test_what_was_built_stands(built: Path) -> None:
    found = verify(built / FOLDER)
    assert found.recomputed > 50
    assert found.files > 8


@pytest.mark.req("REQ-DO-02")
@pytest.mark.parametrize(("corrupt", "said"), CORRUPTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_corruption_is_found_and_named(submission: Path, corrupt: Callable[[Path], None], said: str) -> None:
    corrupt(submission)
    with pytest.raises(ArtifactError) as error:
        verify(submission / FOLDER)
    assert said in str(error.value)


def test_evidence_of_another_model_in_its_place_is_found(submission: Path, write_cohort: Callable[..., None]) -> None:
    shutil.rmtree(submission / "release" / "site-test")
    model = {"name": "other", "version": "1", "sha256": "12" * 32}
    write_cohort(submission / "release" / "site-test", seed=7, model=model)
    with pytest.raises(ArtifactError, match="expected evidence of model abababababab…, found 121212121212…"):
        verify(submission / FOLDER)


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="expected the record of a built submission"):
        verify(tmp_path)


def test_without_it_the_document_says_that_they_are_not_counted(built: Path) -> None:
    assert "uncertain ones are not counted" in (built / FOLDER / "FDA_Submission.md").read_text()


def test_tests_that_are_run_again_must_have_the_recorded_outcome(submission: Path, monkeypatch: Any) -> None:
    """The outcomes of one test file are invented; the runner is pytest's, asked for that file alone."""
    record = json.loads((submission / FOLDER / "submission.json").read_text())
    tests = own_copy(submission, "tests")
    for path in tests.rglob("test_*.py"):
        if path.name != "test_triage.py":
            path.unlink()
    said = {"tests/service/test_triage.py": {"test_no_such_test": "passed"}}
    (submission / "results.json").write_text(json.dumps(said))
    count, differences = _ran_again(submission / FOLDER, record)
    assert count >= 3
    assert differences == ["tests/service/test_triage.py::test_no_such_test: recorded as passed, now not run"]
