import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pneumoscope.core import ArtifactError
from pneumoscope.dossier import build, read_inputs, verify

FOLDER = "submission"


@pytest.fixture(scope="module")
def built(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = Path(shutil.copytree(pristine, tmp_path_factory.mktemp("built") / "place"))
    build(read_inputs(place / "device.toml", place / "release"), place / FOLDER / "FDA_Submission.pdf")
    return place


@pytest.fixture
def submission(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "place"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))


def renew_record(place: Path, name: str) -> None:
    """What a forger who knows of the hashes would do."""
    record = place / FOLDER / "submission.json"
    edit_json(record, lambda table: table["inputs"].update({name: digest(place / FOLDER / name)}))


def edit_evidence(place: Path, change: Callable[[dict[str, Any]], None]) -> None:
    edit_json(place / "release" / "site-test" / "evidence.json", change)
    renew_record(place, "../release/site-test/evidence.json")


def edit_predictions(place: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = place / "release" / "site-test" / "predictions.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)
    renew_record(place, "../release/site-test/predictions.parquet")
    edit_evidence(place, lambda evidence: evidence["provenance"].update(predictions_sha256=digest(path)))


def edit_text(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


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
    (evidence_swapped_and_every_hash_renewed, "stands there, the inputs give"),
    (figure_deleted, "figures/roc.svg: expected a file, found none"),
    (figure_redrawn, "figures/roc.svg: expected SHA-256"),
    (device_description, "device.toml: expected SHA-256"),
    (bill_of_materials, "sbom.cdx.json: expected SHA-256"),
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
