"""Ways to train on one published encoder, side by side with a baseline from scratch.

    python eval/benchmarks/real_encoder.py METADATA [--test_set METADATA …]
        [--checkpoint openai/whisper-tiny.en] [--ways frozen …] [--seeds 5] [--folder FOLDER]

Each way is trained on the corpus with speaker-independent splits of the seeds 0, 1, …, and evaluated on its
test part and on the test sets. What is done is in FOLDER; the same command continues where it was stopped.
"""

import argparse
from pathlib import Path
from typing import Any

import kser

# Recordings are padded to the longest of a batch instead of 30 s, which computes a tenth.
UNPADDED = {"backbone_arguments": {"pad_to_maximum": False}}
FINE_TUNING = {
    **UNPADDED,
    "number_of_training_epochs": 4,
    "eval_steps": 40,
    "gradient_accumulation_steps": 1,
    "warmup_ratio": 0.1,
    "use_relu": False,
    "use_standardization": True,
    "use_dropout": True,
    "best_metric": "uar",
}
WAYS: dict[str, dict[str, Any]] = {
    "log-mel": {
        "model_path_or_name": "scratch:log_mel",
        "learning_rate": 3e-3,
        "per_device_batch_size": 16,
        "gradient_accumulation_steps": 1,
        "number_of_training_epochs": 30,
        "use_dropout": True,
        "dropout_rate": 0.3,
        "best_metric": "uar",
    },
    "frozen": {"freeze_layers": "all", **UNPADDED},
    "frozen, logistic regression": {
        "freeze_layers": "all",
        "head_solver": "logistic_regression",
        **UNPADDED,
    },
    "LoRA": {**FINE_TUNING, "lora_rank": 8, "learning_rate": 1e-3},
    "top layers": {**FINE_TUNING, "freeze_layers": 2, "feature_cache": "features", "learning_rate": 2e-4},
}


def main() -> None:
    """Train and evaluate the ways on the corpus named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("metadata", type=Path)
    parser.add_argument("--test_set", type=Path, nargs="+", default=[])
    parser.add_argument("--checkpoint", default="openai/whisper-tiny.en")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("real_encoder"))
    arguments = parser.parse_args()
    experiment = kser.Experiment(
        {
            "experiment_name": "real_encoder",
            "output_path": str(arguments.folder / "runs"),
            "experiment_results_output_path": str(arguments.folder / "results"),
            "training_dataset": {"name": "corpus", "data_csv": str(arguments.metadata.absolute())},
            "datasets": [
                {"name": path.parent.name, "eval_csv_path": str(path.absolute())}
                for path in arguments.test_set
            ],
            "eval_steps": 20,
        },
        models=[
            {"name": name, "model_path_or_name": arguments.checkpoint, **WAYS[name]}
            for name in arguments.ways
        ],
    )
    result = experiment.run(seeds=range(arguments.seeds))
    print(result.runs[["model", "seed", "best_step", "updates", "seconds"]].to_string(index=False))
    columns = ["model_name", "dataset_name", "runs", "uar_mean", "uar_sd"]
    print(result.evaluation.summary[columns].to_string(index=False))


if __name__ == "__main__":
    main()
