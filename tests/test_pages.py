"""Every block of the README and of the pages in docs/ runs in a test, or says why not."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kser.corpora.metadata import read_metadata
from kser.corpora.preparing import prepare
from kser.corpora.recipes import RECIPES
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.loading import load_config
from kser.experiment.config.model_config import ModelConfig
from tests.page_folder import write_page_folder, write_smaller
from tests.page_output import assert_printed
from tests.pages import PAGES, ROOT, Block, page_blocks

LANGUAGES = {"sh", "python", "json", "csv"}
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
RUN_HERE = {name: blocks for name in NAMES if (blocks := [b for b in page_blocks(name) if not b.said])}
GIVEN = {
    "docs/keras.md": """
import numpy as np
generator = np.random.default_rng(0)
waveforms = generator.normal(0, 0.1, (6, 8_000)).astype("float32")
labels = np.array([0, 1, 2, 0, 1, 2])
first, second = waveforms[0], generator.normal(0, 0.1, 22_050).astype("float32")
"""
}
"""Names that the Python of a page takes to be there."""
STUDY = {
    "experiment_name": "my_study",
    "model_files": "my_model.json",
    "training_dataset": {"name": "EmoDB", "data_csv": "data/emodb/metadata.csv"},
}
MODEL = {
    "name": "wavlm",
    "model_path_or_name": "microsoft/wavlm-base-plus",
    "freeze_layers": "all",
    "head_solver": "logistic_regression",
}
COLUMNS = ["path", "class_id", "actor"]
BEFORE = {"docs/representations.md": "kser train my_study.json"}
"""What a page takes to have been done."""
GO_ON = {"docs/tutorials/statistics.md": "docs/tutorials/cross_corpus.md"}
"""Pages that go on where another one ended."""


@pytest.mark.parametrize("page", NAMES)
def test_a_block_that_is_not_run_here_says_who_runs_it_or_why_not(page):
    for block in page_blocks(page):
        kind, _, what = block.said.partition(": ")
        if kind == "run by":
            test = (ROOT / what).read_text(encoding="utf-8")
            assert Path(page).stem in test, f"{what} does not name {page}"
        else:
            assert kind != "not run" or len(what) > 10, block.text
        assert block.language in LANGUAGES | {"text"}, f"{page}: nobody runs {block.language}"


@pytest.mark.parametrize("page", NAMES)
def test_commands_are_not_passed_off_as_text(page):
    """A block of text is output, which nobody runs."""
    for block in page_blocks(page):
        if block.language == "text":
            assert not re.match(r"(#SBATCH|[A-Z_]+=|[$] |kser|srun|ray|pip|python|curl)\b", block.text), block


@pytest.mark.parametrize("page", NAMES)
def test_every_fence_of_a_page_is_found(page):
    """None is hidden by a form that tests/pages.py does not read."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text.count("\n```") == 2 * len(page_blocks(page))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with all that pages name."""
    folder = tmp_path_factory.mktemp("page")
    write_page_folder(folder)
    for corpus, source, output in (
        ("emodb", "FOLDER_OR_ZIP", "data/emodb/metadata.csv"),
        ("emovo", "FOLDER_OF_EMOVO", "data/emovo/test.csv"),
    ):
        prepare(RECIPES[corpus], folder / source, folder / output)
    shutil.copy(folder / "data" / "emodb" / "metadata.csv", folder / "my_corpus.csv")
    for name, emotion, speaker in read_metadata(folder / "my_corpus.csv")[COLUMNS].itertuples(index=False):
        recording = folder / "recordings" / speaker / f"{emotion}_1.wav"
        recording.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, recording)
    (folder / "my_study.json").write_text(json.dumps(STUDY))
    (folder / "my_model.json").write_text(json.dumps(MODEL))
    return folder


@pytest.fixture
def folder(prepared, tmp_path, monkeypatch):
    """A copy of it, in which the commands of this interpreter are found first."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Path(shutil.copytree(prepared, tmp_path / "page"))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in RUN_HERE if page not in GO_ON.values()])
def test_a_page_runs_from_top_to_bottom(page, folder):
    run_shell(folder, BEFORE.get(page, ""))
    if page in GO_ON:
        run_page(GO_ON[page], folder)
    run_page(page, folder)


def run_page(page: str, folder: Path) -> None:
    """Write the files of a page, run its commands in their order, and its Python at the end.

    What it shows as their output must be what they print.
    """
    program, printed, shown = GIVEN.get(page, ""), "", ""
    for block in RUN_HERE[page]:
        if block.title:
            write_block(folder / block.title, block)
        elif block.language == "sh":
            printed += run_shell(folder, block.text)
        elif block.language == "python":
            program += block.text
        else:
            assert block.language == "text", f"{page}: a block of {block.language} without a file's name"
            shown += block.text
    (folder / "page.py").write_text(program, encoding="utf-8")
    printed += call(folder, [sys.executable, "page.py"])
    assert_printed(shown, printed, folder)


def write_block(path: Path, block: Block) -> None:
    """Write the file that a block is; of JSON a smaller one."""
    if block.language == "json":
        write_smaller(path, block.text)
        load_config(path, ModelConfig if path.parent.name == "models" else ExperimentConfig)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")


def run_shell(folder: Path, commands: str) -> str:
    return call(folder, ["bash", "-euo", "pipefail", "-c", commands])


def call(folder: Path, command: list[str]) -> str:
    """What a command prints, which must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr
