"""`notebooks/EDA.ipynb`: runs top to bottom on the real data, and is committed without anybody's pixels."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "EDA.ipynb"


def read() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_what_is_committed_holds_no_pixels() -> None:
    notebook = read()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            kinds = set(output.get("data", {}))
            assert not kinds & {"image/png", "image/jpeg", "application/pdf"}, cell.id
            assert "data:image" not in str(output), cell.id
            assert "<image" not in str(output), cell.id
    shown = [cell for cell in notebook.cells if "pixels" in cell.metadata.get("tags", [])]
    assert shown
    assert all(cell.outputs == [] for cell in shown)


def test_what_is_committed_was_run_without_an_error() -> None:
    run = [cell for cell in read().cells if cell.cell_type == "code" and "pixels" not in cell.metadata.get("tags", [])]
    assert all(cell.execution_count for cell in run)
    assert not [output for cell in run for output in cell.outputs if output.output_type == "error"]


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_it_runs_top_to_bottom_on_the_real_data(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PNEUMOSCOPE_DATA", str(data_root))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setitem(os.environ, "IPYTHONDIR", str(tmp_path))
    notebook = read()
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [str(output) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("1,431 images, 1,008 patients" in output for output in outputs)
    assert any("<image" in output for output in outputs)  # the class maps, where there are films
