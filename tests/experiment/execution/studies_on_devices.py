"""The same study on different numbers of simulated devices, one after the other in a process of its own.

`python -m tests.experiment.execution.studies_on_devices FOLDER CORPUS` leaves a folder for each of `STUDIES`.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import keras

from kser.experiment.config.loading import load_experiment
from kser.experiment.execution.training_run import do_run
from kser.experiment.runs.planning import plan_runs
from kser.experiment.study.study import train_experiment
from kser.training.events import Evaluated
from tests.experiment.conftest import SMALL_MODELS, write_experiment

SIMULATED = 4
STUDIES = {
    "one": [1],
    "four": ["all"],
    "four, interrupted": ["all", 4],
    "three, then two": [3, 2],
}
"""By name the devices of a study; two where it was interrupted, and went on with the second number."""
MODELS = {
    "wav2vec2": {
        "backbone_arguments": {**SMALL_MODELS["wav2vec2"]["backbone_arguments"], "dropout": 0.1},
        # With it the norm before has a bias without effect, of which Adam makes steps out of rounding.
        "use_batch_norm": False,
        "use_dropout": True,
        "dropout_rate": 0.2,
        "batch_size": 6,
        "ema_momentum": 0.8,
        "gradient_accumulation_steps": 2,
        "keep_states_every": 1,
    },
    # On vectors, which every device takes whole.
    "log_mel": {"use_batch_norm": False, "freeze_layers": "all", "use_dropout": True},
}
_INTERRUPTED_AFTER = 2


def write_studies(folder: Path, corpus: Path) -> None:
    """Do all of `STUDIES` in a process that has `SIMULATED` devices."""
    flags = [os.environ.get("XLA_FLAGS", ""), f"--xla_force_host_platform_device_count={SIMULATED}"]
    # On a busy machine devices wait long for each other. Each takes threads for it: with as few as there are
    # devices all of them have waited for ever.
    flags.append("--xla_cpu_collective_call_terminate_timeout_seconds=300")
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(folder), str(corpus)],
        env={**os.environ, "XLA_FLAGS": " ".join(flags), "KERAS_BACKEND": "jax", "NPROC": "16"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def _experiment(folder: Path, corpus: Path, devices: int | str) -> Path:
    """Write the experiment of a study, or write it again for another number of devices."""
    path = write_experiment(folder, corpus, devices=devices, save_steps=1, eval_steps=1)
    for name, fields in MODELS.items():
        file = folder / "models" / f"{name}.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    return path


def _interrupt(event):
    """A `ProgressListener` that ends a run on its way, as Ctrl-C would."""
    if isinstance(event, Evaluated) and event.step == _INTERRUPTED_AFTER:
        raise KeyboardInterrupt


def _do(folder: Path, corpus: Path, devices: list[int | str]) -> None:
    *before, last = devices
    for number in before:
        for run in plan_runs(load_experiment(_experiment(folder, corpus, number))):
            with contextlib.suppress(KeyboardInterrupt):
                do_run(run, progress=_interrupt)
            assert keras.distribution.distribution() is None
    train_experiment(load_experiment(_experiment(folder, corpus, last)))


if __name__ == "__main__":
    for study, asked in STUDIES.items():
        _do(Path(sys.argv[1]) / study, Path(sys.argv[2]), asked)
