"""The pixel pipeline against numbers worked by hand, each with its section of the standard, and against pydicom's."""

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from pneumoscope.core import VoiTable, VoiWindow
from pneumoscope.intake.grey import to_grey
from pneumoscope.intake.window import Window


def header(**attributes: object) -> Dataset:
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.set_original_encoding(False, True, "iso8859")
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def lut(descriptor: list[int], data: bytes) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", descriptor)
    item.add_new("LUTData", "OW", data)
    return [item]


def grey(values: list[int], *, kind: str = "<u2", **attributes: object) -> list[float]:
    pixels = to_grey(np.array([values], dtype=kind), header(**attributes)).pixels
    return [round(float(value), 4) for value in pixels[0]]


def steps(values: list[int], *, kind: str = "<u2", **attributes: object) -> str:
    return "; ".join(to_grey(np.array([values], dtype=kind), header(**attributes)).steps)


def test_without_any_transform_the_smallest_value_is_black_and_the_largest_white() -> None:
    assert grey([10, 20, 30, 50]) == [0, 0.25, 0.5, 1]
    assert steps([10, 20, 30, 50]) == "stored values: 10 to 50, unsigned; range: 10 to 50"


@pytest.mark.req("REQ-IN-02")
def test_monochrome1_is_inverted() -> None:
    """C.7.6.3.1.2: the minimum sample value is intended to be displayed as white."""
    assert grey([10, 20, 30, 50], PhotometricInterpretation="MONOCHROME1") == [1, 0.75, 0.5, 0]


def test_monochrome1_is_inverted_after_its_window() -> None:
    """C.11.6 after C.11.2: the window 0 to 40 is in stored values: 10 is 0.25, shown as 0.75; 50 is black."""
    window = {"WindowCenter": 20, "WindowWidth": 40, "VOILUTFunction": "LINEAR_EXACT"}
    assert grey([10, 20, 30, 50], PhotometricInterpretation="MONOCHROME1", **window) == [0.75, 0.5, 0.25, 0]


@pytest.mark.parametrize(("photometric", "shape"), [("MONOCHROME1", "INVERSE"), ("MONOCHROME2", "IDENTITY")])
def test_a_presentation_lut_shape_that_agrees_is_no_second_inversion(photometric: str, shape: str) -> None:
    """C.8.11.3.1.2: INVERSE goes with MONOCHROME1, IDENTITY with MONOCHROME2."""
    plain = grey([10, 20, 50], PhotometricInterpretation=photometric)
    assert grey([10, 20, 50], PhotometricInterpretation=photometric, PresentationLUTShape=shape) == plain


def test_a_presentation_lut_shape_that_contradicts_is_ignored_and_said_so() -> None:
    assert grey([10, 50], PresentationLUTShape="INVERSE") == [0, 1]
    assert "INVERSE ignored" in steps([10, 50], PresentationLUTShape="INVERSE")


def test_the_linear_window_is_the_standards() -> None:
    """C.11.2.1.2.1, its example c=2048, w=4096: (x - 2047.5) / 4095 + 0.5, so 0 is 0, 4095 is 1, 1024 is 0.2501."""
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    assert grey([0, 1024, 4095, 5000], **window) == [0, 0.2501, 1, 1]


def test_the_linear_exact_window_is_the_standards() -> None:
    """C.11.2.1.3.2: (x - c) / w + 0.5; with c=100, w=200 50 is 0.25."""
    window = {"WindowCenter": 100, "WindowWidth": 200, "VOILUTFunction": "LINEAR_EXACT"}
    assert grey([0, 50, 100, 300], **window) == [0, 0.25, 0.5, 1]


def test_the_sigmoid_window_is_the_standards() -> None:
    """C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w)); with c=100, w=100 125 is 1 / (1 + 1/e) = 0.7311."""
    window = {"WindowCenter": 100, "WindowWidth": 100, "VOILUTFunction": "SIGMOID"}
    assert grey([100, 125, 75, 60000], **window) == [0.5, 0.7311, 0.2689, 1]


def test_the_first_of_several_windows_is_used() -> None:
    window = {"WindowCenter": [100, 7], "WindowWidth": [200, 3], "VOILUTFunction": "LINEAR_EXACT"}
    assert grey([0, 50, 100, 300], **window) == [0, 0.25, 0.5, 1]


def test_rescale_comes_before_the_window() -> None:
    """C.11.1.1.2: 2 x - 100, so 100 is 100, which the window 0 to 200 shows as 0.5."""
    window = {"WindowCenter": 100, "WindowWidth": 200, "VOILUTFunction": "LINEAR_EXACT"}
    assert grey([50, 100, 125, 200], RescaleSlope=2, RescaleIntercept=-100, **window) == [0, 0.5, 0.75, 1]


def test_a_negative_slope_inverts() -> None:
    assert grey([10, 20, 50], RescaleSlope=-1, RescaleIntercept=0) == [1, 0.75, 0]


@pytest.mark.parametrize(
    ("center", "width", "function", "why"),
    [
        (100, 0, "LINEAR", "too small"),
        (100, 0.5, "LINEAR", "too small"),
        (100, -5, "LINEAR", "too small"),
        (100, 0, "SIGMOID", "too small"),
        (50_000, 100, "LINEAR", "one grey level"),
        (-900, 100, "LINEAR", "one grey level"),
        (100, 10_000_000, "LINEAR", "one grey level"),
        (100, 50, "CUBIC", "not known"),
    ],
)
def test_a_window_that_shows_nothing_is_ignored_and_said_so(
    center: float, width: float, function: str, why: str
) -> None:
    window = {"WindowCenter": center, "WindowWidth": width, "VOILUTFunction": function}
    assert grey([10, 20, 30, 50], **window) == [0, 0.25, 0.5, 1]
    assert why in steps([10, 20, 30, 50], **window)


def test_half_a_window_is_ignored_and_said_so() -> None:
    assert "window: ignored" in steps([10, 50], WindowCenter=30)


@pytest.mark.parametrize("values", [{"RescaleSlope": 0, "RescaleIntercept": 4}, {"RescaleSlope": 3}], ids=str)
def test_a_rescale_without_meaning_is_ignored_and_said_so(values: dict[str, float]) -> None:
    assert grey([10, 20, 50], **values) == [0, 0.25, 1]
    assert "ignored" in steps([10, 20, 50], **values)


@pytest.mark.req("REQ-IN-02")
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_air_and_no_part_of_the_range(photometric: str) -> None:
    """C.7.5.1.1.2: padding is replaced by black whatever the polarity, and the range is of the others."""
    shown = grey([9000, 10, 20, 50], PixelPaddingValue=9000, PhotometricInterpretation=photometric)
    assert shown[0] == 0
    assert sorted(shown[1:]) == ([0, 0.25, 1] if photometric == "MONOCHROME2" else [0, 0.75, 1])


def test_a_padding_range_is_inclusive_in_either_order() -> None:
    """C.7.5.1.1.2: Pixel Padding Range Limit may lie below Pixel Padding Value."""
    assert grey([9000, 8000, 8500, 10, 20, 50], PixelPaddingValue=9000, PixelPaddingRangeLimit=8000) == [
        0,
        0,
        0,
        0,
        0.25,
        1,
    ]


def test_a_signed_padding_value_written_as_unsigned_is_understood() -> None:
    dataset = header()
    dataset.add_new("PixelPaddingValue", "US", 63536)
    pixels = to_grey(np.array([[-2000, 0, 10, 40]], dtype="<i2"), dataset).pixels
    assert pixels.tolist() == [[0, 0, 0.25, 1]]


def test_an_image_of_one_value_or_of_padding_alone_is_black() -> None:
    assert grey([7, 7, 7]) == [0, 0, 0]
    assert grey([7, 7, 7], PixelPaddingValue=7) == [0, 0, 0]
    assert grey([7, 7, 7], PixelPaddingValue=7, WindowCenter=5, WindowWidth=10) == [0, 0, 0]


def test_a_voi_lut_is_looked_up_from_its_first_value_and_clamped() -> None:
    """C.11.2.1.1: three entries of 8 bits for 10, 11, 12; values beyond take the ends. 51 / 255 = 0.2."""
    table = lut([3, 10, 8], b"\x00\x00\x33\x00\xff\x00")
    assert grey([0, 10, 11, 12, 99], VOILUTSequence=table) == [0, 0, 0.2, 1, 1]


def test_8_bit_entries_packed_into_words_are_read_one_by_one() -> None:
    assert grey([10, 11, 12, 13], VOILUTSequence=lut([4, 10, 8], b"\x00\x33\x66\xff")) == [0, 0.2, 0.4, 1]


def test_a_modality_lut_maps_signed_values() -> None:
    """C.11.1.1.1: the first value mapped is signed when stored values are; 65534 stands for -2."""
    table = lut([4, 65534, 16], np.array([0, 100, 300, 400], dtype="<u2").tobytes())
    assert grey([-2, -1, 0, 1], kind="<i2", ModalityLUTSequence=table) == [0, 0.25, 0.75, 1]


def test_a_descriptor_of_0_entries_stands_for_65536() -> None:
    table = lut([0, 0, 16], np.arange(65536, dtype="<u2")[::-1].tobytes())
    assert grey([0, 65535], VOILUTSequence=table) == [1, 0]


@pytest.mark.parametrize("descriptor", [[9, 10, 8], [3, 10]], ids=str)
def test_a_lut_that_contradicts_itself_is_ignored_and_said_so(descriptor: list[int]) -> None:
    table = lut(descriptor, b"\x00\x00\x33\x00\xff\x00")
    assert grey([10, 20, 50], VOILUTSequence=table) == [0, 0.25, 1]
    assert "VOI LUT: ignored" in steps([10, 20, 50], VOILUTSequence=table)


def test_a_voi_lut_that_shows_nothing_is_ignored() -> None:
    assert grey([10, 20, 50], VOILUTSequence=lut([3, 1000, 8], b"\x00\x00\x33\x00\xff\x00")) == [0, 0.25, 1]


@pytest.mark.parametrize("kind", ["u1", "i1", "<u2", "<i2"])
def test_every_kind_of_integer_keeps_its_order(kind: str) -> None:
    info = np.iinfo(kind)
    assert grey([info.min, 0, info.max], kind=kind)[::2] == [0, 1]


@pytest.mark.req("REQ-IN-02")
@pytest.mark.parametrize(
    "attributes",
    [
        {"WindowCenter": 300, "WindowWidth": 500},
        {"WindowCenter": 300, "WindowWidth": 500, "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": 300, "WindowWidth": 500, "VOILUTFunction": "SIGMOID"},
        {"RescaleSlope": 1.5, "RescaleIntercept": -80, "WindowCenter": 200, "WindowWidth": 700},
    ],
    ids=str,
)
def test_the_pipeline_agrees_with_pydicoms(attributes: dict[str, object]) -> None:
    image = np.random.default_rng(3).integers(0, 1024, (50, 60)).astype("<u2")
    dataset = header(**attributes)
    dataset.BitsStored, dataset.BitsAllocated, dataset.PixelRepresentation = 10, 16, 0
    theirs = apply_voi_lut(apply_modality_lut(image, dataset), dataset).astype(np.float64)
    # Pydicom's output range is that of all values that the stored bits can hold.
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    low, high = intercept, 1023 * slope + intercept
    ours = to_grey(image, dataset).pixels
    assert np.abs(ours - (theirs - low) / (high - low)).max() < 1e-5


def test_ten_megapixels_need_no_wide_copy() -> None:
    """The frame is looked up once: no array of 64-bit numbers as large as the image is ever made."""
    import tracemalloc

    image = np.random.default_rng(0).integers(0, 4096, (2500, 4000)).astype("<u2")
    tracemalloc.start()
    pixels = to_grey(image, header()).pixels
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pixels.dtype == np.float32
    assert peak < 1.5 * pixels.nbytes


@pytest.mark.parametrize("declared", [16, 12, 10, 8, 7, 0, 99])
def test_a_lut_has_the_range_that_occurs_whatever_its_descriptor_says(declared: int) -> None:
    """C.11.2.1.1: the third value should be the entries' bits. 12 bits occur: 2047 / 4095 = 0.4999."""
    table = lut([3, 10, declared], np.array([0, 2047, 4095], dtype="<u2").tobytes())
    assert grey([10, 11, 12], VOILUTSequence=table) == [0, 0.4999, 1]
    said = steps([10, 11, 12], VOILUTSequence=table)
    assert ("the descriptor says" in said) == (declared != 12)
    assert "entries of 12 bits" in said


def test_the_second_lut_is_used_where_the_first_shows_nothing() -> None:
    flat = lut([3, 1000, 8], b"\x00\x00\x33\x00\xff\x00")
    good = lut([3, 10, 8], b"\x00\x00\x33\x00\xff\x00")
    assert grey([10, 11, 12], VOILUTSequence=[*flat, *good]) == [0, 0.2, 1]


def test_the_next_window_is_used_where_the_first_is_blank() -> None:
    windows = {"WindowCenter": [9000, 100], "WindowWidth": [10, 200], "VOILUTFunction": "LINEAR_EXACT"}
    assert grey([0, 50, 100, 300], **windows) == [0, 0.25, 0.5, 1]
    said = steps([0, 50, 100, 300], **windows)
    assert "center 9000 width 10: ignored" in said
    assert said.endswith("window: LINEAR_EXACT center 100 width 200")


def test_a_window_that_saturates_half_the_image_gives_way_to_another_and_to_nothing_else() -> None:
    values = [0, 50, 100, 300, 400, 500, 600]
    narrow = {"WindowCenter": 50, "WindowWidth": 100, "VOILUTFunction": "LINEAR_EXACT"}
    assert grey(values, **narrow) == [0, 0.5, 1, 1, 1, 1, 1]
    both = narrow | {"WindowCenter": [50, 300], "WindowWidth": [100, 600]}
    assert grey(values, **both)[3] == 0.5


@pytest.mark.parametrize(
    ("center", "width", "value", "shown"),
    [
        (100, 1, 99.5, 0.0),
        (100, 1, 99.5001, 1.0),
        (100, 11, 94.5, 0.0),
        (100, 11, 104.5, 1.0),
        (100, 11, 94.6, 0.01),
        (100, 11, 104.4, 0.99),
    ],
)
def test_the_edges_of_the_linear_window_are_the_standards(
    center: float, width: float, value: float, shown: float
) -> None:
    """C.11.2.1.2.1: black up to c - 0.5 - (w - 1) / 2, white above c - 0.5 + (w - 1) / 2, both ends worked by hand."""
    seen = Window(center=center, width=width).apply(np.array([value]))
    assert seen[0] == pytest.approx(shown, abs=1e-9)


def test_a_window_of_one_is_a_threshold_and_a_narrower_one_has_no_meaning() -> None:
    """C.11.2.1.2: Window Width shall be at least 1 with LINEAR, more than 0 with the others."""
    assert Window(center=5, width=1).problem is None
    assert Window(center=5, width=0.999).problem
    assert Window(center=5, width=0.001, function="LINEAR_EXACT").problem is None
    assert Window(center=5, width=0, function="SIGMOID").problem
    assert Window(center=float("nan"), width=5).problem


def ordinary(rng: np.random.Generator, *, size: int = 20_000) -> np.ndarray:
    return np.clip(rng.normal(500, 150, size), 0, 1023).astype("<u2")


@pytest.mark.parametrize("share", [0.0001, 0.002, 0.02, 0.04])
def test_a_marker_burned_in_far_above_the_anatomy_is_no_part_of_the_range(share: float) -> None:
    values = ordinary(np.random.default_rng(1))
    marked = values.copy()
    marked[: max(1, int(share * values.size))] = 65535
    shown, plain = to_grey(marked[None], header()), to_grey(values[None], header())
    rest = slice(int(share * values.size) + 1, None)
    assert np.abs(shown.pixels[0, rest] - plain.pixels[0, rest]).max() < 0.02
    assert shown.pixels[0, 0] == 1
    assert "outside it clipped, of" in shown.steps[-1]


def test_dead_and_hot_pixels_of_any_value_are_no_part_of_the_range() -> None:
    rng = np.random.default_rng(2)
    values = ordinary(rng).astype(np.int64) + 20_000
    values[:20], values[20:40] = rng.integers(0, 9000, 20), rng.integers(30_000, 65_536, 20)
    shown = to_grey(values.astype("<u2")[None], header()).pixels[0, 40:]
    assert shown.min() < 0.05
    assert shown.max() > 0.95
    assert 0.4 < shown.mean() < 0.6


def test_an_ordinary_image_keeps_its_whole_range() -> None:
    values = ordinary(np.random.default_rng(3))
    assert to_grey(values[None], header()).steps[-1] == f"range: {values.min()} to {values.max()}"


def test_what_displays_the_same_is_kept_with_the_pixels() -> None:
    window = to_grey(np.array([[0, 50, 100]], dtype="<u2"), header(WindowCenter=50, WindowWidth=100)).voi
    assert window == VoiWindow(center=50, width=100)
    stretched = to_grey(np.array([[10, 50, 110]], dtype="<u2"), header()).voi
    assert stretched == VoiWindow(center=60, width=100, function="LINEAR_EXACT")
    table = lut([3, 10, 16], np.array([0, 2047, 4095], dtype="<u2").tobytes())
    kept = to_grey(np.array([[10, 11, 12]], dtype="<u2"), header(VOILUTSequence=table)).voi
    assert isinstance(kept, VoiTable)
    assert kept.entries.tolist() == [0, 2047 / 4095, 1]
