"""The notebooks in examples/ run, and have stored what they print."""

import nbclient
import nbformat
import pytest

import kser
from tests.pages import ROOT

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_its_results_and_nothing_else(path):
    book = nbformat.read(path, as_version=4)
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    assert len(outputs) >= 4
    assert all(output.get("name") != "stderr" and output.output_type != "error" for output in outputs)
    for cell in book.cells:
        if cell.source.endswith("kser.__version__"):
            assert cell.outputs[0].data["text/plain"] == repr(kser.__version__)


@pytest.mark.thorough
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    book = nbformat.read(path, as_version=4)
    run = nbclient.NotebookClient(
        book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    run.execute()  # raises what a cell raises
