from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pneumoscope.results import overlay
from pneumoscope.results.heat_colour import blend, heat_opacity, heat_rgb, outline
from pneumoscope.results.overlay import png
from pneumoscope.results.panel import PANEL_HEIGHT_PX, PANEL_WIDTH_PX, draw_panel


def film(pixels):
    return pixels[:, :-PANEL_WIDTH_PX].astype(int)


def longest_run(column):
    return max(map(len, "".join("x" if on else " " for on in column).split()), default=0)


def test_the_overlay_keeps_the_images_aspect_ratio_beside_the_panel(analysed, radiograph):
    pixels = overlay(analysed(), radiograph(ds=None), longest_px=960)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (960, 800 + PANEL_WIDTH_PX, 3)


def test_a_flat_image_is_centred_on_black(analysed, radiograph):
    wide = replace(radiograph(ds=None), pixels=np.full((20, 100), 0.5, dtype=np.float32))
    shown = film(overlay(analysed(with_heat=False), wide, longest_px=1000))
    assert shown.shape == (PANEL_HEIGHT_PX, 1000, 3)
    assert (shown[:350] == 0).all()
    assert (shown[350:550] == 128).all()
    assert (shown[550:] == 0).all()


def test_without_heat_the_image_is_grey_and_true(analysed, radiograph):
    source = radiograph(ds=None)
    shown = film(overlay(analysed(with_heat=False), source, longest_px=960))
    assert (shown == shown[..., :1]).all()
    assert abs(shown[::10, ::10, 0][5:-5, 5:-5] - source.pixels[5:-5, 5:-5] * 255).max() < 12


def test_heat_colours_its_place_and_leaves_a_calm_lung_grey(analysed, radiograph):
    shown = film(overlay(analysed(), radiograph(ds=None), longest_px=960))
    hot, calm = shown[int(0.65 * 960), int(0.3 * 800)], shown[:480, 450:]
    assert hot[0] > hot[2] + 60
    assert (calm == calm[..., :1]).all()


def test_where_there_is_no_heat_map_the_panel_says_why(analysed):
    plain = analysed(with_heat=False)
    told = replace(plain, notes=("no heat map shown: radiologists' boxes do not bear it out",))
    differs = draw_panel(plain, height_px=1000) != draw_panel(told, height_px=1000)
    rows = np.flatnonzero(differs.any(axis=(1, 2)))
    assert 400 < rows.min() < rows.max() < 850


def test_the_panel_differs_by_decision_and_the_scale_is_only_there_with_heat(analysed):
    def panel(**kwargs):
        return draw_panel(analysed(**kwargs), height_px=1000)

    assert (panel() != panel(probability=0.2)).any()
    assert (panel() != panel(uncertain=True)).any()
    with_scale, without = panel()[600:850], panel(with_heat=False)[600:850]
    assert (without == without[0, 0]).all()
    assert with_scale.std() > without.std()


def test_the_threshold_tick_stands_at_its_place_on_the_bar(analysed):
    white = draw_panel(analysed(probability=0.0), height_px=1000).min(axis=2) > 230
    longest = [longest_run(column) for column in white.T]
    assert max(longest) >= 30
    assert abs(int(np.argmax(longest)) - (36 + round(0.41 * (PANEL_WIDTH_PX - 72)))) <= 1


def test_a_reading_without_decision_or_pixels_or_with_heat_of_another_size_has_no_overlay(
    analysed, refused, radiograph
):
    image = radiograph(ds=None)
    with pytest.raises(ValueError, match="found refused"):
        overlay(refused(), image)
    with pytest.raises(ValueError, match="found none"):
        overlay(analysed(), replace(image, pixels=None))
    with pytest.raises(ValueError, match=r"\(96, 80\), found \(8, 8\)"):
        overlay(replace(analysed(), heat=np.zeros((8, 8), dtype=np.float32)), image)


def test_the_overlay_survives_saving_as_png(analysed, radiograph):
    pixels = overlay(analysed(), radiograph(ds=None))
    assert (np.asarray(Image.open(BytesIO(png(pixels)))) == pixels).all()


def test_the_colour_map_grows_steadily_lighter():
    ramp = heat_rgb(np.linspace(0, 1, 256, dtype=np.float32)[None])[0].astype(float)
    luminance = ramp @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(luminance) > -0.8).all()
    assert luminance[-1] > luminance[0] + 150


def test_opacity_is_none_below_a_sixth_and_never_hides_the_image():
    opacity = heat_opacity(np.linspace(0, 1, 101, dtype=np.float32)[None])[0]
    assert (opacity[:16] == 0).all()
    assert (np.diff(opacity) >= 0).all()
    assert 0.5 < opacity[-1] < 0.7
    assert (blend(np.full((2, 2), 77, dtype=np.uint8), np.zeros((2, 2), dtype=np.float32)) == 77).all()


def test_the_outline_runs_along_the_half_way_level_only():
    heat = np.zeros((60, 60), dtype=np.float32)
    heat[20:40, 20:40] = 0.51
    line = outline(heat, softness_px=1.4)
    assert line[30, 20] > 0.8
    assert line[30, 30] < 0.01
    assert line[5, 5] < 0.01
    assert outline(np.full((60, 60), 0.5, dtype=np.float32), softness_px=1.4).max() == 0.0
