"""The public Python API, as a new user meets it: what it costs to import, the examples of its page, its types."""

import io
import pickle
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest

import pneumoscope
from pneumoscope.core import ConfigError, InputError, Outcome, Status, UnreadableError

ROOT = Path(__file__).resolve().parents[1]
HEADER_CHECKS = {"sop_class", "modality", "body_part", "view", "patient_age", "frames"}


@pytest.fixture(scope="module")
def folder() -> Path:
    from pneumoscope.phantom import studies_folder

    return studies_folder()


@pytest.fixture(scope="module")
def model() -> pneumoscope.Model:
    return pneumoscope.load_model()


@pytest.fixture(scope="module")
def film(folder: Path) -> Path:
    return folder / "1-chest-pa.dcm"


def test_importing_the_package_or_its_command_line_loads_nothing_heavy() -> None:
    heavy = {"numpy", "pydicom", "onnxruntime", "highdicom", "pandas", "PIL", "jaxtyping", "scipy", "torch"}
    program = f"import sys, pneumoscope, pneumoscope.core, pneumoscope.cli.main; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"


def test_every_public_name_can_be_had_and_no_other() -> None:
    assert all(getattr(pneumoscope, name) is not None for name in pneumoscope.__all__)
    assert dir(pneumoscope) == sorted(pneumoscope.__all__)
    with pytest.raises(AttributeError, match="no attribute 'diagnose'"):
        _ = pneumoscope.diagnose


def test_one_image_reads_alike_from_whatever_it_comes_in(film: Path, model: pneumoscope.Model) -> None:
    by_path = pneumoscope.read(film, model=model)
    with film.open("rb") as file:
        sources = [str(film), film.read_bytes(), file, io.BytesIO(film.read_bytes()), pydicom.dcmread(film)]
        readings = [pneumoscope.read(source, model=model) for source in sources]
    assert {one.probability for one in readings} == {by_path.probability}
    assert {one.sop_instance_uid for one in readings} == {by_path.sop_instance_uid}


def test_a_data_set_of_the_callers_is_not_changed_by_reading_it(film: Path, model: pneumoscope.Model) -> None:
    dataset = pydicom.dcmread(film)
    before = dataset.to_json()
    pneumoscope.read(dataset, model=model)
    assert dataset.to_json() == before


def test_an_array_passes_no_header_check_and_reads_like_its_image(film: Path, model: pneumoscope.Model) -> None:
    pixels = pneumoscope.load_image(film).pixels
    assert pixels is not None
    reading = pneumoscope.read(np.round(pixels * 4095).astype(np.uint16), model=model, view="PA", age_years=54)
    assert reading.view == "PA"
    assert {one.outcome for one in reading.checks if one.name in HEADER_CHECKS} == {Outcome.NOT_AVAILABLE}
    expected = pneumoscope.read(film, model=model).probability
    assert expected is not None
    assert reading.probability == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(("stated", "check"), [({"view": "LATERAL"}, "view"), ({"age_years": 0.1}, "patient_age")])
def test_an_array_that_is_said_to_be_outside_the_intended_use_is_refused(
    stated: dict[str, object], check: str, film: Path, model: pneumoscope.Model
) -> None:
    pixels = pneumoscope.load_image(film).pixels
    reading = pneumoscope.read(pixels, model=model, **stated)
    assert [one.name for one in reading.reasons] == [check]


@pytest.mark.parametrize(
    "array", [np.zeros((3, 4, 5)), np.zeros((0, 4)), np.full((300, 300), np.nan), np.array([["a"]])]
)
def test_an_array_that_is_no_grey_image_is_failed_with_the_reason(array: np.ndarray, model: pneumoscope.Model) -> None:
    reading = pneumoscope.read(array, model=model)
    assert reading.status is Status.FAILED
    assert reading.reasons[0].expected == "a two-dimensional array of grey values"
    with pytest.raises(UnreadableError):
        pneumoscope.load_image(array)


def test_what_is_no_image_at_all_is_named_by_its_type(model: pneumoscope.Model) -> None:
    with pytest.raises(InputError, match="found int"):
        pneumoscope.read(7, model=model)  # type: ignore[arg-type]


def test_many_come_in_order_from_folders_and_memory(folder: Path, film: Path, model: pneumoscope.Model) -> None:
    pixels = pneumoscope.load_image(film).pixels
    readings = list(pneumoscope.read_many([folder, pixels, film.read_bytes()], model=model, workers=2))
    names = [Path(one.path).name for one in readings]
    assert names[:8] == sorted(path.name for path in folder.iterdir() if path.suffix == ".dcm")
    assert [name.partition("-")[0] for name in names[8:]] == ["array", "bytes"]


def test_wrong_settings_are_refused_before_anything_is_read(model: pneumoscope.Model) -> None:
    for wrong in ({"workers": 0}, {"operating_point": "middling"}, {"population": "martians"}):
        with pytest.raises(ConfigError, match="expected"):
            pneumoscope.read_many("nowhere", model=model, **wrong)
    with pytest.raises(ConfigError, match="engine"):
        pneumoscope.load_model(engine="abacus")


def test_one_model_in_several_threads_gives_what_one_thread_gives(folder: Path, model: pneumoscope.Model) -> None:
    films = [folder / name for name in ("1-chest-pa.dcm", "2-chest-ap.dcm", "3-chest-pa-opacity.dcm")] * 2
    alone = [pneumoscope.read(path, model=model).probability for path in films]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda path: pneumoscope.read(path, model=model).probability, films))
    assert together == alone


def test_a_model_arrives_elsewhere_as_the_same_model(film: Path, model: pneumoscope.Model) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert again.identity == model.identity
    assert pneumoscope.read(film, model=again).probability == pneumoscope.read(film, model=model).probability


def test_prepared_and_raw_images_predict_alike_and_as_reading_does(film: Path, model: pneumoscope.Model) -> None:
    from pneumoscope.image import prepare

    pixels = pneumoscope.load_image(film).pixels
    assert pixels is not None
    raw = model.predict([pixels, pixels])
    prepared = model.predict(prepare(pixels, model.card.recipe).array[np.newaxis])
    assert raw.probability.shape == (2,)
    assert raw.map.shape[0] == raw.embedding.shape[0] == 2
    expected = pneumoscope.read(film, model=model).probability
    assert raw.probability[0] == pytest.approx(expected, abs=1e-5)
    assert prepared.probability[0] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(InputError, match=r"\[n, h, w\]"):
        model.predict(pixels)


def test_a_notebook_shows_image_decision_and_checks_and_fetches_nothing(folder: Path, model: pneumoscope.Model) -> None:
    shown = pneumoscope.read(folder / "3-chest-pa-opacity.dcm", model=model)._repr_html_()
    assert "data:image/webp" in shown
    assert "Suspicious for pneumonia" in shown
    assert "Checks: 14 passed" in shown
    assert "http" not in shown
    refused = pneumoscope.read(folder / "4-ct-slice.dcm", model=model)._repr_html_()
    assert "This is not a negative result" in refused
    evil = pneumoscope.read(np.zeros((2, 2, 2)), model=model)
    assert "<script" not in type(evil)(**{**_fields(evil), "path": "<script>"})._repr_html_()


def _fields(reading: pneumoscope.Reading) -> dict[str, object]:
    return {name: getattr(reading, name) for name in type(reading).__dataclass_fields__}


def test_arrays_are_evaluated_with_intervals_and_wrong_ones_refused() -> None:
    pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 40)
    score = np.clip(0.3 * truth + rng.uniform(0, 0.7, 80), 0, 1)
    numbers = pneumoscope.evaluate(truth, score, threshold=0.5, patients=np.arange(80) // 2)
    assert numbers["auroc"].low < numbers["auroc"].value < numbers["auroc"].high  # type: ignore[union-attr]
    assert set(numbers["operating_points"]) == {"given"}  # type: ignore[arg-type]
    for wrong in ((truth[:-1], score), (truth, score * 2), (truth * 2, score)):
        with pytest.raises(InputError, match="expected"):
            pneumoscope.evaluate(*wrong)
    with pytest.raises(ConfigError, match="truth and score"):
        pneumoscope.evaluate(truth)  # type: ignore[call-overload]


def test_every_example_of_the_reference_page_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "studies").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "reference" / "api.md").read_text()
    names: dict[str, object] = {}
    for example in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(example, "api.md", "exec"), names)
    assert list((tmp_path / "results").glob("*.sr.dcm"))


def test_a_client_of_the_api_is_checked_by_its_types(tmp_path: Path) -> None:
    client = tmp_path / "client.py"
    client.write_text(
        "import pneumoscope\n"
        "reading: pneumoscope.Reading = pneumoscope.read('a.dcm', operating_point='screening')\n"
        "probability: float | None = reading.probability\n"
        "for one in pneumoscope.read_many(['a', b'b'], workers=2):\n"
        "    line: dict[str, object] = one.to_dict()\n"
        "model: pneumoscope.Model = pneumoscope.load_model()\n"
        "wrong: int = reading.status\n"
    )
    options = ["--strict", "--no-error-summary", "--follow-imports=silent", f"--cache-dir={ROOT / '.mypy_cache'}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", f"--config-file={ROOT / 'pyproject.toml'}", *options, str(client)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
    )
    assert [line for line in done.stdout.splitlines() if "client.py" in line] == [
        f"{client}:7: error: Incompatible types in assignment "
        '(expression has type "Status", variable has type "int")  [assignment]'
    ], done.stdout + done.stderr
