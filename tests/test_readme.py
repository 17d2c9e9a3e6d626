"""What the README promises is what runs."""

import json
import os
import re
import subprocess
import sys

import pandas as pd
import pytest

from kser.experiment.quickstart import EXPERIMENT_FILE
from tests.pages import PAGES, ROOT, blocks

COMMANDS = blocks("README.md", "sh")


def test_the_first_screen_has_two_commands_that_set_up_everything():
    install_and_run, install_and_test = (command.strip() for command in COMMANDS[:2])
    assert install_and_run.endswith("&& .venv/bin/kser train")
    assert install_and_test.endswith("&& .venv/bin/pytest")
    for command in (install_and_run, install_and_test):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
        assert "\n" not in command


@pytest.mark.parametrize("page", ["docs/index.md", "docs/first_study.md"])
def test_pages_install_as_the_readme_does(page):
    assert blocks(page, "sh")[0] == COMMANDS[0]


def test_ci_takes_its_test_command_from_the_readme():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    extraction = next(line for line in ci.splitlines() if line.startswith("command="))
    found = subprocess.run(
        ["bash", "-c", f'{extraction}; printf "%s" "$command"'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == COMMANDS[1].strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_that_a_page_names_exist(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        is_generated = page != ROOT / "README.md" and target.removeprefix("../").startswith("reference/")
        assert is_generated or (page.parent / target).exists(), target
    for target in re.findall(r"configs/[\w/]+\.json", text):
        assert (ROOT / target).is_file(), target


@pytest.mark.thorough
def test_the_main_job_runs_on_a_shrunken_quickstart(tmp_path):
    """`kser train` with no file, in a folder whose run.json is the quickstart with one epoch and one seed."""
    quickstart = json.loads(EXPERIMENT_FILE.read_text())
    (tmp_path / "models").mkdir()
    for file in (EXPERIMENT_FILE.parent / "models").glob("*.json"):
        model = json.loads(file.read_text()) | {"number_of_training_epochs": 1}
        (tmp_path / "models" / file.name).write_text(json.dumps(model))
    (tmp_path / "run.json").write_text(json.dumps(quickstart | {"cross_validation": 1}))
    (tmp_path / "prepare.py").write_text(
        "from kser.experiment.quickstart import prepare_quickstart; prepare_quickstart()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "prepare.py"], cwd=tmp_path, env=environment, check=True)
    done = subprocess.run(
        [sys.executable, "-c", "from kser.cli import main; main()", "train"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "running run.json of this folder" in done.stdout
    (summary,) = (tmp_path / "kser_quickstart" / "results").rglob("summary.csv")
    assert set(pd.read_csv(summary)["model_name"]) == {"log_mel", "wav2vec2_tiny"}
