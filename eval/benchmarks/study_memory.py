"""What the process of a study holds after each run: memory, threads, open files, segments of shared memory.

    KERAS_BACKEND=jax python eval/benchmarks/study_memory.py [--rounds 3] [--seeds 3] [--data_workers 2]
        [--json FILE]

Small models on a little synthetic speech: one from scratch, one with a search before each run, a transformer,
and a head on a frozen encoder with kept features; recordings of two lengths, an evaluation of every run. Each
round is a study of them all, in a new folder, in the same process. Prints a line for each run, and at the end
what the last round has left beyond the one before it. Nothing else should run: shared memory has no owner.
"""

import argparse
import gc
import json
import tempfile
from pathlib import Path
from typing import Any

import kser
from kser.corpora.metadata import read_metadata, write_metadata
from kser.corpora.synthetic import write_synthetic_corpus

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
    """Do the studies and print what they leave."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data_workers", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    watch = Watch()
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            study = experiment(Path(folder), arguments.data_workers, watch)
            study.run(seeds=range(arguments.seeds))
        watch.take(f"round {number + 1}")
    *_, before, last = (row for row in watch.rows if row["after"].startswith("round"))
    print("the last round left: " + ", ".join(f"{what} {last[what] - before[what]:+d}" for what in held()))
    if arguments.json:
        arguments.json.write_text(json.dumps(watch.rows))


def experiment(folder: Path, data_workers: int, watch: "Watch") -> "kser.Experiment":
    """A study, with its files in a folder."""
    table = read_metadata(write_synthetic_corpus(folder / "corpus"))
    write_metadata(table.drop_duplicates(["actor", "class_id"]), folder / "metadata.csv")
    training = {"per_device_batch_size": 8, "gradient_accumulation_steps": 1, "number_of_training_epochs": 2}
    searched = {"skip_hp_search": False, "hp_search_space": {"learning_rate": {"values": [1e-4, 1e-3]}}}
    transformer = {"model_path_or_name": "scratch:wav2vec2", "backbone_arguments": TRANSFORMER}
    kept = {"freeze_layers": "all", "feature_cache": str(folder / "features")}
    models = [
        {"name": "log_mel", "model_path_or_name": "scratch:log_mel"},
        {
            "name": "searched",
            "model_path_or_name": "scratch:log_mel",
            "pooling_mode": "att_stats",
            **searched,
        },
        {"name": "transformer", **transformer},
        {"name": "frozen", **transformer, **kept},
    ]
    fields = {
        "experiment_name": "memory",
        "output_path": str(folder / "runs"),
        "experiment_results_output_path": str(folder / "results"),
        "training_dataset": {"name": "synthetic", "data_csv": str(folder / "metadata.csv")},
        "eval_steps": 3,
        "length_buckets": 2,
        "hp_num_trials": 2,
        "hp_number_of_training_epochs": 1,
        "data_workers": data_workers,
    }
    return kser.Experiment(fields, models=[model | training for model in models], progress=watch)


class Watch:
    """A listener that writes down what the process holds when a run has ended.

    Attributes:
        rows: what it held, one after the other.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def __call__(self, event: Any) -> None:
        """Take notice of the end of a run."""
        # Not at the top of the file, which the worker processes read, too: they would load Keras.
        from kser.experiment.study.events import RunEnded

        if isinstance(event, RunEnded):
            self.take(event.run)

    def take(self, after: str) -> None:
        """Write down what the process holds now."""
        gc.collect()
        self.rows.append({"after": after, **held()})
        print(", ".join(f"{name} {value}" for name, value in self.rows[-1].items()), flush=True)


def held() -> dict[str, int]:
    """Memory in MB, threads and open files of this process, and Python's shared segments of the machine."""
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
    )
    return {
        "MB": int(status["VmRSS"].split()[0]) // 1000,
        "threads": int(status["Threads"]),
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "shared segments": len(list(Path("/dev/shm").glob("psm_*"))),
    }


if __name__ == "__main__":
    main()
