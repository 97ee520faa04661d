"""Builders of small DICOM files, in every transfer syntax that intake reads."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.uid import (
    HTJ2K,
    UID,
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from pneumoscope.core import Format, IntendedUse, Radiograph

NATIVE = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)


def encode(pixels: np.ndarray, syntax: UID) -> bytes:
    """One compressed frame; signed pixels are encoded as their bits."""
    import imagecodecs

    unsigned = pixels.view(f"u{pixels.itemsize}")
    bits = 8 * pixels.itemsize
    match syntax:
        case s if s == RLELossless:
            return get_encoder(s).encode(
                pixels,
                rows=pixels.shape[0],
                columns=pixels.shape[1],
                samples_per_pixel=1,
                bits_allocated=bits,
                bits_stored=bits,
                pixel_representation=int(pixels.dtype.kind == "i"),
                photometric_interpretation="MONOCHROME2",
                number_of_frames=1,
            )
        case s if s == JPEGBaseline8Bit:
            return bytes(imagecodecs.jpeg8_encode(unsigned, level=95))
        case s if s == JPEGExtended12Bit:
            return bytes(imagecodecs.jpeg8_encode(unsigned, level=95, bitspersample=12))
        case s if s in {JPEGLossless, JPEGLosslessSV1}:
            predictor = 1 if s == JPEGLosslessSV1 else 4
            return bytes(imagecodecs.jpeg8_encode(unsigned, lossless=True, predictor=predictor, bitspersample=bits))
        case s if s in {JPEGLSLossless, JPEGLSNearLossless}:
            return bytes(imagecodecs.jpegls_encode(unsigned, level=0 if s == JPEGLSLossless else 3))
        case s if s in {HTJ2KLossless, HTJ2K}:
            return bytes(imagecodecs.htj2k_encode(unsigned))
        case _:
            reversible = syntax == JPEG2000Lossless
            level = 0 if reversible else 85
            return bytes(imagecodecs.jpeg2k_encode(unsigned, codecformat="J2K", reversible=reversible, level=level))


def dicom_bytes(
    pixels: np.ndarray, *, syntax: UID = ExplicitVRLittleEndian, frame: bytes | None = None, **attributes: object
) -> bytes:
    """A Part 10 file around `pixels`, or around the compressed `frame`; an attribute of None is left out."""
    dataset = chest_header(pixels)
    for keyword, value in attributes.items():
        if value is None:
            dataset.pop(keyword, None)
        else:
            setattr(dataset, keyword, value)
    if syntax in NATIVE:
        dataset.PixelData = pixels.astype(
            pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
        ).tobytes()
        dataset.PixelData += b"\0" * (len(dataset.PixelData) % 2)
        dataset["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    else:
        dataset.PixelData = encapsulate([frame if frame is not None else encode(pixels, syntax)])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", ComputedRadiographyImageStorage)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = syntax
    dataset.file_meta = meta
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def chest_header(pixels: np.ndarray) -> Dataset:
    """The attributes of a CR chest PA of an adult, with the Image Pixel module of `pixels`."""
    dataset = Dataset()
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = "1.2.826.0.1.3680043.10.1"
    dataset.Modality = "CR"
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = "PA"
    dataset.PatientAge = "061Y"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    return dataset


@pytest.fixture(scope="session")
def make_dicom() -> Callable[..., bytes]:
    """`dicom_bytes`, for tests."""
    return dicom_bytes


@pytest.fixture(scope="session")
def make_frame() -> Callable[..., bytes]:
    """`encode`, for tests."""
    return encode


@pytest.fixture(scope="session")
def gradient() -> np.ndarray:
    """A smooth 40 x 48 image of 12 bits in 16, whose rows and columns cannot be mistaken for each other."""
    rows, columns = np.mgrid[:40, :48]
    return ((np.sin(columns / 7) + np.cos(rows / 9) + 2) * 1000).astype("<u2")


@pytest.fixture(scope="session")
def intended() -> IntendedUse:
    """A model for adults that wants at least 32 pixels a side."""
    return IntendedUse(youngest_years=18, oldest_years=100, smallest_px=32)


@pytest.fixture
def chest(gradient: np.ndarray) -> Callable[..., Radiograph]:
    """Builds the record of a readable chest PA with some attributes changed, or left out by None."""

    def build(**attributes: object) -> Radiograph:
        from pneumoscope.intake.age import age_years
        from pneumoscope.intake.projection import view_of

        header = dcmread(io.BytesIO(dicom_bytes(gradient, **attributes)))
        pixels = gradient.astype(np.float32) / gradient.max()
        return Radiograph(
            path="chest.dcm",
            format=Format.DICOM,
            header=header,
            pixels=pixels,
            view=view_of(header),
            age_years=age_years(header),
        )

    return build


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[[bytes], Path]]:
    """Writes bytes to a new file."""
    count = iter(range(1_000_000))

    def to_file(content: bytes) -> Path:
        path = tmp_path / f"{next(count)}.bin"
        path.write_bytes(content)
        return path

    return to_file
