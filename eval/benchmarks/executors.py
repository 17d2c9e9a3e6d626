"""A study of two models by every executor, with workers that are killed, beside the same in one process.

    python eval/benchmarks/executors.py METADATA CHECKPOINT [--seeds 6] [--kills 6] [--every 20]
        [--ways local ray slurm] [--folder executors]

A log-mel model is trained from scratch, and a head on the frozen encoder in CHECKPOINT. All is done by
`kser train`, each time in a new folder. While an executor is at it, workers drawn at random die by SIGKILL,
so many in all, every so many seconds on average. SLURM is the stand-in of the tests, which does array jobs
on this machine and, as SLURM with --requeue, begins a killed task again. Compared are the weights of every
run, bit by bit, the predictions, and all tables of the evaluation. Prints a table; the exit status is 1 where
anything differs.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import h5py

REPOSITORY = Path(__file__).parents[2]
OPTIONS = {
    "one process": [],
    "local": ["--executor", "local", "--workers", "2"],
    "ray": ["--executor", "ray", "--workers", "2"],
    "slurm": ["--executor", "slurm", "--workers", "2"],
}


def main() -> None:
    """Do the study in every way, and print how they compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("metadata", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--every", type=float, default=20.0)
    parser.add_argument("--ways", nargs="+", default=["local", "ray", "slurm"])
    parser.add_argument("--folder", type=Path, default=Path("executors"))
    arguments = parser.parse_args()
    whole = found(in_one_process(arguments))
    print("| executor | wall | workers killed | weights equal | other files equal |")
    print("| --- | ---: | ---: | ---: | ---: |")
    differs = False
    for way in arguments.ways:
        folder, seconds, kills = study(arguments, way)
        here = found(folder)
        cells = [f"{seconds:.0f} s", str(kills)]
        for of_weights in (True, False):
            names = {name for name in whole.keys() | here.keys() if name.endswith(".h5") == of_weights}
            equal = sum(whole.get(name) == here.get(name) for name in names)
            cells.append(f"{equal} of {len(names)}")
            differs |= equal < len(names)
        print(f"| {way} | {' | '.join(cells)} |", flush=True)
        for name in sorted(name for name in whole.keys() | here.keys() if whole.get(name) != here.get(name)):
            print(f"differs: {name}", file=sys.stderr)
    sys.exit(differs)


def in_one_process(arguments: argparse.Namespace) -> Path:
    """The folder of the study that all others are compared with; what an earlier call left is taken."""
    folder = (arguments.folder / "one_process").absolute()
    is_there = any(folder.rglob("summary.csv"))
    return folder if is_there else study(arguments, "one process")[0]


def study(arguments: argparse.Namespace, way: str) -> tuple[Path, float, int]:
    """Do the study in one way; gives its folder, its seconds, and how many workers were killed."""
    folder = (arguments.folder / way.replace(" ", "_")).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    write_study(folder, arguments)
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    if way == "slurm":
        environment["PATH"] = f"{stand_in(folder.with_name('bin'))}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, "-m", "kser", "train", "experiment.json", *OPTIONS[way]]
    command += ["--low_seed", "0", "--high_seed", str(arguments.seeds - 1)]
    started_s = time.perf_counter()
    killer = Killer(folder, 0 if way == "one process" else arguments.kills, arguments.every)
    with folder.with_suffix(".txt").open("wb") as printed, killer:
        status = subprocess.call(
            command, cwd=folder, env=environment, stdout=printed, stderr=subprocess.STDOUT
        )
    if status:
        sys.exit(f"{way}: status {status}, see {folder.with_suffix('.txt')}")
    return folder, time.perf_counter() - started_s, killer.kills


def write_study(folder: Path, arguments: argparse.Namespace) -> None:
    """Write the experiment and both models."""
    steps = {"per_device_batch_size": 16, "batch_size": 16, "gradient_accumulation_steps": 1}
    scratch = {"name": "log_mel", "model_path_or_name": "scratch:log_mel", "learning_rate": 0.003}
    frozen = {
        "name": "encoder",
        "model_path_or_name": str(arguments.checkpoint.absolute()),
        "backbone_arguments": {"pad_to_maximum": False},
        "freeze_layers": "all",
        "feature_cache": "features",
    }
    experiment = {
        "experiment_name": "executors",
        "model_files": "models",
        "training_dataset": {"name": "corpus", "data_csv": str(arguments.metadata.absolute())},
        "eval_steps": 11,
        "save_steps": 11,
    }
    (folder / "models").mkdir(parents=True)
    for model, epochs in ((scratch, 3), (frozen, 20)):
        text = json.dumps(model | steps | {"number_of_training_epochs": epochs})
        (folder / "models" / f"{model['name']}.json").write_text(text)
    (folder / "experiment.json").write_text(json.dumps(experiment))


def stand_in(folder: Path) -> Path:
    """A folder with a command sbatch, which is the stand-in of the tests."""
    folder.mkdir(exist_ok=True)
    (folder / "jobs.txt").unlink(missing_ok=True)
    program = REPOSITORY / "tests" / "experiment" / "executors" / "sbatch.py"
    command = folder / "sbatch"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "{folder / "jobs.txt"}" "$@"\n')
    command.chmod(0o755)
    return folder


class Killer:
    """Kills workers of a study while it is entered.

    Attributes:
        kills: how many it has killed.
    """

    def __init__(self, folder: Path, most: int, every_s: float):
        self.kills = 0
        self._folder, self._most, self._every_s = folder, most, every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._kill_now_and_then)
        self._random = random.Random(0)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _kill_now_and_then(self) -> None:
        while self.kills < self._most:
            if self._over.wait(self._random.uniform(0.5, 1.5) * self._every_s):
                return
            if workers := self._workers():
                os.kill(self._random.choice(workers), signal.SIGKILL)
                self.kills += 1

    def _workers(self) -> list[int]:
        """The processes of the study that do runs."""
        workers = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (process / "cmdline").read_bytes()
                is_worker = b"kser\0worker\0" in command or command.startswith(b"ray::do_task")
                if is_worker and (process / "cwd").readlink() == self._folder:
                    workers.append(int(process.name))
        return workers


def found(folder: Path) -> dict[str, object]:
    """What the study has left that must be the same: weights, predictions, tables."""
    results = folder / "results" / "executors"
    weights = {path: _arrays(path) for path in results.rglob("*.h5")}
    tables = {
        path: path.read_text().replace(str(folder), "FOLDER")
        for path in results.rglob("*.csv")
        if path.parent.name != "evaluation_csv"  # in the order in which runs end, and named after the time
    }
    # Summaries lie in a folder named after the time.
    names = {path: re.sub(r"\d{10}", "TIME", str(path.relative_to(results))) for path in weights | tables}
    return {names[path]: content for path, content in (weights | tables).items()}


def _arrays(path: Path) -> dict[str, bytes]:
    arrays: dict[str, bytes] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()].tobytes()

    with h5py.File(path) as file:
        file.visititems(keep)
    return arrays


if __name__ == "__main__":
    main()
