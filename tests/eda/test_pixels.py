from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumoscope.eda import measure_pixels, report_films
from pneumoscope.eda.figures.films import class_maps


def test_measures_are_those_of_the_pixels(filmed: pd.DataFrame) -> None:
    measured = measure_pixels(filmed, finding="Pneumonia")
    pixels = np.asarray(Image.open(filmed["path"][0])) / 255
    first = measured.table.iloc[0]
    assert (first["mean"], first["contrast"]) == pytest.approx((pixels.mean(), pixels.std()), abs=1e-5)
    assert list(measured.table.index) == list(filmed.index)
    assert measured.unreadable == ()


def test_soft_and_bright_images_are_told_from_sharp_and_dark_ones(filmed: pd.DataFrame) -> None:
    measured = measure_pixels(filmed, finding="Pneumonia")
    found = report_films(filmed, measured, finding="Pneumonia")
    areas = {(one.measure, one.view): one.auroc.value for one in found.separations}
    assert areas["mean", "PA"] > 0.95
    assert areas["sharpness", "AP"] < 0.05
    assert found.sharpness_of_folders is not None
    assert found.sharpness_of_folders > 2
    assert {films.group for films in found.by_folder} == {"soft", "sharp"}


def test_a_histogram_counts_every_pixel_once(filmed: pd.DataFrame) -> None:
    measured = measure_pixels(filmed, finding="Pneumonia")
    assert sum(one.images for one in measured.histograms) == 240
    assert all(sum(one.shares) == pytest.approx(1, abs=1e-3) for one in measured.histograms)


def test_a_mean_image_is_the_mean_of_its_images() -> None:
    rows = pd.DataFrame({"path": None, "view": "PA", "Pneumonia": 1.0, "no_finding": 0.0}, index=[0])
    assert measure_pixels(rows, finding="Pneumonia").maps == ()


def test_a_patch_that_only_the_ill_have_shows_in_the_difference(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for index in range(60):
        pixels = rng.normal(100, 10, (64, 64))
        if index < 30:
            pixels[32:48, 8:24] += 60
        path = tmp_path / f"{index}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        ill = float(index < 30)
        rows.append(
            {"path": str(path), "view": "PA", "Pneumonia": ill, "no_finding": 1 - ill, "patient_id": str(index)}
        )
    measured = measure_pixels(pd.DataFrame(rows), finding="Pneumonia")
    figure = class_maps(measured, finding="Pneumonia")
    assert figure is not None
    assert "middle left third is whiter" in figure.takeaway
    ill = next(one for one in measured.maps if one.group == "Pneumonia")
    assert ill.mean[64:96, 16:48].mean() > ill.mean[:32].mean() + 1


def test_few_films_make_no_mean_image_to_look_at(filmed: pd.DataFrame) -> None:
    few = pd.concat([filmed.head(10), filmed.tail(10)])
    assert class_maps(measure_pixels(few, finding="Pneumonia"), finding="Pneumonia") is None


def test_images_that_cannot_be_read_are_named_and_the_others_measured(filmed: pd.DataFrame, tmp_path: Path) -> None:
    broken, coloured = tmp_path / "broken.png", tmp_path / "coloured.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n no more")
    Image.fromarray(np.dstack([np.eye(32, dtype=np.uint8) * 200, *[np.zeros((32, 32), np.uint8)] * 2])).save(coloured)
    rows = filmed.head(4).copy()
    rows.loc[[0, 1, 2], "path"] = [str(broken), str(coloured), str(tmp_path / "gone.png")]
    measured = measure_pixels(rows, finding="Pneumonia")
    assert [Path(line.split(":")[0]).name for line in measured.unreadable] == ["broken.png", "coloured.png", "gone.png"]
    assert list(measured.table.index) == [3]


def test_progress_sees_every_image(filmed: pd.DataFrame) -> None:
    seen = []

    def watch(items: Iterable[object]) -> Iterable[object]:
        for item in items:
            seen.append(item)
            yield item

    measure_pixels(filmed.head(100), finding="Pneumonia", watch=watch)
    assert len(seen) == 100
