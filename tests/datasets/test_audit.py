import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scipy.stats import mannwhitneyu
from scipy.stats.contingency import association

from pneumoscope.core import ConfigError
from pneumoscope.datasets import apply_split, split_of, write_manifest
from pneumoscope.datasets.audit import Audit, Finding, Severity, audit
from pneumoscope.datasets.audit.confounding import confounding_findings
from pneumoscope.datasets.audit.contrast import auroc, beyond_chance, cramers_v, out_of_fold_rate
from pneumoscope.datasets.audit.duplicates import SAME_FILM, fingerprints, near_pairs
from pneumoscope.datasets.audit.oddities import poses
from pneumoscope.datasets.pixels import resized
from pneumoscope.stats import auroc_clustered

Rows = Callable[..., pd.DataFrame]
COUNT = 60


@pytest.fixture
def archive(tmp_path: Path, rows: Rows, write_film: Callable[..., Path]) -> pd.DataFrame:
    """Sixty patients with a film each, on three sides, with nothing wrong."""
    folder = tmp_path / "films"
    paths = [str(write_film(folder / f"i{number}.png", number)) for number in range(COUNT)]
    return rows(COUNT, path=paths, split=["train", "val", "test"] * (COUNT // 3), no_finding=1.0)


def audited(table: pd.DataFrame, tmp_path: Path, **options: object) -> Audit:
    write_manifest(table, tmp_path / "m.parquet")
    return audit(tmp_path / "m.parquet", **options)


def about(found: Audit, check: str) -> list[Finding]:
    return [one for one in found.findings if one.check == check]


def test_nothing_is_wrong_with_an_archive_that_is_right(archive: pd.DataFrame, tmp_path: Path) -> None:
    found = audited(archive, tmp_path)
    assert found.clean
    assert found.looked_at == COUNT
    assert not found.findings


def test_a_planted_leak_duplicates_and_a_contradiction_are_all_found(archive: pd.DataFrame, tmp_path: Path) -> None:
    archive.loc[3, "patient_id"] = archive.loc[1, "patient_id"]
    archive.loc[7, "Pneumonia"] = 1.0
    folder = Path(archive["path"][0]).parent
    (folder / "i5.png").write_bytes((folder / "i0.png").read_bytes())
    with Image.open(folder / "i8.png") as film:
        film.resize((60, 60), Image.Resampling.BILINEAR).save(folder / "i11.jpg", quality=60)
    archive.loc[11, "path"] = str(folder / "i11.jpg")
    found = audited(archive, tmp_path)
    assert not found.clean
    (leak,) = about(found, "patients across splits")
    assert (leak.count, set(leak.images)) == (1, {"i1.png", "i3.png"})
    (contradiction,) = about(found, "contradictory labels")
    assert contradiction.images == ("i7.png",)
    across, within = about(found, "duplicate images")
    assert across.message.startswith("1 pairs of one film on two sides of the split (1 of equal files")
    assert across.numbers["pairs"][0]["images"] == ["i0.png", "i5.png"]
    assert within.numbers["pairs"][0]["images"] == ["i8.png", "i11.png"]
    assert not within.numbers["pairs"][0]["equal_files"]
    assert "under two patients" in within.message


def test_odd_images_are_told_apart(archive: pd.DataFrame, tmp_path: Path, film: Callable[..., np.ndarray]) -> None:
    folder = Path(archive["path"][0]).parent
    Image.fromarray(np.rot90(film(0))).save(folder / "i0.png")
    Image.fromarray(255 - film(1)).save(folder / "i1.png")
    Image.fromarray(np.full((96, 96), 7, np.uint8)).save(folder / "i2.png")
    (folder / "i3.png").write_bytes(b"torn")
    Image.fromarray(film(4)).convert("RGBA").save(folder / "i4.png")
    Image.fromarray(film(5, side=80)).save(folder / "i5.png")
    (folder / "i6.png").unlink()
    (folder / "stranger.png").touch()
    found = audited(archive, tmp_path)
    said = {one.message for one in found.findings}
    assert any("1 images look turned by 90 degrees: i0.png" in one for one in said)
    assert any("1 images look inverted: i1.png" in one for one in said)
    assert about(found, "blank images")[0].images == ("i2.png",)
    assert about(found, "unreadable images")[0].images == ("i3.png",)
    assert about(found, "missing files")[0].images == ("i6.png",)
    assert about(found, "files not in the table")[0].count == 1
    assert any("stored otherwise (1 RGBA)" in one for one in said)
    assert any("are not 96 x 96 pixels as the others: i5.png" in one for one in said)


def test_a_label_that_goes_with_folder_and_sharpness_is_a_named_shortcut(archive: pd.DataFrame, tmp_path: Path) -> None:
    ill = np.arange(COUNT) % 2 == 0
    archive = archive.assign(Pneumonia=ill * 1.0, no_finding=1.0 - ill, folder=np.where(ill, "icu", "clinic"))
    for path in archive.loc[ill, "path"]:
        with Image.open(path) as film:
            film.resize((24, 24)).resize((96, 96), Image.Resampling.BILINEAR).save(path)
    archive["view"] = np.where(np.arange(COUNT) < 4, "PA", np.where(ill, "AP", "PA"))
    found = audited(archive, tmp_path)
    assert found.clean
    (shortcut,) = about(found, "shortcut")
    by_factor = {one["factor"]: one for one in shortcut.numbers["shortcuts"]}
    assert by_factor["folder"]["cramers_v"] > 0.95
    assert by_factor["sharpness"]["auroc"] < 0.05
    assert "the view (Cramer's V 0.9" in shortcut.message
    assert about(found, "route of copies")[0].message.startswith("images in clinic are sharper than in icu")


def test_a_manifest_that_was_edited_is_audited_all_the_same(archive: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    write_manifest(archive, path)
    arrow = pq.read_table(path)
    edited = arrow.to_pandas().assign(age_years=411.0)
    pq.write_table(arrow.from_pandas(edited).replace_schema_metadata(arrow.schema.metadata), path)
    found = audit(path, pixels=False)
    assert {one.check for one in found.findings if one.severity is Severity.ERROR} == {"manifest", "values"}
    assert "411.0 in row 0" in about(found, "values")[0].message


def test_sides_from_a_split_file_can_be_audited(archive: pd.DataFrame, tmp_path: Path) -> None:
    archive.loc[1, "patient_id"] = archive.loc[0, "patient_id"]
    sides = split_of(archive, archive["split"], {})
    unsplit = archive.assign(split=None)
    assert audited(unsplit, tmp_path, pixels=False).clean
    found = audited(unsplit, tmp_path, pixels=False, change=lambda table: apply_split(table, sides)[0])
    assert about(found, "patients across splits")[0].count == 1


def test_patients_who_grow_younger_or_change_sex_are_named(rows: Rows, tmp_path: Path) -> None:
    table = rows(
        4, patient_id=["p:1", "p:1", "p:2", "p:2"], follow_up=[0, 1, 0, 1], age_years=[60, 40, 30, 31], sex=list("FFFM")
    )
    said = [one.message for one in about(audited(table, tmp_path), "contradictory patients")]
    assert said == [
        "1 patients have both sexes: p:2",
        "1 patients are 2 or more years younger at a later examination (1 images): p:1",
    ]


def test_official_test_images_in_training_are_an_error(rows: Rows, tmp_path: Path) -> None:
    table = rows(4, split="train", official_split=["test", "train_val", "train_val", "train_val"])
    assert about(audited(table, tmp_path), "official test in use")[0].images == ("i0.png",)


def test_an_unknown_label_is_refused(rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="got 'Cough'"):
        audited(rows(4), tmp_path, label="Cough")


def test_everything_found_goes_into_json(archive: pd.DataFrame, tmp_path: Path) -> None:
    archive.loc[1, "patient_id"] = archive.loc[0, "patient_id"]
    told = json.loads(json.dumps(audited(archive, tmp_path).to_json()))
    assert told["clean"] is False
    assert told["findings"][0]["check"] == "patients across splits"


@pytest.mark.parametrize("levels", [2, 20, 300])
def test_a_factor_that_says_nothing_is_no_shortcut(rows: Rows, levels: int) -> None:
    """Of a thousand patients with two films that are alike in factor and label."""
    named = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        patient = np.repeat(np.arange(1000), 2)
        table = rows(2000, patient_id=[f"p:{one}" for one in rng.permutation(1000)[patient]])
        table["Pneumonia"] = (rng.random(1000) < 0.2)[patient] * 1.0
        table["sex"] = rng.choice(["F", "M"], 1000)[patient]
        table["age_years"] = rng.integers(20, 90, 1000)[patient]
        table["scanner_model"] = rng.integers(0, levels, 1000).astype(str)[patient]
        looks = pd.DataFrame(columns=["sharpness", "mean", "deviation"], index=table.index[:0], dtype=float)
        named += sum(one.check == "shortcut" for one in confounding_findings(table, looks, label="Pneumonia"))
    assert named <= 1


def test_films_of_few_patients_do_not_make_a_shortcut_of_the_patient() -> None:
    rng, named = np.random.default_rng(0), {"films": 0, "patients": 0}
    for _ in range(100):
        patient = np.repeat(np.arange(40), 25)
        truth, score = (rng.random(40) < 0.4)[patient], rng.normal(size=40)[patient]
        named["films"] += beyond_chance(truth, score, patient=np.arange(1000))
        named["patients"] += beyond_chance(truth, score, patient=patient)
    assert named["films"] > 30
    assert named["patients"] <= 5


def test_the_standard_error_between_patients_is_obuchowskis() -> None:
    rng = np.random.default_rng(2)
    patient = np.repeat(np.arange(200), 3)
    truth = (rng.random(200) < 0.4)[patient]
    score = rng.normal(size=200)[patient] + rng.normal(size=600)
    for shift in np.linspace(0, 0.8, 17):
        found = auroc_clustered(truth, score + shift * truth, cluster=patient)
        distance = abs(found.value - 0.5) / found.standard_error
        if abs(distance - 3) > 0.1:
            assert beyond_chance(truth, score + shift * truth, patient=patient) == (distance > 3)


def test_a_rare_but_real_shortcut_is_still_named() -> None:
    rng = np.random.default_rng(3)
    view = rng.random(5000) < 0.4
    truth = rng.random(5000) < np.where(view, 0.03, 0.01)
    score = out_of_fold_rate(view.astype(int), truth, patient=np.arange(5000))
    assert auroc(truth, score) > 0.6
    assert beyond_chance(truth, score, patient=np.arange(5000))


def test_cramers_v_agrees_with_scipys_but_for_its_bias() -> None:
    counts = np.array([[900.0, 100.0], [300.0, 700.0]])
    assert cramers_v(counts) == pytest.approx(association(counts.astype(int), correction=False), abs=2e-3)
    independent = np.random.default_rng(0).multinomial(60, [0.1] * 10).reshape(5, 2).astype(float)
    assert cramers_v(independent) < association(independent.astype(int), correction=False)
    assert cramers_v(np.array([[5.0, 0.0], [9.0, 0.0]])) == 0


def test_auroc_agrees_with_scipys_mann_whitney() -> None:
    rng = np.random.default_rng(1)
    truth, score = rng.random(300) < 0.2, rng.integers(0, 20, 300).astype(float)
    u = mannwhitneyu(score[truth], score[~truth]).statistic
    assert auroc(truth, score) == pytest.approx(u / (truth.sum() * (~truth).sum()))


def test_pairs_are_found_across_blocks_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = fingerprints(np.random.default_rng(0).random((23, 32, 32), dtype=np.float32))
    prints[20] = prints[3]
    prints[22] = prints[21]
    monkeypatch.setattr("pneumoscope.datasets.audit.duplicates._BLOCK", 5)
    pairs = near_pairs(prints)
    assert sorted(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(3, 20), (21, 22)]


@pytest.fixture(scope="module")
def films(data_root: Path) -> pd.DataFrame:
    """400 of NIH's films of 400 patients, as thumbnails and file."""
    paths = {path.name[:8]: path for path in sorted((data_root / "nih" / "images-256").glob("*.jpg"))}
    return pd.DataFrame({"path": list(paths.values())[:400]})


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"), dtype=np.float32) / 255


def thumbnails(
    paths: "pd.Series[Path]", change: Callable[[Image.Image], Image.Image] = lambda image: image
) -> np.ndarray:
    return np.stack([resized(grey(change(Image.open(path))), (32, 32)) for path in paths])


def test_copies_are_one_film_and_other_patients_are_not(films: pd.DataFrame) -> None:
    prints = fingerprints(thumbnails(films["path"]))
    assert near_pairs(prints).first.size == 0
    half = fingerprints(thumbnails(films["path"], lambda image: image.resize((112, 112), Image.Resampling.BILINEAR)))
    gamma = fingerprints(
        thumbnails(films["path"], lambda image: image.point([round(255 * (i / 255) ** 0.8) for i in range(256)]))
    )
    for copies in (half, gamma):
        assert ((prints * copies).sum(axis=1) >= SAME_FILM).mean() > 0.99


def test_turned_and_inverted_films_are_seen_and_upright_ones_are_left_alone(films: pd.DataFrame) -> None:
    small = thumbnails(films["path"])
    assert (poses(small) != 0).mean() < 0.01
    small[:20] = np.rot90(small[:20], 1, (1, 2))
    small[20:40] = 1 - small[20:40]
    assert (poses(small)[:20] == 1).mean() > 0.9
    assert (poses(small)[20:40] == 4).mean() > 0.9
