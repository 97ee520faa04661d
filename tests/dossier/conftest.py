"""A small release of synthetic predictions, and a device description that fits it."""

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.dossier.tampering import FOLDER

from pneumoscope.dossier import build, read_inputs
from pneumoscope.dossier.requirements import marks
from pneumoscope.dossier.trees import tree_sha256
from pneumoscope.evaluation import Cohort, Number, Point, Question, Settings, write_evidence
from pneumoscope.image import Recipe

ROOT = Path(__file__).resolve().parents[2]
MODEL = {"name": "synthetic", "version": "9.9.9", "sha256": "ab" * 32}
RULE = "largest sensitivity + specificity (Youden)"
POINT = Point(threshold=0.5, rule=RULE, chosen_on="validation", elsewhere={"children": 0.45})
ALL = Number(value=1, low=0.97, high=1, level=0.95, n=120, method="Clopper-Pearson")
FEW = Number(value=0.01, low=0, high=0.05, level=0.95, n=120, method="Clopper-Pearson")
GUARD = {
    "limit": 76.2,
    "rule": "1.3 times the distance within which nearly all validation images lie",
    "refused": FEW,
    "caught": {"inverted": ALL, "natural spectrum (1/f)": ALL},
    "other_films": {"wg04/CT1": {"distance": 127.2, "refused": True}},
}
UNCERTAIN = Number(value=0.35, low=0.26, high=0.45, level=0.95, n=120, method="Clopper-Pearson")
ANSWERS = {"covered_with": ALL, "covered_without": ALL, "uncertain": UNCERTAIN, "right_where_certain": ALL}
BOXED = ("pointing_hit", "box_covered", "box_overlap", "swapped_overlap")
CONFORMAL = {"promised": 0.9, "Pneumonia": {"all": ANSWERS, "AP": ANSWERS, "PA": ANSWERS}}


def synthetic_rows(seed: int, *, images: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, images)
    score = np.clip(rng.normal(0.35 + 0.3 * truth, 0.2), 0.01, 0.99)
    boxed = np.where(np.arange(images) < 40, 1.0, np.nan)
    return pd.DataFrame(
        {
            "image_id": [f"{seed}-{place:03}.png" for place in range(images)],
            "source": "synthetic",
            "population": np.where(np.arange(images) < 10, "children", "adults"),
            "patient_id": [f"{seed}-{place // 2}" for place in range(images)],
            "split": "test",
            "view": np.where(rng.random(images) < 0.5, "PA", "AP"),
            "sex": np.where(rng.random(images) < 0.5, "F", "M"),
            "age_years": rng.uniform(20, 80, images),
            "follow_up": 0,
            "Pneumonia": truth.astype(float),
            "logit": np.log(score / (1 - score)),
            "prob_Pneumonia": score,
            "distance": rng.uniform(30, 60, images),
            "pointing_hit": boxed * (np.arange(images) % 3 > 0),
            "box_covered": boxed * 0.1,
            "box_overlap": boxed * rng.uniform(0.2, 0.5, images),
            "swapped_overlap": boxed * rng.uniform(0.0, 0.2, images),
        }
    )


def located(rows: pd.DataFrame) -> dict[str, Any]:
    """Numbers on the boxed images, as a release has them; those that need pixels are invented."""
    from pneumoscope import stats
    from pneumoscope.evaluation import estimate

    boxed = rows[rows["pointing_hit"].notna()]
    patient, hit = boxed["patient_id"].to_numpy(), boxed["pointing_hit"].to_numpy()
    names = {
        "pointing_by_chance": "box_covered",
        "overlap": "box_overlap",
        "overlap_of_another_image": "swapped_overlap",
    }
    every = np.ones(len(boxed), dtype=bool)
    return {
        "boxed_images": len(boxed),
        "pointing": estimate(lambda: stats.accuracy(every, hit, threshold=0.5, cluster=patient)),
        **{
            name: estimate(partial(stats.clustered_mean, boxed[column].to_numpy(), cluster=patient))
            for name, column in names.items()
        },
        "faithfulness": {"insertion_area": UNCERTAIN, "random_area": FEW},
    }


def _write_cohort(folder: Path, *, seed: int, model: dict[str, str] = MODEL) -> None:
    rows = synthetic_rows(seed).assign(split=folder.name.rpartition("-")[2])
    cohort = Cohort(
        title=f"Synthetic images, {folder.name}",
        rows=rows,
        keep=("logit", "distance", *BOXED),
        left_out={},
        questions=[Question("Pneumonia", "Pneumonia")],
        model=model,
        manifest_sha256="cd" * 32,
        points={"Pneumonia": {"balanced": POINT}},
        other={"guard": GUARD, "conformal": CONFORMAL, "localisation": located(rows)},
    )
    write_evidence(cohort, folder, settings=Settings(resamples=40, prevalences=(5, 20)))


@pytest.fixture(autouse=True, scope="session")
def small_simulation() -> None:
    """The worklist simulation of the document, small enough for tests."""
    from pneumoscope.dossier import facts
    from pneumoscope.dossier.queueing import Site

    facts.BASE = Site(load=0.8, images=500, replications=3)


@pytest.fixture
def write_cohort() -> Callable[..., None]:
    """Writes an evidence folder: `write_cohort(folder, seed=..., model=...)`."""
    return _write_cohort


@pytest.fixture(scope="session")
def write_shared() -> Callable[..., None]:
    """`write_cohort` for fixtures that live longer than a test."""
    return _write_cohort


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release, `device.toml` and a training record; tests copy it before they change it."""
    place = tmp_path_factory.mktemp("dossier")
    _write_cohort(place / "release" / "site-test", seed=1)
    _write_cohort(place / "release" / "site-val", seed=2)
    _write_training(place / "release" / "training")
    (place / "device.toml").write_text(device_text(), encoding="utf-8")
    return place


def _write_training(folder: Path) -> None:
    """What a training run leaves: configuration, layers, curves; and the databases that were described."""
    folder.mkdir()
    config = tomllib.loads((resources.files("pneumoscope.training") / "presets" / "default.toml").read_text("utf-8"))
    (folder / "run.json").write_text(
        json.dumps({"config": config | {"ships": "Pneumonia", "recipe": asdict(Recipe())}})
    )
    (folder / "layers.csv").write_text(
        "layer,kind,parameters,state\nstem,Conv2d,288,fine-tuned\nhead,Linear,27,added\n"
    )
    (folder / "curves.csv").write_text("epoch,train_loss,val_loss\n0,0.9,0.8\n1,0.6,0.7\n")
    part = {"images": 120, "patients": 60, "positives": 60, "negatives": 60, "share": "50.0 %"}
    part |= {"age": "50 (35 to 65)", "age_range": "20 to 80", "female": "50.0 %", "views": "AP 50.0 %, PA 50.0 %"}
    part |= {"most_of_a_patient": 2, "grey_with": "0.50 (0.45 to 0.55)", "grey_without": "0.48 (0.44 to 0.52)"}
    part |= {"contrast_with": "0.22 (0.20 to 0.24)", "contrast_without": "0.23 (0.21 to 0.25)"}
    beside = {"with": {"all": "60", "Edema": "3 (5.0 %)"}, "without": {"all": "60", "Edema": "2 (3.3 %)"}}
    databases = {
        "sources": {"synthetic": dict.fromkeys(("train", "val", "test"), part)},
        "co_occurrence": dict.fromkeys(("train", "val", "test"), beside),
    }
    (folder / "databases.json").write_text(json.dumps(databases))


def device_text() -> str:
    """The project's own device description, about the synthetic release."""
    own = (ROOT / "docs" / "submission" / "device.toml").read_text(encoding="utf-8")
    head, _, rest = own.partition("# What the document reports on")
    predicates = rest[rest.index("[[predicate]]") :]
    head = head.replace('results = "test-results.json"\n', "")
    for name in ("requirements.yaml", "risks.yaml"):
        head = head.replace(f'"{name}"', f'"{ROOT / "docs" / "submission" / name}"')
    for name in ("tests", "src", "uv.lock"):
        head = head.replace(f'"../../{name}"', f'"{ROOT / name}"')
    cohorts = "".join(
        f'[[cohort]]\nevidence = "site-{role[:4].rstrip("i")}"\nquestion = "Pneumonia"\n'
        f'title = "Synthetic, {role}"\nreference = "drawn at random"\nrole = "{role}"\n\n'
        for role in ("test", "validation")
    )
    return head + cohorts + predicates


@pytest.fixture
def place(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the release and its device description, to be changed."""
    return Path(shutil.copytree(pristine, tmp_path / "place"))


@pytest.fixture(scope="session")
def built(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built submission with its own copy of source and tests, and results of these tests, to be tampered with."""
    place = Path(shutil.copytree(pristine, tmp_path_factory.mktemp("built") / "place"))
    copies = tmp_path_factory.mktemp("copies")
    skip = shutil.ignore_patterns("*.onnx", "*.pyc", "__pycache__", "*.dcm", "*.png")
    for name, folder in (("src", ROOT / "src"), ("tests", ROOT / "tests")):
        shutil.copytree(folder, copies / name, ignore=skip)
        (place / name).symlink_to(copies / name)
    trees = {"tests": tree_sha256(place / "tests"), "source": tree_sha256(place / "src" / "pneumoscope")}
    outcomes = {file: {name: "passed"} for file, name, _ in marks(copies / "tests")}
    (place / "results.json").write_text(json.dumps(outcomes | {"ran against": trees}))
    text = (place / "device.toml").read_text()
    for key, value in (("tests", "tests"), ("source", "src")):
        text = re.sub(rf'^{key} = ".*"$', f'{key} = "{value}"', text, flags=re.MULTILINE)
    (place / "device.toml").write_text(
        re.sub(r"^\[inputs\].*$", '[inputs]\nresults = "results.json"', text, flags=re.MULTILINE)
    )
    build(read_inputs(place / "device.toml", place / "release"), place / FOLDER / "FDA_Submission.pdf")
    return place
