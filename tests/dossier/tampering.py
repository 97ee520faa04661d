"""What a forger does to a built submission, and renews afterwards so that hashes agree."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = "submission"


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


def renew_document(place: Path, name: str) -> None:
    record = place / FOLDER / "submission.json"
    edit_json(record, lambda table: table["documents"].update({name: digest(place / FOLDER / name)}))


def own_copy(place: Path, name: str) -> Path:
    """Replace the shared copy of a tree by one that may be changed."""
    shared = (place / name).resolve()
    (place / name).unlink()
    return Path(shutil.copytree(shared, place / name))
