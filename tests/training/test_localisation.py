import numpy as np
import pandas as pd
import pytest

from pneumoscope.evidence import NotEstimable, Number
from pneumoscope.model import Artifact, load, shipped_path
from pneumoscope.training.localisation import COLUMNS, boxes_seen, localisation_evidence, painted_over

CORNER = np.array([[0.5, 0.5, 1.0, 1.0]])
NOTHING = np.empty((0, 4))


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return load(shipped_path())


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 224, 224), dtype=np.uint8)


def cams(*hot: tuple[int, int]) -> np.ndarray:
    maps = np.zeros((len(hot), 7, 7), dtype=np.float32)
    for index, (row, column) in enumerate(hot):
        maps[index, row, column] = 1.0
    return maps


def rows(read: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": ["a", "b", "c", "d"], "rsna_opacity": read})


def test_boxes_are_told_in_shares_of_the_part_that_the_model_sees_and_cut_off_at_its_edge() -> None:
    table = pd.DataFrame(
        {"image_id": ["one", "one"], "left": [0.5, 0.0], "top": [0.5, 0.0], "width": [0.5, 0.1], "height": [0.25, 0.1]}
    )
    crops = np.array([[0.5, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    seen, none = boxes_seen(table, pd.Series(["one", "two"]), crops)
    assert seen.tolist() == [[0.5, 0.0, 1.0, 0.5]]
    assert len(none) == 0


def test_heat_in_the_boxes_is_told_from_heat_elsewhere(artifact: Artifact, images: np.ndarray) -> None:
    numbers, columns = localisation_evidence(
        artifact,
        rows([1.0, 1.0, 1.0, 0.0]),
        images=images,
        cams=cams((5, 5), (5, 5), (1, 1), (1, 1)),
        boxes=[CORNER, CORNER, CORNER, NOTHING],
    )
    assert not isinstance(numbers, NotEstimable)
    assert isinstance(numbers["pointing"], Number)
    assert (numbers["pointing"].value, numbers["pointing"].n) == (pytest.approx(2 / 3), 3)
    assert numbers["pointing_by_chance"].value == pytest.approx(0.25)
    # At no more than one false mark an image both boxes that were hit count, and the one that was not does not.
    assert numbers["free_response_per_100_images"]["100"].value == pytest.approx(2 / 3)
    assert columns["pointing_hit"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert columns.loc[3, list(COLUMNS)].isna().all()


def test_a_single_boxed_image_is_too_few_to_say(artifact: Artifact, images: np.ndarray) -> None:
    numbers, columns = localisation_evidence(
        artifact,
        rows([1.0, 0.0, 0.0, np.nan]),
        images=images,
        cams=cams((5, 5), (1, 1), (1, 1), (1, 1)),
        boxes=[CORNER, NOTHING, NOTHING, NOTHING],
    )
    assert isinstance(numbers, NotEstimable)
    assert columns.isna().all(axis=None)


def test_a_fifth_of_the_image_is_painted_over_where_it_is_hottest(images: np.ndarray) -> None:
    painted = painted_over(images[:1], cams((5, 5)), at_random=False)
    changed = painted[0] != images[0]
    assert changed.mean() == pytest.approx(0.2, abs=0.02)
    assert changed[160:200, 160:200].mean() > 0.95
