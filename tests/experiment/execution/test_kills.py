"""Killed at any moment and started again, a study ends as one that was never killed, to the bit.

What is written half, removed half or just renamed when the process dies is among the moments: see `Point`.
"""

import functools
import json
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.experiment.conftest import SMALL_MODELS, write_experiment
from tests.experiment.results import assert_equal, results
from tests.experiment.study_process import Point, start, warm_up

MODELS = {
    # Everything that has a state: batch norm, dropout, a best value, patience, windows of batches.
    "log_mel": {
        **SMALL_MODELS["log_mel"],
        "use_dropout": True,
        "dropout_rate": 0.2,
        "best_metric": "uar",
        "early_stopping_threshold": 0.9,  # which nothing reaches
    },
    # A moving average, masks, layers left out by chance, and features that are kept.
    "wav2vec2": {
        **SMALL_MODELS["wav2vec2"],
        "backbone_arguments": {
            **SMALL_MODELS["wav2vec2"]["backbone_arguments"],
            "dropout": 0.1,
            "layer_drop": 0.3,
            "spec_augment": {"mask_time_prob": 0.2, "mask_time_length": 4},
        },
        "ema_momentum": 0.8,
        "freeze_feature_encoder": True,
    },
}
# In the order in which a study passes them; the run stops early, at update 12 of 18.
POINTS = {
    "log_mel": {
        "an entry of the audio cache half written": Point("os.rename", r"\.waveform", "half", times=9),
        "its lock taken and nothing written": Point("os.rename", r"seed_0/settings\.json", "before"),
        "the split half written": Point("os.rename", r"seed_0/split", "half"),
        "the first best weights half written": Point("os.rename", r"best\.safetensors", "half"),
        "a row half written to the log": Point("open", r"log\.csv", "half", times=3),
        "a state half written": Point("os.rename", r"state-\d+", "half"),
        "a state written and not yet in its place": Point("os.rename", r"state-\d+", "before", times=2),
        "a state in its place, outdated ones there": Point("os.rename", r"state-\d+", "after", times=3),
        "an outdated state half removed, as the run is at its end": Point(
            "shutil.rmtree", r"/state-\d+", "half"
        ),
        "the model half written": Point("os.rename", r"seed_0/model", "half"),
        "the model in its place, states there": Point("os.rename", r"seed_0/model", "after"),
        "the states half removed": Point("shutil.rmtree", r"/state-\d+", "half"),
        "the evaluation CSV half written": Point("os.rename", r"evaluation_csv/\d+\.csv", "half"),
        "the predictions half written": Point("os.rename", r"predictions\.csv", "half"),
        "the predictions there and no report": Point("os.rename", r"classification_report\.json", "before"),
        "the summary half written": Point("os.rename", r"summary\.csv", "half"),
    },
    "wav2vec2": {
        "features half written": Point("os.rename", r"\.features", "half", times=5),
        "features in their place": Point("os.rename", r"\.features", "after", times=5),
        "best weights half written": Point("os.rename", r"best\.safetensors", "half", times=2),
        "a state half written": Point("os.rename", r"state-\d+", "half", times=2),
        "an outdated state half removed": Point("shutil.rmtree", r"/state-\d+", "half", times=2),
        "the model half written": Point("os.rename", r"seed_0/model", "half"),
    },
}
# Those of the default suite: one of each kind.
QUICK = (
    "an entry of the audio cache half written",
    "the split half written",
    "a row half written to the log",
    "a state half written",
    "a state in its place, outdated ones there",
    "the model half written",
    "the predictions half written",
)
EPOCHS = 12
MANY_EPOCHS = 120  # training takes seconds, and not the compiling alone
KILLS = 10  # at random moments, of each study


def write_study(folder: Path, corpus: Path, name: str, epochs: int = EPOCHS, **fields) -> Path:
    """An experiment over one model in a folder of its own; a state is saved at each evaluation.

    An epoch has three batches, one and a half updates.
    """
    audio_cache = str(folder / "audio")
    path = write_experiment(
        folder, corpus, [name], eval_steps=2, save_total_limit=2, audio_cache=audio_cache, **fields
    )
    file = folder / "models" / f"{name}.json"
    given = json.loads(file.read_text()) | {"gradient_accumulation_steps": 2} | MODELS[name]
    given["number_of_training_epochs"] = epochs
    if "early_stopping_threshold" in given:
        given["early_stopping_patience"] = epochs // 2  # at two thirds of the run
    if "freeze_feature_encoder" in given:
        given["feature_cache"] = str(folder / "features")
    file.write_text(json.dumps(given))
    return path


def printed(experiment: Path) -> str:
    output = experiment.parent / "output.txt"
    return output.read_text() if output.is_file() else ""


def finish(experiment: Path) -> None:
    """Do all that is left of a study."""
    process = start(experiment)
    process.join()
    assert process.exitcode == 0, printed(experiment)


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory, small_corpus):
    """The experiment of each study, done without interruption when it is first asked for."""
    warm_up()

    @functools.cache
    def done(name: str, epochs: int = EPOCHS, **fields) -> Path:
        experiment = write_study(tmp_path_factory.mktemp(name), small_corpus, name, epochs, **fields)
        finish(experiment)
        return experiment

    return done


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "moments"),
    [
        pytest.param("log_mel", QUICK, id="quick"),
        pytest.param("log_mel", POINTS["log_mel"], id="log_mel", marks=pytest.mark.slow),
        pytest.param("wav2vec2", POINTS["wav2vec2"], id="wav2vec2", marks=pytest.mark.slow),
    ],
)
def test_killed_while_something_is_written_or_removed(tmp_path, small_corpus, never_killed, name, moments):
    expected = results(never_killed(name))
    experiment = write_study(tmp_path, small_corpus, name)
    for moment in moments:
        process = start(experiment, POINTS[name][moment])
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"{moment}: not reached\n{printed(experiment)}"
    finish(experiment)
    assert_equal(experiment, expected)


def states(experiment: Path) -> set[str]:
    return {path.name for path in experiment.parent.glob("runs/small/*/seed_0/state-*")}


def start_and_kill(experiment: Path, after_s: float) -> bool:
    """Start a study and kill it so many seconds after it has saved a further state, unless it was over."""
    before = states(experiment)
    process = start(experiment)
    while process.is_alive() and not states(experiment) - before:
        time.sleep(0.01)
    process.join(after_s)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), printed(experiment)
    return process.exitcode != 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log_mel", "wav2vec2"])
def test_killed_at_random_moments_of_training(tmp_path, small_corpus, never_killed, name):
    whole = never_killed(name, MANY_EPOCHS, run_eval=False)
    expected = results(whole)
    (log,) = whole.parent.glob("runs/small/*/seed_0/log.csv")
    seconds = pd.read_csv(log).query("step >= 2")["seconds"]
    most_s = (seconds.max() - seconds.min()) / 4
    rng = np.random.default_rng(0)
    kills = studies = 0
    while kills < KILLS:
        experiment = write_study(tmp_path / str(studies), small_corpus, name, MANY_EPOCHS, run_eval=False)
        studies += 1
        while kills < KILLS and start_and_kill(experiment, rng.uniform(0.0, most_s)):
            kills += 1
        finish(experiment)
        assert_equal(experiment, expected)


@pytest.mark.thorough
def test_a_process_that_is_killed_at_a_run_leaves_it_to_the_next(tmp_path, small_corpus, never_killed):
    expected = results(never_killed("log_mel"))
    experiment = write_study(tmp_path, small_corpus, "log_mel")
    first = start(experiment, Point("os.rename", r"state-\d+", "stop"))
    try:
        while "stopped here" not in printed(experiment):
            assert first.is_alive(), printed(experiment)
            time.sleep(0.1)
        finish(experiment)
        assert first.is_alive()
    finally:
        first.kill()
        first.join()
    assert "seed 0: another process is training it" in printed(experiment)
    assert "trained" not in printed(experiment).partition("another process is training it")[2]
    finish(experiment)
    assert_equal(experiment, expected)


@pytest.mark.thorough
def test_two_processes_at_once_train_each_seed_once(tmp_path, small_corpus):
    alone, shared = (
        write_study(tmp_path / name, small_corpus, "log_mel", cross_validation=2, run_eval=False)
        for name in ("alone", "shared")
    )
    finish(alone)
    both = [start(shared), start(shared)]
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0], printed(shared)
    for seed in (0, 1):
        assert printed(shared).count(f"seed {seed}: trained: ") == 1
    assert_equal(shared, results(alone))
