from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom import DataElement

from pneumoscope.core import Format, InputError, Radiograph
from pneumoscope.results import notice_capture, overlay, secondary_capture

PIXELS = np.random.default_rng(0).integers(0, 256, (11, 9, 3), dtype=np.uint8)


def written(capture):
    stream = BytesIO()
    capture.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@pytest.mark.req("REQ-RS-02", "REQ-RS-03")
def test_a_capture_reads_back_with_its_pixels_patient_and_study(analysed, radiograph, header):
    data = written(secondary_capture(analysed(), radiograph(ds=header()), pixels=PIXELS))
    ds = pydicom.dcmread(BytesIO(data))
    assert (ds.pixel_array == PIXELS).all()
    assert str(ds.PatientName) == "Yamada^Tarou=山田^太郎"
    assert (ds.PatientID, ds.AccessionNumber, ds.StudyInstanceUID) == ("MRN-7", "ACC9", "1.2.3.4.1")
    assert ds.SeriesInstanceUID != "1.2.3.4.2"
    assert ds.SOPClassUID.name == "Secondary Capture Image Storage"
    assert ds.file_meta.TransferSyntaxUID.name == "Explicit VR Little Endian"


def test_a_capture_says_what_it_is_and_from_which_image_it_was_made(analysed, radiograph, header):
    ds = secondary_capture(analysed(), radiograph(ds=header()), pixels=PIXELS)
    assert ds.ImageType == ["DERIVED", "SECONDARY"]
    assert (ds.BodyPartExamined, ds.Modality) == ("CHEST", "OT")
    assert "research use only" in ds.SeriesDescription
    assert ds.ImageComments.startswith("Suspicious for pneumonia. ")
    assert "heat map drawn" in ds.DerivationDescription
    assert ds.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.3"
    plain = secondary_capture(analysed(with_heat=False), radiograph(ds=header()), pixels=PIXELS)
    assert "heat map drawn" not in plain.DerivationDescription


@pytest.mark.parametrize("said", ["YES", "NO", None, "PERHAPS"])
def test_a_capture_says_of_burned_in_text_what_its_image_says(analysed, radiograph, header, said):
    source = header()
    if said is not None:
        source["BurnedInAnnotation"] = DataElement("BurnedInAnnotation", "CS", said)
    ds = secondary_capture(analysed(), radiograph(ds=source), pixels=PIXELS)
    assert ds.get("BurnedInAnnotation") == (said if said in ("YES", "NO") else None)


def test_a_notice_shows_no_pixel_of_the_image_and_so_no_burned_in_text(refused, header):
    source = header()
    source.BurnedInAnnotation = "YES"
    assert notice_capture(refused(), source, pixels=PIXELS).BurnedInAnnotation == "NO"


def test_a_lossy_source_makes_a_lossy_capture(analysed, radiograph, header):
    source = header()
    source.LossyImageCompression = "01"
    assert secondary_capture(analysed(), radiograph(ds=source), pixels=PIXELS).LossyImageCompression == "01"
    assert "LossyImageCompression" not in secondary_capture(analysed(), radiograph(ds=header()), pixels=PIXELS)


@pytest.mark.req("REQ-RS-04")
def test_the_same_reading_gives_the_same_bytes_and_never_the_reports_or_sources_uid(analysed, radiograph, header):
    def capture(**kwargs):
        return secondary_capture(analysed(**kwargs), radiograph(ds=header()), pixels=PIXELS)

    assert written(capture()) == written(capture())
    assert capture().SOPInstanceUID != capture(with_heat=False).SOPInstanceUID
    assert len({capture().SOPInstanceUID, capture().SeriesInstanceUID, "1.2.3.4.3"}) == 3


def test_an_image_that_no_capture_can_refer_to_is_an_input_error(analysed, refused, radiograph, header):
    with pytest.raises(InputError, match="found PNG"):
        secondary_capture(analysed(), radiograph(ds=None), pixels=PIXELS)
    bare = header()
    del bare.SOPInstanceUID
    with pytest.raises(InputError, match="SOPInstanceUID is missing"):
        secondary_capture(analysed(), radiograph(ds=bare), pixels=PIXELS)
    with pytest.raises(ValueError, match="found refused"):
        secondary_capture(refused(), radiograph(ds=header()), pixels=PIXELS)


@pytest.mark.req("REQ-RS-02")
def test_a_capture_passes_dciodvfy(analysed, radiograph, any_header, tmp_path, dciodvfy):
    source = radiograph(ds=any_header)
    path = tmp_path / "capture.dcm"
    path.write_bytes(written(secondary_capture(analysed(), source, pixels=overlay(analysed(), source, longest_px=200))))
    assert "Error" not in dciodvfy(path)


@pytest.mark.parametrize("name", ["udacity/test1.dcm", "wg04/RG1_J2KI.dcm"])
def test_a_capture_about_a_real_image_passes_dciodvfy(name, analysed, data_root, tmp_path, dciodvfy):
    image = pydicom.dcmread(data_root / "dicom" / name, stop_before_pixels=True)
    radiograph = Radiograph(path=name, format=Format.DICOM, header=image, pixels=None)
    path = tmp_path / "capture.dcm"
    path.write_bytes(written(secondary_capture(analysed(), radiograph, pixels=PIXELS)))
    assert "Error" not in dciodvfy(path)
