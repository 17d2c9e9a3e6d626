"""The backbones that runs leave in memory."""

import json
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from kser.experiment.config.loading import load_experiment
from kser.experiment.runs.model_building import build_model
from kser.experiment.runs.planning import Run, plan_runs
from tests.experiment.conftest import write_experiment
from tests.golden import golden_folder

HEAD = {"labels": ["calm", "angry"]}


@pytest.fixture
def run(tmp_path: Path, small_corpus: Path) -> Run:
    path = write_experiment(tmp_path, small_corpus, models=["wav2vec2"])
    file = tmp_path / "models" / "wav2vec2.json"
    checkpoint = {"model_path_or_name": str(golden_folder("group_norm")), "freeze_layers": "all"}
    settings = {**json.loads(file.read_text()), **checkpoint}
    del settings["backbone_arguments"]
    file.write_text(json.dumps(settings))
    (run,) = plan_runs(load_experiment(path))
    return run


def with_fields(run: Run, **fields: object) -> Run:
    given = {**run.model.model_dump(exclude_unset=True), **fields}
    return replace(run, model=type(run.model).model_validate(given))


def test_seeds_of_a_frozen_model_share_its_backbone(run: Run) -> None:
    first = build_model(run, HEAD)
    assert build_model(replace(run, seed=1), HEAD).backbone is first.backbone


@pytest.mark.parametrize(
    "fields", [{"freeze_layers": 0}, {"backbone_arguments": {"dropout": 0.2}}], ids=["trained", "frozen too"]
)
def test_the_next_model_finds_no_backbone_in_memory(run: Run, fields: dict[str, object]) -> None:
    backbone = weakref.ref(build_model(run, HEAD).backbone)
    build_model(with_fields(run, **fields), HEAD)
    assert backbone() is None
