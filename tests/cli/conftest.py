"""The command line in this process, and small studies to run it on."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kser import cli
from tests.cli.commands import Command, Ended
from tests.cli.small_study import HEADER, SAMPLING_RATE, write_study


@pytest.fixture
def run(monkeypatch, capsys) -> Command:
    """Run a command in this process."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["kser", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            assert isinstance(end.code, int)
            status = end.code
        return Ended(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def study_template(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    rows = [HEADER]
    for speaker, gender in (("a", "male"), ("b", "female"), ("c", "male"), ("d", "female")):
        for class_id, frequency in (("high", 1200), ("low", 300)):
            tone = np.sin(2 * np.pi * frequency * np.arange(4000) / SAMPLING_RATE)
            name = f"{speaker}_{class_id}.wav"
            soundfile.write(folder / name, 0.3 * tone + 0.05 * rng.normal(size=4000), SAMPLING_RATE)
            rows.append(f"{name},{class_id},{speaker},{gender}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    (folder / "models").mkdir()
    write_study(folder)
    return folder


@pytest.fixture
def study(study_template, tmp_path, monkeypatch) -> Path:
    """The working folder: eight tones of four speakers, a model and an experiment over both."""
    folder = tmp_path / "study"
    shutil.copytree(study_template, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def trained_template(study_template, tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("trained") / "study"
    shutil.copytree(study_template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["kser", "train", "--experiment-file", "experiment.json"])
        with pytest.raises(SystemExit) as end:
            cli.main()
    assert end.value.code == 0
    yield folder


@pytest.fixture
def trained(trained_template, monkeypatch) -> Path:
    """The working folder of a study that is trained and evaluated; tests leave it as it is."""
    monkeypatch.chdir(trained_template)
    return trained_template
