"""What keeps a head on a frozen backbone from learning: each default of fine-tuning, one after the other.

    python eval/benchmarks/frozen_backbone.py METADATA [--checkpoint openai/whisper-tiny.en] [--seeds 5]
        [--variants "the defaults" …] [--folder FOLDER]

It trains the variants with kser, speaker-independent splits of the seeds 0, 1, …, and prints the UAR on the
test parts. For training the backbone is computed once for a recording; its vectors and all results are in
FOLDER, and the same command continues where it was stopped.
"""

import argparse
from pathlib import Path

import kser

FINE_TUNING = {"learning_rate": 5e-5, "use_relu": True, "use_standardization": False, "use_dropout": False}
FASTER = {**FINE_TUNING, "learning_rate": 2e-3}
VARIANTS = {
    "those of fine-tuning": FINE_TUNING,
    "with learning_rate 0.002": FASTER,
    "and without ReLU": {**FASTER, "use_relu": False},
    "and standardised": {**FASTER, "use_relu": False, "use_standardization": True},
    "the defaults": {},
}


def main() -> None:
    """Train and evaluate the variants on the corpus named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("metadata", type=Path)
    parser.add_argument("--checkpoint", default="openai/whisper-tiny.en")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--folder", type=Path, default=Path("frozen_backbone"))
    arguments = parser.parse_args()
    experiment = kser.Experiment(
        {
            "experiment_name": "frozen_backbone",
            "output_path": str(arguments.folder / "runs"),
            "experiment_results_output_path": str(arguments.folder / "results"),
            "training_dataset": {"name": "corpus", "data_csv": str(arguments.metadata.absolute())},
        },
        models=[
            {
                "name": name,
                "model_path_or_name": arguments.checkpoint,
                "freeze_layers": "all",
                "feature_cache": str(arguments.folder / "features"),
                **VARIANTS[name],
            }
            for name in arguments.variants
        ],
    )
    summary = experiment.run(seeds=range(arguments.seeds)).evaluation.summary
    print(summary[["model_name", "runs", "uar_mean", "uar_sd"]].to_string(index=False))


if __name__ == "__main__":
    main()
