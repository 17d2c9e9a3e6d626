"""What is published: source distribution, wheel made of it, and kser from that in a fresh environment."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import kser
from tests.pages import ROOT

pytestmark = pytest.mark.slow

BUILD = "import sys; from hatchling import build; print(getattr(build, sys.argv[1])(sys.argv[2]))"
LARGEST_MB = 10


def built(kind: str, source: Path, folder: Path) -> Path:
    """A distribution of a folder with sources; `kind` is a function of PEP 517."""
    command = [sys.executable, "-c", BUILD, kind, str(folder)]
    done = subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
    return folder / done.stdout.split()[-1]


def listed(*arguments: str) -> set[str]:
    """Files that git lists."""
    command = ["git", "ls-files", "-z", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return {name for name in done.stdout.split("\0") if name}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return built("build_sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    """Made of the source distribution, as pip does it."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    return built("build_wheel", unpacked, folder)


def test_the_source_distribution_has_what_git_has(source):
    with tarfile.open(source) as archive:
        names = {file.name.partition("/")[2] for file in archive if not file.isdir()}
    untracked = listed("--others", "--exclude-standard")
    assert names - untracked == listed() - untracked | {"PKG-INFO"}
    assert source.stat().st_size < LARGEST_MB * 1e6


def test_the_wheel_has_all_modules_and_configs_and_nothing_else(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    published = listed("kser", "configs/experiments", "configs/models")
    assert inside == {name if name.startswith("kser/") else f"kser/{name}" for name in published}
    assert wheel.name.startswith(f"kser-{kser.__version__}-")
    assert wheel.stat().st_size < LARGEST_MB * 1e6


def test_the_quickstart_runs_from_the_wheel_in_a_fresh_environment(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    folder = tmp_path / "somewhere"
    folder.mkdir()

    def run(*command: object) -> str:
        done = subprocess.run(
            [*map(str, command)], cwd=folder, env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(programs / "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    assert run(programs / "kser", "version") == f"{kser.__version__}\n"
    assert "emodb_log_mel" in run(programs / "kser", "configs", "list")
    assert "summary: " in run(programs / "kser", "train")
    run(programs / "kser", "report", "kser_quickstart/results/quickstart")
    report = folder / "kser_quickstart" / "results" / "quickstart" / "report.html"
    assert report.stat().st_size > 1e5
    place = run(programs / "python", "-c", "import kser; print(kser.__file__)")
    assert Path(place).is_relative_to(tmp_path), "not the clone"
