"""One loader for every source: all rows come back, in order, with pixels or the reason why not."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumoscope.datasets import each_image, load_images
from pneumoscope.image import Recipe, prepare
from pneumoscope.intake import read_radiograph
from pneumoscope.phantom import studies_folder

RECIPE = Recipe(size_px=64)


@pytest.fixture
def manifest(tmp_path, film):
    grey = film(3, side=120)
    Image.fromarray(grey).save(tmp_path / "8.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "16.png")
    dicom = next(path for path in sorted(studies_folder().rglob("*.dcm")) if read_radiograph(path).pixels is not None)
    paths = [str(tmp_path / "8.png"), str(tmp_path / "16.png"), str(dicom), None, str(tmp_path / "gone.png")]
    return pd.DataFrame({"image_id": list("abcde"), "path": paths})


def test_every_row_comes_back_in_order_with_an_image_or_the_reason(manifest):
    loaded = list(load_images(manifest, RECIPE))
    assert [one.row for one in loaded] == [0, 1, 2, 3, 4]
    assert [one.problem is None for one in loaded] == [True, True, True, False, False]
    assert loaded[3].problem == "no file: the manifest has no path"
    assert "gone.png" in loaded[4].problem


def test_a_16_bit_image_is_that_of_8_bits_and_dicom_opens(manifest):
    eight, sixteen, dicom, *_ = load_images(manifest, RECIPE)
    assert 20 < eight.levels.mean() < 235
    np.testing.assert_array_equal(eight.levels, sixteen.levels)
    radiograph = read_radiograph(manifest["path"][2])
    expected = np.round((prepare(radiograph.pixels, RECIPE).array[0] + 1) * 127.5)
    np.testing.assert_array_equal(dicom.levels, expected)
    assert dicom.shape == radiograph.pixels.shape


def test_a_change_is_done_before_the_image_is_prepared(manifest):
    plain, turned = (next(load_images(manifest, RECIPE, change=change)) for change in (None, np.flipud))
    np.testing.assert_allclose(turned.levels.astype(int), plain.levels[::-1].astype(int), atol=2)


def test_images_are_loaded_as_they_are_asked_for(manifest):
    many = pd.concat([manifest.iloc[:1]] * 500, ignore_index=True)
    seen = []
    first = next(each_image(many, lambda grey: seen.append(grey.shape)))
    assert first.row == 0
    assert len(seen) < 100
