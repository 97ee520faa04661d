from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from pneumoscope.core import InputError
from pneumoscope.results import outlines, presentation_state
from pneumoscope.results.contour import contours


def written(ds):
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_a_circle_gives_one_closed_line_at_its_radius():
    y, x = np.mgrid[0:64, 0:64].astype(np.float32) + 0.5
    field = np.maximum(0.0, 1.0 - np.hypot(x - 30.0, y - 34.0) / 20.0).astype(np.float32)
    (line,) = contours(field, threshold=0.5)
    assert (line[0] == line[-1]).all()
    radius = np.hypot(line[:, 0] - 30.0, line[:, 1] - 34.0)
    assert np.abs(radius - 10.0).max() < 0.1


def test_two_regions_give_two_lines_the_larger_first_and_the_border_closes_them():
    field = np.zeros((20, 30), dtype=np.float32)
    field[2:5, 2:5] = 1.0
    field[8:20, 15:30] = 1.0
    first, second = contours(field, threshold=0.5)
    assert (first[:, 0].max(), first[:, 1].max()) == (pytest.approx(30.0, abs=0.5), pytest.approx(20.0, abs=0.5))
    assert second[:, 0].max() == pytest.approx(5.0)
    assert contours(field, threshold=2.0) == []


def test_a_saddle_is_cut_and_every_line_is_closed():
    field = np.array([[1, 0], [0, 1]], dtype=np.float32)
    lines = contours(field, threshold=0.6)
    assert len(lines) == 2
    assert all((line[0] == line[-1]).all() for line in lines)


@pytest.mark.req("REQ-RS-08")
def test_the_outline_is_where_the_heat_is_in_the_images_own_pixels(analysed, radiograph, image_header):
    (line,) = outlines(analysed(), radiograph(ds=image_header()))
    heat = analysed().heat
    rows, columns = np.nonzero(heat > 0.5)
    assert line[:, 0].mean() == pytest.approx(columns.mean() + 0.5, abs=1.0)
    assert line[:, 1].mean() == pytest.approx(rows.mean() + 0.5, abs=1.0)


def test_a_state_shows_the_image_as_before_with_outline_and_words(analysed, radiograph, image_header):
    ds = pydicom.dcmread(BytesIO(written(presentation_state(analysed(), radiograph(ds=image_header())))))
    assert ds.SOPClassUID.name == "Grayscale Softcopy Presentation State Storage"
    assert ds.SoftcopyVOILUTSequence[0].WindowCenter == 2048
    (annotation,) = ds.GraphicAnnotationSequence
    (graphic,) = annotation.GraphicObjectSequence
    assert (graphic.GraphicType, graphic.GraphicAnnotationUnits) == ("POLYLINE", "PIXEL")
    words = annotation.TextObjectSequence[0].UnformattedTextValue
    assert "Suspicious for pneumonia: 83.0 %" in words
    assert "Research use only" in words
    image = ds.ReferencedSeriesSequence[0].ReferencedImageSequence[0]
    assert image.ReferencedSOPInstanceUID == "1.2.3.4.3"
    assert [element for element in ds if element.tag.group & 0xFF00 == 0x6000] == [], "no overlay planes"


@pytest.mark.parametrize(("photometric", "shape"), [("MONOCHROME1", "INVERSE"), ("MONOCHROME2", "IDENTITY")])
def test_black_and_white_stay_as_they_are(analysed, radiograph, image_header, photometric, shape):
    ds = presentation_state(analysed(), radiograph(ds=image_header(PhotometricInterpretation=photometric)))
    assert ds.PresentationLUTShape == shape


def lut(*, bits=12, **changes):
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [4, 100, bits], [0, 10, 20, 2**bits - 1]
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return item


def entries(sequence):
    """Of the only table, which begins at 100 and has 16 bits; None without a table."""
    if sequence is None:
        return None
    (item,) = sequence
    assert list(item.LUTDescriptor) == [4, 100, 16]
    return list(np.frombuffer(item.LUTData, "<u2"))


def described(value):
    return ",".join(value) if isinstance(value, dict) else None


NO_WINDOW = {"WindowCenter": None, "WindowWidth": None}


@pytest.mark.req("REQ-RS-08")
@pytest.mark.parametrize(
    ("changes", "window", "table"),
    [
        ({}, (2048, 4096, "LINEAR"), None),
        ({"WindowCenter": [2048, 1000], "WindowWidth": [4096, 500]}, (2048, 4096, "LINEAR"), None),
        ({"WindowCenterWidthExplanation": ["A", "B", "C"]}, (2048, 4096, "LINEAR"), None),
        ({"VOILUTFunction": "SIGMOID"}, (2048, 4096, "SIGMOID"), None),
        ({"VOILUTFunction": "GAMMA"}, None, None),
        ({"WindowWidth": 0}, None, None),
        ({"WindowWidth": None}, None, None),
        ({"VOILUTSequence": [lut()]}, None, [0, 160, 320, 65535]),  # an alternative to the window; a state has one
        ({"VOILUTSequence": [lut(), lut(bits=8)], **NO_WINDOW}, None, [0, 160, 320, 65535]),
        ({"VOILUTSequence": [lut(LUTDescriptor=[9, 100, 12])]}, (2048, 4096, "LINEAR"), None),
        ({"VOILUTSequence": []}, (2048, 4096, "LINEAR"), None),
    ],
    ids=described,
)
def test_a_state_takes_the_one_voi_transform_that_reading_takes(
    analysed, radiograph, image_header, changes, window, table, tmp_path, dciodvfy
):
    path = tmp_path / "state.dcm"
    path.write_bytes(written(presentation_state(analysed(), radiograph(ds=image_header(**changes)))))
    (voi,) = pydicom.dcmread(path).get("SoftcopyVOILUTSequence", [Dataset()])
    found = (voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction) if "WindowCenter" in voi else None
    assert found == window
    assert entries(voi.get("VOILUTSequence")) == table
    assert "Error" not in dciodvfy(path)


@pytest.mark.parametrize(
    ("changes", "rescale", "table"),
    [
        ({"RescaleSlope": 2, "RescaleIntercept": -100}, (2, -100), None),
        ({"RescaleSlope": 2}, None, None),
        ({"RescaleIntercept": -100}, None, None),
        ({"RescaleSlope": 0, "RescaleIntercept": 1}, None, None),
        ({"ModalityLUTSequence": [lut(bits=16, ModalityLUTType="OD")]}, None, [0, 10, 20, 65535]),
    ],
    ids=described,
)
def test_a_state_takes_the_modality_transform_that_reading_takes(
    analysed, radiograph, image_header, changes, rescale, table, tmp_path, dciodvfy
):
    path = tmp_path / "state.dcm"
    path.write_bytes(written(presentation_state(analysed(), radiograph(ds=image_header(**changes)))))
    ds = pydicom.dcmread(path)
    assert ((ds.RescaleSlope, ds.RescaleIntercept) if "RescaleSlope" in ds else None) == rescale
    assert entries(ds.get("ModalityLUTSequence")) == table
    assert "Error" not in dciodvfy(path)


def test_an_image_without_hot_spot_gets_words_and_no_line(analysed, radiograph, image_header):
    from dataclasses import replace

    reading = replace(analysed(probability=0.1), heat=np.zeros((96, 80), dtype=np.float32))
    (annotation,) = presentation_state(reading, radiograph(ds=image_header())).GraphicAnnotationSequence
    assert "GraphicObjectSequence" not in annotation
    assert "No region stands out" in annotation.TextObjectSequence[0].UnformattedTextValue


@pytest.mark.req("REQ-RS-04")
def test_the_same_reading_gives_the_same_bytes(analysed, radiograph, image_header):
    first, second = (written(presentation_state(analysed(), radiograph(ds=image_header()))) for _ in range(2))
    assert first == second


@pytest.mark.req("REQ-CL-01")
def test_without_location_there_is_no_state(analysed, refused, radiograph, image_header):
    for reading in (analysed(with_heat=False), refused()):
        with pytest.raises(ValueError, match="expected an analysed reading with heat"):
            presentation_state(reading, radiograph(ds=image_header()))
    with pytest.raises(InputError, match="found PNG"):
        presentation_state(analysed(), radiograph(ds=None))
