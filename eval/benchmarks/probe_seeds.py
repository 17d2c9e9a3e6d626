"""How long 110 seeds of a head on a frozen backbone take, beside one seed from a cold start.

    python eval/benchmarks/probe_seeds.py METADATA [--checkpoint openai/whisper-tiny.en] [--seeds 110]
        [--backbone_arguments '{"pad_to_maximum": false}'] [--folder FOLDER]

For one seed, then for all, in new folders and without kept features: the commands `kser train`, `kser eval`
and `kser stats`, each a process of its own, whose starting counts. Beside other work the seconds of the
processor tell more than those of the clock; both are printed.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Time both studies and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("metadata", type=Path)
    parser.add_argument("--checkpoint", default="openai/whisper-tiny.en")
    parser.add_argument("--seeds", type=int, default=110)
    parser.add_argument("--backbone_arguments", type=json.loads, default={})
    parser.add_argument("--folder", type=Path, default=Path("probe_seeds"))
    arguments = parser.parse_args()
    one = study(arguments, 1)
    many = study(arguments, arguments.seeds)
    for place, what in enumerate(("clock", "processor")):
        first, all_seeds = ({step: value[place] for step, value in each.items()} for each in (one, many))
        for seeds, seconds in ((1, first), (arguments.seeds, all_seeds)):
            steps = ", ".join(f"{step} {value:.1f} s" for step, value in seconds.items())
            print(f"{what}, {seeds} seeds: {steps}, in all {sum(seconds.values()):.1f} s")
        print(f"{what}, training: {all_seeds['train'] / first['train']:.2f} times one seed")
        print(f"{what}, whole study: {sum(all_seeds.values()) / sum(first.values()):.2f} times one seed")


def study(arguments: argparse.Namespace, seeds: int) -> dict[str, tuple[float, float]]:
    """Seconds of each command of a study of so many seeds, by the clock and of the processor."""
    folder = (arguments.folder / f"{seeds}_seeds").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = {
        "name": "probe",
        "model_path_or_name": arguments.checkpoint,
        "freeze_layers": "all",
        "backbone_arguments": arguments.backbone_arguments,
    }
    experiment = {
        "experiment_name": "probes",
        "model_files": "model.json",
        "training_dataset": {"name": "corpus", "data_csv": str(arguments.metadata.absolute())},
        "run_eval": False,
    }
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "experiment.json").write_text(json.dumps(experiment))
    last = str(seeds - 1)
    seconds = {"train": timed(folder, "train", "experiment.json", "--low_seed", "0", "--high_seed", last)}
    (evaluations,) = (folder / "results" / "probes" / "evaluation_csv").glob("*.csv")
    seconds["eval"] = timed(folder, "eval", "--eval_path", str(evaluations))
    seconds["stats"] = timed(folder, "stats", "results/probes")
    return seconds


def timed(folder: Path, *command: str) -> tuple[float, float]:
    """Seconds of a kser command in a folder; what it prints goes to a file there."""
    with (folder / f"{command[0]}.txt").open("w") as printed:
        started, used = time.perf_counter(), processor_seconds()
        subprocess.run(
            [Path(sys.executable).with_name("kser"), *command],
            cwd=folder,
            stdout=printed,
            stderr=subprocess.STDOUT,
            check=True,
        )
    return time.perf_counter() - started, processor_seconds() - used


def processor_seconds() -> float:
    """What all processes that ended have used of the processor."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
