"""A reader with the shipped artefact; images that it accepts and refuses, drawn by the phantom."""

from pathlib import Path

import pytest

from pneumoscope.intake import ImageSource, find_images
from pneumoscope.model import Artifact, load, shipped_path
from pneumoscope.phantom import studies_folder
from pneumoscope.reading import Model


@pytest.fixture(scope="session")
def artifact() -> Artifact:
    return load(shipped_path())


@pytest.fixture(scope="session")
def model(artifact: Artifact) -> Model:
    return Model(artifact)


@pytest.fixture(scope="session")
def studies() -> list[ImageSource]:
    return list(find_images([studies_folder()]))


@pytest.fixture
def not_an_image(tmp_path: Path) -> ImageSource:
    path = tmp_path / "notes.txt"
    path.write_text("not an image")
    return next(iter(find_images([path])))
