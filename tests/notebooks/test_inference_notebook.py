"""`notebooks/Inference.ipynb`: runs top to bottom, on real files and on synthetic ones; no output is committed."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "Inference.ipynb"


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, data: Path) -> str:
    """Everything that the notebook printed."""
    monkeypatch.setenv("PNEUMOSCOPE_DATA", str(data))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    return "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", []))


def test_what_is_committed_holds_no_output() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)


pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


def test_it_refuses_and_reads_the_courses_files_and_sends_the_results(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = run(monkeypatch, tmp_path, data=data_root)
    assert "test4.dcm: body_part: expected" in words
    assert "test5.dcm: modality: expected CR or DX, found CT" in words
    assert "test6.dcm: view: expected PA or AP, found Patient Position XX" in words
    assert words.count("not suspicious") + words.count("suspicious for pneumonia") >= 3
    assert "Pneumoscope: not analysed" in words


def test_without_the_courses_files_it_reads_the_synthetic_studies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = run(monkeypatch, tmp_path, data=tmp_path)
    assert "synthetic studies" in words
    assert "8-truncated.dcm: cannot be read" in words
