"""Inference and a training step in bfloat16 beside PyTorch, eager and compiled: time, memory, use."""

import json
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from backbone_speed import Case, Measured, Worker, WorkerEndedError, arithmetic, timed_rounds

from gpu_parts.part import Findings, Goal, Setting

MOST_OF_PYTORCH = 0.70
LEAST_UTILISATION = 0.5
KSER = "kser (jax)"
SIDES = {KSER: "kser", "PyTorch": "pytorch", "torch.compile": "pytorch compiled"}


def measure(task: str, setting: Setting, findings: Findings) -> None:
    """Measure a task of `backbone_speed`, and what of the device's peak it reaches."""
    case = Case(task, 2, 1) if setting.small else Case(task, 16, 4)
    config, folder = checkpoint("tiny" if setting.small else "large", setting)
    with ExitStack() as stack:
        workers, prepared = {}, {}
        for side, kind in SIDES.items():
            worker = stack.enter_context(Worker(kind, str(folder), worker_arguments(setting)))
            try:
                prepared[side] = worker.ask(do="prepare", **vars(case))
                workers[side] = worker
            except (WorkerEndedError, BrokenPipeError) as error:
                findings.missing.append(f"{side}, {case}: {error}")
                findings.keep()
                continue
            measured = timed_rounds(workers, prepared, setting.rounds)
            report(case, config, measured, setting, findings)


def worker_arguments(setting: Setting, dtype: str = "bfloat16") -> Namespace:
    """What `backbone_speed` takes from its command line."""
    return Namespace(dtype=dtype, device=setting.device, allocator_setting=False)


def checkpoint(name: str, setting: Setting) -> tuple[dict, Path]:
    """The configuration of a model with random weights, and its folder, written once for all parts."""
    folder = setting.folder / name
    if not (folder / "model.safetensors").is_file():
        with Worker("write", str(folder), worker_arguments(setting)) as writer:
            writer.ask(do="write", model=name)
    return json.loads((folder / "config.json").read_text()), folder


def report(case: Case, config: dict, measured: Measured, setting: Setting, findings: Findings) -> None:
    """Put down what has been measured of the sides so far."""
    peak = setting.peak_tflops
    flops = arithmetic(config, case, convolved=True)
    header = ["side", "ms", "kser's share of its time", "memory, MB", "utilisation"]
    rows = [header]
    for side in measured.seconds:
        used = flops / measured.median_s(side) / 1e12
        findings.figures |= {
            f"{case}, {side}, ms": 1e3 * measured.median_s(side),
            f"{case}, {side}, memory MB": measured.megabytes[side],
            f"{case}, {side}, TFLOP/s": used,
        }
        rows.append(
            [
                side,
                f"{1e3 * measured.median_s(side):.2f}",
                f"{measured.ratio(KSER, side):.2f}" if KSER in measured.seconds else "",
                f"{measured.megabytes[side]:.0f}",
                f"{used / peak:.1%}" if peak else "",
            ]
        )
    findings.tables[str(case)] = rows
    findings.goals = goals(case, flops, measured, peak)
    findings.keep()


def goals(case: Case, flops: float, measured: Measured, peak_tflops: float | None) -> list[Goal]:
    """The goals of a case whose sides have been measured: time against the best of PyTorch, utilisation."""
    found = []
    if KSER not in measured.seconds:
        return []
    opponents = [side for side in measured.seconds if side != KSER]
    if opponents:
        best = min(opponents, key=measured.median_s)
        ratio = measured.ratio(KSER, best)
        others = ", ".join(side for side in SIDES if side not in measured.seconds)
        of = f"{best}; not measured: {others}" if others else best
        text = f"{case}: at most {MOST_OF_PYTORCH:.2f} of PyTorch's best time ({of})"
        found.append(Goal(text, f"{ratio:.2f}", ratio <= MOST_OF_PYTORCH))
    if peak_tflops and case.task == "training":
        share = flops / median(measured.seconds[KSER]) / 1e12 / peak_tflops
        text = f"{case}: at least {LEAST_UTILISATION:.0%} of the matrix units' peak"
        found.append(Goal(text, f"{share:.1%}", share >= LEAST_UTILISATION))
    return found
