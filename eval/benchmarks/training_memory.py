"""Where a training step's memory goes: libraries, weights, the optimizer's update, activations.

    KERAS_BACKEND=tensorflow python eval/benchmarks/training_memory.py [base] --seconds 1 4 8

The step is that of backbone_speed.py, 4 clips of noise, on the CPU. Each row is a process of its own:
`transformers` on PyTorch; kser on the backend; kser with Keras' own formulas for Adam's update instead of the
backend's kernel; kser with plain gradient descent, which keeps no moments. Memory is what the process holds
after the imports, with the model ready, and at the peak of two steps after the first two; medians over
`--rounds` processes. The last column is the peak in a process that gives freed arrays back to the system at
once (glibc's `MALLOC_MMAP_THRESHOLD_`): what is in use, without what the allocator keeps in its heaps.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from statistics import median
from unittest.mock import patch

from backbone_speed import (
    CONFIGS,
    Case,
    command_line,
    machine,
    peak_memory,
    prepare_kser,
    prepare_pytorch,
    reset_peak_memory,
    write_checkpoint,
)

from kser.markdown import markdown_table

PYTORCH = "transformers on PyTorch"
SIDES = (PYTORCH, "kser", "kser, Keras' update", "kser, gradient descent")
CLIPS = 4
RETURNED_AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
CPU = Namespace(device="cpu", dtype="float32", worker="kser", allocator_setting=False)


def main() -> None:
    """Measure each side, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="base", choices=[*CONFIGS])
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 4, 8], help="lengths of the clips")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each row")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(held(arguments.side, arguments.folder, arguments.seconds[0])))
        return
    print(f"    {command_line()}\n\n{machine(CPU)}\n")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder), arguments.model)
        for seconds in arguments.seconds:
            for side in SIDES:
                print(f"{side}, {seconds:g} s ...", file=sys.stderr, flush=True)
                rows.append(
                    [f"{CLIPS}×{seconds:g} s", side, *measured(side, folder, seconds, arguments.rounds)]
                )
    titles = ["batch", "side", "after the imports, MB", "with the model", "peak of a step", "peak in use"]
    print(markdown_table(titles, rows))


def measured(side: str, folder: str, seconds: float, rounds: int) -> list[str]:
    """The figures of one side, measured in processes of their own; of the peak also the range."""
    command = [sys.executable, __file__, "--side", side, "--folder", folder, "--seconds", str(seconds)]
    figures, in_use = (
        [
            json.loads(subprocess.check_output(command, env=os.environ | setting, text=True).splitlines()[-1])
            for _ in range(rounds)
        ]
        for setting in ({}, RETURNED_AT_ONCE)
    )
    imported, ready, peaks = zip(*figures, strict=True)
    return [
        f"{median(imported):.0f}",
        f"{median(ready):.0f}",
        f"{median(peaks):.0f} ({min(peaks):.0f} to {max(peaks):.0f})",
        f"{median(peak for *_, peak in in_use):.0f}",
    ]


def held(side: str, folder: Path, seconds: float) -> tuple[float, float, float]:
    """Megabytes after the imports, with the model ready, and at the peak of a step."""
    case = Case("training", CLIPS, seconds)
    if side == PYTORCH:
        import torch  # noqa: F401
        import transformers.models.wav2vec2.modeling_wav2vec2  # noqa: F401

        imported = now()
        step, _ = prepare_pytorch(folder, case, CPU)
    else:
        from kser.startup import import_keras

        import_keras()
        import keras

        from kser.models import EmotionClassifier  # noqa: F401
        from kser.training import fused_adam, optimisation

        imported = now()
        if side == "kser, Keras' update":
            fused_adam.FUSED_UPDATES.clear()
        descent = patch.object(optimisation, "GroupedAdamW", lambda rate, **_: keras.optimizers.SGD(rate))
        if side == "kser, gradient descent":
            descent.start()
        step, _ = prepare_kser(folder, case, CPU)
    ready = now()
    for _ in range(2):
        step()
    reset_peak_memory(CPU)
    for _ in range(2):
        step()
    return imported, ready, peak_memory(CPU)


def now() -> float:
    """Megabytes that the process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


if __name__ == "__main__":
    main()
