"""`notebooks/Build and train model.ipynb`: runs top to bottom on real data, and is committed without outputs."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "Build and train model.ipynb"


def test_what_is_committed_holds_no_outputs_and_so_no_pixels() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert [cell.id for cell in notebook.cells if cell.get("outputs")] == []
    assert [cell for cell in notebook.cells if "pixels" in cell.metadata.get("tags", [])]


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_it_trains_on_real_films_and_shows_what_the_submission_needs(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PNEUMOSCOPE_DATA", str(data_root))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setitem(os.environ, "IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [str(output) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("AUROC 0." in output and "46 with the label" in output for output in outputs)
    assert any("fine-tuned" in output for output in outputs)
    assert sum("image/svg+xml" in output for output in outputs) == 5
