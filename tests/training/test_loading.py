from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError
from pneumoscope.datasets import FINDINGS, write_manifest
from pneumoscope.training.config import Data, TrainingConfig
from pneumoscope.training.loading import EpochSampler, Material, gather, loaders, sampling_weights, taught_rows


@pytest.fixture(scope="module")
def material(tiny_data: Path, config: TrainingConfig) -> Material:
    return gather(config, tiny_data)


def test_an_epochs_order_is_a_function_of_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = EpochSampler(10, np.ones(10), count=20, seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 3) == order(1, 3)
    assert order(1, 3) != order(1, 4)
    assert order(1, 3) != order(2, 3)


def test_processes_share_one_draw_batch_by_batch() -> None:
    whole = list(EpochSampler(50, np.ones(50), count=40, seed=1))
    parts = [list(EpochSampler(50, np.ones(50), count=40, seed=1, rank=rank, processes=2)) for rank in (0, 1)]
    for batch in range(5):
        together = parts[0][batch * 4 : batch * 4 + 4] + parts[1][batch * 4 : batch * 4 + 4]
        assert sorted(together) == sorted(whole[batch * 8 : batch * 8 + 8])


def test_without_shares_each_image_comes_once_an_epoch() -> None:
    assert sorted(EpochSampler(12, None, count=100, seed=1)) == list(range(12))


def test_sources_get_their_share_and_view_and_label_say_nothing_of_each_other(
    material: Material, config: TrainingConfig
) -> None:
    rows = material.rows("train")
    weights = sampling_weights(material, rows, config.sampling)
    table = material.manifest.iloc[rows].assign(weight=weights)
    shares = table.groupby("source")["weight"].sum()
    assert shares.to_dict() == pytest.approx(config.sampling)
    nih = table[table["source"] == "nih"].groupby(["view", "Pneumonia"])["weight"].sum()
    assert nih.to_numpy() == pytest.approx(np.full(4, config.sampling["nih"] / 4))


def test_rows_are_those_of_one_member_and_not_of_several_with_a_part_each(config, tiny_data):
    with pytest.raises(ConfigError, match="expected the part that one member validates on, got -1"):
        gather(replace(config, data=Data(folds=3)), tiny_data)


def test_shares_for_other_sources_are_named(material: Material) -> None:
    with pytest.raises(ConfigError, match="kermany"):
        taught_rows(material.manifest, {"nih": 0.5, "rsna_normal": 0.5})


def test_a_source_at_no_share_is_neither_learnt_from_nor_validated_on(
    material: Material, config: TrainingConfig
) -> None:
    adults = replace(config, sampling={"nih": 0.5, "rsna_normal": 0.5, "kermany": 0.0})
    for loader, side in zip(loaders(adults, material), ("train", "val"), strict=True):
        rows = material.manifest.iloc[loader.dataset.index]  # type: ignore[attr-defined]
        assert set(rows["source"]) == {"nih", "rsna_normal"}
        assert set(rows["split"]) == {side}


def test_processes_that_do_not_divide_the_batch_are_refused(material: Material, config: TrainingConfig) -> None:
    with pytest.raises(ConfigError, match="multiple of 3 processes, got 16"):
        loaders(config, material, processes=3)


def test_a_missing_image_is_named_before_training(tiny_data: Path, config: TrainingConfig, tmp_path: Path) -> None:
    manifest = _manifest(tiny_data)
    manifest.loc[3, "path"] = str(tmp_path / "absent.png")
    write_manifest(manifest, tmp_path / "m.parquet")
    with pytest.raises(ConfigError, match=r"1 are not, first .*absent\.png"):
        gather(_of(config, tmp_path), tiny_data)


def test_a_class_that_is_absent_in_validation_is_said(tiny_data: Path, config: TrainingConfig, tmp_path: Path) -> None:
    manifest = _manifest(tiny_data)
    manifest["split"] = np.where(manifest["Pneumonia"] == 1, "train", "val")
    manifest.loc[0, "split"] = "train"
    write_manifest(manifest, tmp_path / "m.parquet")
    with pytest.raises(ConfigError, match="val images with and without pneumonia, found 0 positive of"):
        gather(_of(config, tmp_path), tiny_data)


def test_any_manifest_trains_its_patients_keep_to_one_side_and_what_is_left_out_is_said(
    tiny_data: Path, config: TrainingConfig, tmp_path: Path
) -> None:
    manifest = _manifest(tiny_data)
    without = manifest.head(2).assign(image_id=["x", "y"], path=None)
    write_manifest(pd.concat([manifest, without], ignore_index=True), tmp_path / "m.parquet")
    material = gather(_of(config, tmp_path), tiny_data)
    assert len(material.images) == len(manifest)
    assert material.notes == (f"2 of {len(manifest) + 2} rows have no image and are left out",)
    assert set(material.manifest["split"]) == {"train", "val"}
    assert (material.manifest.groupby("patient_id")["split"].nunique() == 1).all()
    assert np.isnan(material.boxes).all()


def _of(config: TrainingConfig, folder: Path) -> TrainingConfig:
    data = Data(manifest=str(folder / "m.parquet"), validation_share=0.3)
    return replace(config, data=data, opacity_weight=0.0, sampling={})


def _manifest(data: Path) -> pd.DataFrame:
    """Twenty patients of a hospital, two images each, sides not decided."""
    paths = sorted((data / "nih" / "images-256").glob("*.jpg"))[:40]
    sick = [float(int(path.stem[:8]) % 2) for path in paths]
    return pd.DataFrame(
        {
            "image_id": [path.stem for path in paths],
            "path": [str(path) for path in paths],
            "source": "hospital",
            "patient_id": [f"hospital:{index // 2}" for index in range(40)],
            "Pneumonia": sick,
        }
    ).assign(**{finding: np.nan for finding in FINDINGS if finding != "Pneumonia"})
