"""The site builds without a warning, has a page for all there is, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys

import pytest

import kser
from kser.experiment.config.model_config import ModelConfig
from tests.pages import ROOT

pytest.importorskip("mkdocs")
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_references_have_all_there_is(site):
    fields = (site / "reference" / "model.html").read_text()
    assert [name for name in ModelConfig.model_fields if f"<code>{name}</code>" not in fields] == []
    commands = (site / "reference" / "commands.html").read_text()
    assert re.findall(r'<h2 id="(kser-[\w-]+)">', commands)[:3] == ["kser-init", "kser-check", "kser-train"]
    assert "--slurm-options" in commands
    python = (site / "reference" / "python.html").read_text()
    assert [name for name in kser.__all__ if name != "__version__" and name not in python] == []
    for name in ("linear_cka", "compare_paired", "create_app", "TrainingEnded", "TestSetEvaluated"):
        assert re.search(rf'<h\d id="kser[\w.]*\.{name}"', python), name
    results = (site / "reference" / "results.html").read_text()
    for page in (ROOT / "eval" / "results").glob("*.md"):
        assert f"../results/{page.stem}.html" in results
        assert (site / "results" / f"{page.stem}.html").read_text().startswith("\n<!doctype html>")


def test_pages_load_nothing_from_elsewhere(site):
    loaded = r'<(?:script|img|iframe)[^>]* src="https?:|<link[^>]* rel="stylesheet"[^>]* href="https?:'
    for page in site.rglob("*.html"):
        assert not re.search(loaded, page.read_text(encoding="utf-8")), page
