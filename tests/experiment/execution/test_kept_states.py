"""`keep_states_every`: the model after each so many updates, and a run that is not changed by it."""

import io
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import kser
from kser.cli.plan_display import show_plan
from kser.experiment.checking.study_check import check_study
from kser.experiment.config.loading import load_experiment
from kser.experiment.execution.training_run import do_run
from kser.experiment.runs.model_folders import model_folders
from kser.experiment.runs.planning import Run, plan_runs
from kser.experiment.runs.trained_model import load_classifier
from tests.experiment.conftest import write_experiment
from tests.experiment.execution.on_backends import command_on, train_on


def run_of(folder: Path, metadata: Path, model: dict[str, Any], **fields: Any) -> Run:
    path = write_experiment(folder, metadata, ["log_mel"], eval_steps=2, **fields)
    file = folder / "models" / "log_mel.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"ema_momentum": 0.9} | model))
    (run,) = plan_runs(load_experiment(path), [0])
    return run


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    model = load_classifier(folder)
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}


def are_equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


class Interruption(keras.callbacks.Callback):
    """Ends the process' work, as Ctrl-C does, after an update."""

    recorder: Any = None

    def __init__(self, step: int):
        super().__init__()
        self.step = step

    def on_epoch_end(self, epoch, logs=None):
        if self.recorder.step >= self.step:
            raise KeyboardInterrupt


@pytest.mark.thorough
def test_a_run_that_keeps_states_is_the_same_run(tmp_path, small_corpus):
    without = run_of(tmp_path / "without", small_corpus, {})
    keeping = run_of(tmp_path / "keeping", small_corpus, {"keep_states_every": 2})
    do_run(without)
    with pytest.raises(KeyboardInterrupt):
        do_run(keeping, [Interruption(4)])
    do_run(keeping)
    assert are_equal(weights_of(without.paths.model), weights_of(keeping.paths.model))
    training = json.loads((keeping.paths.model / "kser.json").read_text())["training"]
    states = model_folders([keeping.paths.results / "states"])
    steps = list(range(0, training["updates"] + 1, 2))
    assert len(steps) > 2
    assert states == [keeping.paths.kept_state(step) for step in steps]
    kept = [weights_of(state) for state in states]
    assert not are_equal(kept[0], kept[1])
    assert are_equal(kept[steps.index(training["best_step"])], weights_of(keeping.paths.model))
    assert model_folders([keeping.paths.results]) == [keeping.paths.model]
    assert model_folders([keeping.paths.results], with_states=True) == [*states, keeping.paths.model]
    assert not list(keeping.paths.states.glob("kept-*"))
    vectors = [kser.embed(state, small_corpus, layers=[1])[0][1] for state in states[:2]]
    assert not np.array_equal(*vectors)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_so_it_is_on_other_backends(tmp_path, small_corpus, backend):
    pytest.importorskip(backend)
    without = run_of(tmp_path / "without", small_corpus, {})
    keeping = run_of(tmp_path / "keeping", small_corpus, {"keep_states_every": 2})
    for run in (without, keeping):
        train_on(backend, run.experiment.source)
    trained = weights_of(keeping.paths.model)
    assert are_equal(weights_of(without.paths.model), trained)
    facts = json.loads((keeping.paths.model / "kser.json").read_text())
    assert facts["backend"] == backend
    steps = range(0, facts["training"]["updates"] + 1, 2)
    states = [keeping.paths.kept_state(step) for step in steps]
    assert model_folders([keeping.paths.results / "states"]) == states
    kept = [weights_of(state) for state in states]
    assert not are_equal(kept[0], kept[1])
    assert are_equal(kept[steps.index(facts["training"]["best_step"])], trained)
    recordings = pd.read_csv(small_corpus)["path"][:3]
    paths = [str(small_corpus.parent / path) for path in recordings]
    command_on(backend, "predict", str(states[1]), *paths, "--output", str(tmp_path / "said.jsonl"))
    said = [json.loads(line)["probabilities"] for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    here = kser.load_model(states[1]).predict(paths)
    for one, other in zip(said, here, strict=True):
        assert one == pytest.approx(other.probabilities, abs=1e-4)


@pytest.mark.thorough
def test_a_limit_leaves_the_first_and_the_newest(tmp_path, small_corpus):
    run = run_of(tmp_path, small_corpus, {"keep_states_every": 2}, save_total_limit=2)
    do_run(run)
    updates = json.loads((run.paths.model / "kser.json").read_text())["training"]["updates"]
    last = updates - updates % 2
    assert model_folders([run.paths.results / "states"]) == [
        run.paths.kept_state(0),
        run.paths.kept_state(last - 2),
        run.paths.kept_state(last),
    ]


@pytest.mark.thorough
def test_the_check_counts_them(tmp_path, small_corpus):
    sizes = []
    for fields in ({}, {"keep_states_every": 4}):
        run = run_of(tmp_path, small_corpus, fields)
        check = check_study(run.experiment, [0], audio=False)
        (model,) = check.models
        sizes.append(model.model_bytes / (1 + bool(fields) * (1 + model.runs[0].updates // 4)))
    assert sizes[0] == sizes[1]
    shown = io.StringIO()
    show_plan(check, Console(file=shown, width=500))
    assert "kept states: " in shown.getvalue() and "/MODEL/seed_N/states" in shown.getvalue()


def test_states_are_kept_after_evaluations(tmp_path, small_corpus):
    with pytest.raises(kser.UserError) as error:
        run_of(tmp_path, small_corpus, {"keep_states_every": 3})
    assert "log_mel.json: keep_states_every: must be a multiple of eval_steps (2, " in str(error.value)
