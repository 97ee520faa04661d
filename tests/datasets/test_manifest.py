import errno
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pneumoscope.core import ConfigError, InputError, atomic_path
from pneumoscope.datasets import Imported, manifest_sha256, read_manifest, write_manifest
from pneumoscope.datasets.columns import COLUMNS, CORE, LABELS
from pneumoscope.datasets.manifest import arrange, check

Rows = Callable[..., pd.DataFrame]


def test_a_manifest_comes_back_as_it_was_written_with_its_hash_and_notes(rows: Rows, tmp_path: Path) -> None:
    written = rows(split=["train", "test", None, "val"], x_site="A", Pneumonia=[1.0, 0.0, np.nan, 0.0])
    sha256 = write_manifest(Imported(written, ("a remark",)), tmp_path / "m.parquet")
    stored = read_manifest(tmp_path / "m.parquet")
    assert (stored.sha256, stored.notes) == (sha256, ("a remark",))
    pd.testing.assert_frame_equal(stored.manifest, arrange(written))
    assert [*stored.manifest.columns] == [c.name for c in (*CORE, *LABELS)] + ["x_site"]


def test_the_file_has_one_type_a_column_whatever_is_missing(rows: Rows, tmp_path: Path) -> None:
    write_manifest(rows(), tmp_path / "m.parquet")
    schema = pq.read_schema(tmp_path / "m.parquet")
    assert str(schema.field("Pneumonia").type) == "double"
    assert str(schema.field("width_px").type) == "int32"
    assert str(schema.field("study_id").type) == "string"


def test_the_hash_is_that_of_the_rows_as_csv(rows: Rows) -> None:
    table = check(rows(image_id=['comma,"quote"', "é", "b", "a"], age_years=[0.1, 1e-7, np.nan, 81.0]))
    text = table.drop(columns="path").sort_values(["source", "image_id"]).to_csv(index=False)
    assert manifest_sha256(table) == hashlib.sha256(text.encode()).hexdigest()


def test_an_edited_file_is_refused(rows: Rows, tmp_path: Path) -> None:
    write_manifest(rows(), tmp_path / "m.parquet")
    arrow = pq.read_table(tmp_path / "m.parquet")
    edited = arrow.to_pandas().assign(Pneumonia=1.0)
    pq.write_table(arrow.from_pandas(edited).replace_schema_metadata(arrow.schema.metadata), tmp_path / "m.parquet")
    with pytest.raises(InputError, match="edited since"):
        read_manifest(tmp_path / "m.parquet")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"age_years": [50, -1, 50, 411]}, r"age_years: expected a number from 0 to 120, found -1.0 in row 1, 411.0"),
        ({"sex": ["F", "woman", "M", "M"]}, "sex: expected F or M, found 'woman' in row 1"),
        ({"Pneumonia": [0, 1, 2, 0]}, r"Pneumonia: expected 0 or 1, found 2.0 in row 2"),
        ({"follow_up": [0, 1, 1.5, 0]}, "follow_up: expected a whole number of at least 0, found 1.5 in row 2"),
        ({"age_years": ["50", "old", "1", "2"]}, "age_years: expected a number, found 'old' in row 1"),
        ({"image_id": ["a", "b", "a", "c"]}, "image_id: expected each once within its source, found a more than once"),
        ({"patient_id": ["a", None, "b", "c"]}, "patient_id: expected .* found nan in row 1"),
        ({"smoker": 1}, "expected the columns of .* found 'smoker'"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_column_and_row(
    rows: Rows, columns: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        write_manifest(rows(**columns), tmp_path / "m.parquet")
    assert not list(tmp_path.iterdir())


def test_an_empty_table_is_refused(rows: Rows) -> None:
    with pytest.raises(InputError, match="found an empty table"):
        check(rows().head(0))


def test_equal_names_in_two_sources_are_two_images(rows: Rows) -> None:
    assert len(check(pd.concat([rows(), rows(source="other")]))) == 8


@pytest.mark.parametrize("content", [None, b"PAR1 no more", b"text"])
def test_what_is_no_manifest_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=str(path)):
        read_manifest(path)


def test_another_parquet_file_is_no_manifest(rows: Rows, tmp_path: Path) -> None:
    rows().to_parquet(tmp_path / "m.parquet")
    with pytest.raises(ConfigError, match="expected a manifest of format 1"):
        read_manifest(tmp_path / "m.parquet")


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    target = tmp_path / "m.parquet"
    target.write_text("old")

    def fill() -> None:
        with atomic_path(target) as place:
            place.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ConfigError, match="the disk is full"):
        fill()
    assert [path.name for path in tmp_path.iterdir()] == ["m.parquet"]
    assert target.read_text() == "old"


def test_the_reference_page_explains_every_column_as_the_code_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "manifest.md").read_text()
    documented = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", page, flags=re.MULTILINE))
    findings = {column.name for column in LABELS}
    assert documented == {c.name: c.meaning for c in COLUMNS if c.name not in findings}
    assert all(f"`{finding}`" in page for finding in findings)
