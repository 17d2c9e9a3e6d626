"""Studies that two processes of this machine do together, each with one device.

`python -m tests.experiment.execution.studies_in_processes FOLDER STUDY …` is one of them. It does the studies
one after the other, and leaves what went wrong in `FOLDER/STUDY/process_NUMBER.json`.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from kser.corpora.metadata import read_metadata, write_metadata
from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.study.study import train_experiment
from kser.training.events import Evaluated
from tests.experiment.conftest import write_experiment

PROCESSES = 2
KILLED_STATUS = 9
_KILLED_AFTER = 2
_FIELDS = {
    "use_batch_norm": False,
    "use_dropout": True,
    "dropout_rate": 0.2,
    "batch_size": 3,  # of evaluation: four places
    "ema_momentum": 0.8,
    "gradient_accumulation_steps": 2,
    "number_of_training_epochs": 2,
}
STUDIES = {
    "one": {"devices": 1},
    "two": {"devices": "all"},
    "killed": {"devices": "all"},
    "other files": {"devices": "all"},
    "small batches": {"devices": 2},
    "too few devices": {"devices": 3},
}
"""By name what an experiment asks for."""


def write_studies(folder: Path, corpus: Path) -> None:
    """Write the experiments of all studies, and for each process a working folder with metadata."""
    table = read_metadata(corpus)
    for number in range(PROCESSES):
        (folder / f"process_{number}").mkdir(parents=True)
        write_metadata(table[: len(table) - 4 * number], folder / f"process_{number}" / "metadata.csv")
    for name, asked in STUDIES.items():
        metadata = Path("metadata.csv") if name == "other files" else corpus
        path = write_experiment(
            folder / name, metadata, ("log_mel",), save_steps=1, eval_steps=1, run_grapher=False, **asked
        )
        fields = dict(_FIELDS)
        if name == "small batches":
            fields["per_device_batch_size"] = 1
        model = path.parent / "models" / "log_mel.json"
        model.write_text(json.dumps(json.loads(model.read_text()) | fields))


def do_in_processes(
    folder: Path, *studies: str, as_step: bool = False
) -> list[subprocess.CompletedProcess[str]]:
    """Do studies in `PROCESSES` processes, the tasks of a step of SLURM or not; gives how each ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    joined = _joined_by_slurm if as_step else _joined_by_hand
    started = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder), *studies],
            env={
                **os.environ,
                "KERAS_BACKEND": "jax",
                "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0",
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                **joined(number, port),
            },
            cwd=folder / f"process_{number}",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    try:
        outputs = [process.communicate(timeout=300)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    return [
        subprocess.CompletedProcess(process.args, process.returncode, output)
        for process, output in zip(started, outputs, strict=True)
    ]


def _joined_by_hand(number: int, port: int) -> dict[str, str]:
    return {
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(PROCESSES),
        "KERAS_DISTRIBUTION_PROCESS_ID": str(number),
    }


def _joined_by_slurm(number: int, port: int) -> dict[str, str]:
    return {
        "SLURM_JOB_ID": "7",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_NTASKS": str(PROCESSES),
        "SLURM_PROCID": str(number),
        "SLURM_LOCALID": str(number),
        "JAX_COORDINATOR_PORT": str(port),  # in place of one that follows from the job
    }


def _kill(event):
    """A `ProgressListener` that ends the process on its way, without a word."""
    if isinstance(event, Evaluated) and event.step == _KILLED_AFTER:
        os._exit(KILLED_STATUS)


def _do(folder: Path, study: str) -> None:
    is_killed = study == "killed" and not (folder / study / "runs").is_dir()
    error = None
    try:
        train_experiment(
            load_experiment(folder / study / "experiment.json"), progress=_kill if is_killed else None
        )
    except UserError as found:
        error = str(found)
    # Each process has a working folder.
    (folder / study / f"{Path.cwd().name}.json").write_text(json.dumps(error))


if __name__ == "__main__":
    for name in sys.argv[2:]:
        _do(Path(sys.argv[1]), name)
