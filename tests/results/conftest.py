"""Synthetic radiographs, readings and outside programs for the tests of results."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    SecondaryCaptureImageStorage,
)

from pneumoscope.core import Check, Decision, Format, ModelIdentity, Outcome, Radiograph, Status, View
from pneumoscope.results import ModelSummary, Reading

MODEL = ModelIdentity(name="pneumoscope-small", version="1.2.0", sha256="3f9ac41b22d07e51" * 4)
CARD = ModelSummary(
    intended_use="Flags frontal chest radiographs as suspicious for pneumonia.",
    licence="Apache-2.0",
    preprocessing="224 px, bilinear",
)
SHAPE = (96, 80)
CHECKS = (
    Check("modality", Outcome.PASSED, "CR or DX", "DX"),
    Check("patient age", Outcome.NOT_AVAILABLE, "1 to 100 years", "not stated"),
)


def build_header(*, sop_class: str = DigitalXRayImageStorageForPresentation) -> Dataset:
    """A full header, with a Japanese name in a multi-byte character set."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.4.3", "1.2.3.4.1", "1.2.3.4.2"
    ds.PatientName, ds.PatientID = "Yamada^Tarou=山田^太郎", "MRN-7"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "19500321", "M", "073Y"
    ds.StudyDate, ds.StudyTime, ds.StudyID = "20230405", "101112", "S1"
    ds.ContentDate, ds.ContentTime = "20230405", "101530"
    ds.AccessionNumber, ds.ReferringPhysicianName = "ACC9", "Müller^Jörg"
    ds.StudyDescription, ds.Modality = "Thorax pa", "DX"
    return ds


@pytest.fixture(
    params=[
        DigitalXRayImageStorageForPresentation,
        ComputedRadiographyImageStorage,
        SecondaryCaptureImageStorage,
    ],
    ids=["DX", "CR", "SC"],
)
def any_header(request: pytest.FixtureRequest) -> Dataset:
    """A header of each SOP class that a chest radiograph comes in."""
    return build_header(sop_class=request.param)


def build_radiograph(*, ds: Dataset | None, path: str = "in/chest.dcm") -> Radiograph:
    """A synthetic image: a vertical ramp with two darker lungs."""
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]] / np.array(SHAPE)[:, None, None]
    lungs = 0.5 * np.exp(-(((abs(x - 0.5) - 0.22) / 0.13) ** 2) - ((y - 0.45) / 0.3) ** 2)
    pixels = np.clip(0.4 + 0.4 * y - lungs, 0, 1).astype(np.float32)
    form = Format.DICOM if ds is not None else Format.PNG
    return Radiograph(path=path, format=form, header=ds, pixels=pixels, view=View.PA)


def heat() -> np.ndarray:
    """One hot spot in the image's lower left, of height 0.9."""
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]] / np.array(SHAPE)[:, None, None]
    return (0.9 * np.exp(-(((x - 0.3) / 0.12) ** 2) - ((y - 0.65) / 0.12) ** 2)).astype(np.float32)


def build_analysed(
    *,
    path: str = "in/chest.dcm",
    probability: float = 0.83,
    uncertain: bool = False,
    with_heat: bool = True,
    radiograph: Radiograph | None = None,
) -> Reading:
    """A reading with a decision at a threshold of 0.41."""
    return Reading(
        path=path,
        status=Status.ANALYSED,
        checks=CHECKS,
        model=MODEL,
        elapsed_ms=41.234,
        sop_instance_uid="1.2.3.4.3",
        view=View.PA,
        decision=Decision(probability=probability, operating_point="balanced", threshold=0.41, uncertain=uncertain),
        heat=heat() if with_heat else None,
        radiograph=radiograph,
        card=CARD,
    )


def build_refused(*, path: str = "in/ct.dcm", found: str = "CT", radiograph: Radiograph | None = None) -> Reading:
    """A reading refused for two reasons."""
    return Reading(
        path=path,
        status=Status.REFUSED,
        checks=(
            Check("modality", Outcome.FAILED, "CR or DX", found),
            Check("body part", Outcome.FAILED, "CHEST", "RIBCAGE"),
            *CHECKS[1:],
        ),
        model=MODEL,
        elapsed_ms=2.0,
        radiograph=radiograph,
    )


def build_failed(*, path: str = "in/broken.dcm") -> Reading:
    """A reading of a file that could not be read."""
    reason = Check("file", Outcome.FAILED, "a DICOM, PNG or JPEG file", "an empty file")
    return Reading(path=path, status=Status.FAILED, checks=(reason,), model=MODEL, elapsed_ms=0.1)


@pytest.fixture
def card() -> ModelSummary:
    """What the model card says."""
    return CARD


@pytest.fixture
def header() -> Callable[..., Dataset]:
    """Builds a header."""
    return build_header


@pytest.fixture
def image_header() -> Callable[..., Dataset]:
    """A header with what displaying takes."""

    def build(**changes: object) -> Dataset:
        ds = build_header()
        ds.Rows, ds.Columns, ds.PhotometricInterpretation = 96, 80, "MONOCHROME2"
        ds.WindowCenter, ds.WindowWidth = 2048, 4096
        for keyword, value in changes.items():
            setattr(ds, keyword, value)
        return ds

    return build


@pytest.fixture
def radiograph() -> Callable[..., Radiograph]:
    """Builds a radiograph."""
    return build_radiograph


@pytest.fixture
def analysed() -> Callable[..., Reading]:
    """Builds an analysed reading."""
    return build_analysed


@pytest.fixture
def refused() -> Callable[..., Reading]:
    """Builds a refused reading."""
    return build_refused


@pytest.fixture
def failed() -> Callable[..., Reading]:
    """Builds a failed reading."""
    return build_failed


@pytest.fixture(scope="session")
def dciodvfy() -> Callable[[Path], str]:
    """Runs dicom3tools' validator and returns what it found."""
    return _program("dciodvfy", package="dicom3tools")


@pytest.fixture(scope="session")
def dsrdump() -> Callable[[Path], str]:
    """Runs DCMTK's reader of structured reports and returns the text."""
    return _program("dsrdump", package="dcmtk")


def _program(name: str, *, package: str) -> Callable[[Path], str]:
    if shutil.which(name) is None:
        pytest.skip(f"{name} not found: apt-get install {package}")

    def run(path: Path) -> str:
        done = subprocess.run([name, str(path)], capture_output=True, timeout=60, check=False)
        text = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert done.returncode == 0, text
        return text

    return run
