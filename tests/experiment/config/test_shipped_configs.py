"""The experiments that come with kser can be copied, and the copies are read from anywhere."""

import json
from pathlib import Path

import pytest

from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.config.shipped_configs import copy_experiment, shipped_experiments
from kser.files import read_json

ROOT = Path(__file__).parents[3]
NAMES = sorted(path.stem for path in (ROOT / "configs" / "experiments").glob("*.json"))


def test_all_experiments_of_the_repository_are_shipped():
    assert sorted(shipped_experiments()) == NAMES
    assert all(read_json(experiment.file)["description"] for experiment in shipped_experiments().values())


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_the_same_experiment(tmp_path, monkeypatch, name):
    monkeypatch.chdir(ROOT)
    original = load_experiment(f"configs/experiments/{name}.json")
    monkeypatch.chdir(tmp_path)
    written = copy_experiment(name, Path("mine"))
    assert all(path.is_file() for path in written)
    copied = load_experiment(written[0])
    assert copied.models == original.models
    as_there = {"model_files": original.config.model_files}
    assert copied.config.model_copy(update=as_there) == original.config


def test_copies_live_side_by_side_and_are_not_overwritten(tmp_path):
    first = copy_experiment("emodb_log_mel", tmp_path)
    copy_experiment("italian_study", tmp_path)
    first[0].write_text("{}")
    with pytest.raises(UserError, match=r"emodb_log_mel\.json: exists; --force replaces it"):
        copy_experiment("emodb_log_mel", tmp_path)
    assert first[0].read_text() == "{}"
    copy_experiment("emodb_log_mel", tmp_path, force=True)
    assert json.loads(first[0].read_text())["model_files"] == "models/log_mel.json"


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UserError, match="did you mean 'italian_study'"):
        copy_experiment("italian_studi", tmp_path)
