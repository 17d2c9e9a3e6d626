"""What the process of a study holds after each run: memory, threads, open files, segments of shared memory.

    KERAS_BACKEND=jax python eval/benchmarks/study_memory.py [--seeds 8] [--data_workers 2] [--json FILE]

Small models on synthetic speech: one from scratch, one with a search before each run, a transformer, and a
head on a frozen encoder with kept features, each with so many seeds; recordings of two lengths, an evaluation
of every run. Prints a line for each run, and at the end what the last run of each model holds beyond its
middle one.
"""

import argparse
import gc
import json
import tempfile
import threading
from pathlib import Path
from typing import Any

import kser
from kser.corpora.synthetic import write_synthetic_corpus
from kser.experiment.study.events import Event, RunEnded, RunStarted

TRANSFORMER = {
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 32,
    "intermediate_dim": 64,
    "filters": [16] * 7,
    "position_kernel_size": 16,
    "position_groups": 4,
}


def main() -> None:
    """Do the study and print what it holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--data_workers", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch()
        study = experiment(Path(folder), arguments.data_workers, watch)
        study.run(seeds=range(arguments.seeds))
    watch.take("evaluated")
    for row in watch.growth():
        print(row)
    if arguments.json:
        arguments.json.write_text(json.dumps(watch.rows))


def experiment(folder: Path, data_workers: int, watch: "Watch") -> kser.Experiment:
    """The study, with its files in a folder."""
    metadata = write_synthetic_corpus(folder / "corpus")
    training = {"per_device_batch_size": 8, "gradient_accumulation_steps": 1, "number_of_training_epochs": 2}
    searched = {"skip_hp_search": False, "hp_search_space": {"learning_rate": {"values": [1e-4, 1e-3]}}}
    models = [
        {"name": "log_mel", "model_path_or_name": "scratch:log_mel"},
        {
            "name": "searched",
            "model_path_or_name": "scratch:log_mel",
            "pooling_mode": "att_stats",
            **searched,
        },
        {
            "name": "transformer",
            "model_path_or_name": "scratch:wav2vec2",
            "backbone_arguments": TRANSFORMER,
        },
        {
            "name": "frozen",
            "model_path_or_name": "scratch:wav2vec2",
            "backbone_arguments": TRANSFORMER,
            "freeze_layers": "all",
            "feature_cache": str(folder / "features"),
        },
    ]
    fields = {
        "experiment_name": "memory",
        "output_path": str(folder / "runs"),
        "experiment_results_output_path": str(folder / "results"),
        "training_dataset": {"name": "synthetic", "data_csv": str(metadata)},
        "eval_steps": 8,
        "length_buckets": 2,
        "hp_num_trials": 2,
        "hp_number_of_training_epochs": 1,
        "data_workers": data_workers,
    }
    return kser.Experiment(fields, models=[model | training for model in models], progress=watch)


class Watch:
    """A listener that writes down what the process holds when a run has ended.

    Attributes:
        rows: of each run, what it holds.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def __call__(self, event: Event) -> None:
        """Take notice of the end of a run."""
        if isinstance(event, RunStarted) and event.number == 1:
            self.take("started")
        if isinstance(event, RunEnded):
            self.take(event.run)

    def take(self, title: str) -> None:
        """Write down what the process holds now."""
        gc.collect()
        row = {"run": title, **held()}
        self.rows.append(row)
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)

    def growth(self) -> list[str]:
        """For each model what its last run holds more than the one in the middle, in words."""
        lines = []
        by_model: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows:
            if ", seed " in row["run"]:
                by_model.setdefault(row["run"].partition(", seed ")[0], []).append(row)
        for name, rows in by_model.items():
            middle, last = rows[len(rows) // 2], rows[-1]
            grown = ", ".join(f"{what} {last[what] - middle[what]:+d}" for what in list(last)[1:])
            lines.append(f"{name}, {len(rows) - 1 - len(rows) // 2} runs further: {grown}")
        return lines


def held() -> dict[str, int]:
    """Memory in MB, threads, open files and segments of shared memory of this process."""
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
    )
    return {
        "MB": int(status["VmRSS"].split()[0]) // 1000,
        "threads": int(status["Threads"]),
        "Python threads": threading.active_count(),
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "shared segments": len(list(Path("/dev/shm").iterdir())),
    }


if __name__ == "__main__":
    main()
