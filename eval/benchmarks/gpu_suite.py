"""All that is owed of figures on a GPU, in at most nine minutes on one, without a network.

    python eval/benchmarks/gpu_suite.py --metadata METADATA --encoder CHECKPOINT --output eval/results/gpu

writes `OUTPUT.md` and `OUTPUT.json`. The parts, each in a process of its own (JAX and PyTorch share a GPU's
memory badly) and with a share of the time:

- device: its peak in bfloat16 by its maker, and what a large matrix product reaches;
- parity: float32, products in full, against `transformers`, by the criterion of `kser convert`;
- training, inference: Wav2Vec 2.0 large on 16 × 4 s in bfloat16 beside `transformers` on PyTorch, eager and
  compiled (`backbone_speed.py` says what exactly): time, peak memory, share of the peak;
- forms: of the position convolution and of attention, which is fastest there;
- fine-tuning: a trained encoder on a corpus by kser's own experiment, and how many steps waited for their
  batch (`waits.py`);
- precision: what bfloat16 and 8-bit weights change.

A part that fails, ends too late or lacks a library is reported as that, with what it had found before, and
the others go on; time that one leaves is the next one's. `--device cpu --small` tries all of it on a tiny
model, on a busy machine with more `--minutes`.
"""

import argparse
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpu_parts import fine_tuning, forms, parity, peak, precision, speed
from gpu_parts.part import Findings, Setting


@dataclass(frozen=True)
class Part:
    """A part of the suite.

    Attributes:
        run: measures it.
        seconds: its share of the time, of nine minutes in all.
        needs: libraries besides kser, JAX and Keras.
        environment: variables of its process.
    """

    run: Callable[[Setting, Findings], None]
    seconds: float
    needs: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


PYTORCH = ("torch", "transformers")
# What would round float32 products to 10 bits.
FULL_FLOAT32 = {"JAX_DEFAULT_MATMUL_PRECISION": "highest", "NVIDIA_TF32_OVERRIDE": "0"}
PARTS = {
    "device": Part(peak.report_device, 30),
    "parity": Part(parity.compare, 70, PYTORCH, FULL_FLOAT32),
    "training": Part(lambda *given: speed.measure("training", *given), 190, PYTORCH),
    "inference": Part(lambda *given: speed.measure("inference", *given), 100, PYTORCH),
    "forms": Part(forms.compare, 20),
    "fine-tuning": Part(fine_tuning.fine_tune, 90, ("grain",)),
    "precision": Part(precision.compare, 40, PYTORCH, FULL_FLOAT32),
}
_LAST_LINES = 3


def main() -> None:
    """Run the parts, print the report and write it."""
    arguments = parsed_arguments()
    if arguments.part:
        run_here(arguments)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # with the part that runs
    share = 60 * arguments.minutes / sum(part.seconds for part in PARTS.values())
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        saved = 0.0
        for name in arguments.parts:
            limit = share * PARTS[name].seconds + saved
            started = time.monotonic()
            found[name] = outcome_of(name, limit, folder, arguments)
            found[name]["seconds"] = time.monotonic() - started
            saved = max(0.0, limit - found[name]["seconds"])
            print(f"{name}: {found[name]['outcome']} after {found[name]['seconds']:.0f} s", flush=True)
            if name == "device":
                use_device(found[name].get("figures", {}), arguments)
    report = as_markdown(found, trial=arguments.small or arguments.device == "cpu")
    print(report)
    if arguments.output:
        write(arguments.output, report, found)


def parsed_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="gpu", choices=["gpu", "cpu"])
    parser.add_argument("--small", action="store_true", help="a tiny model: only tries the suite out")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--metadata", type=Path, help="metadata CSV of the corpus to fine-tune on")
    parser.add_argument("--encoder", type=Path, help="folder of a trained checkpoint")
    parser.add_argument(
        "--peak-tflops", type=float, help="of the device, in place of what is known or measured"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--minutes", type=float, default=9.0, help="in all, divided among all parts")
    parser.add_argument("--output", type=Path, help="without suffix: .md and .json are written")
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def use_device(figures: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Take the device's peak for the parts that follow; without the GPU that was asked for, end."""
    if arguments.device == "gpu" and figures.get("platform") == "cpu":
        sys.exit(
            "JAX finds no GPU: install jax[cuda12] or jax[cuda13], or try the suite by --device cpu --small"
        )
    if arguments.peak_tflops is None:
        arguments.peak_tflops = figures.get("peak, TFLOP/s")


def outcome_of(name: str, limit_s: float, folder: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """What a part found in the time that it has, and how it ended."""
    missing = [library for library in PARTS[name].needs if find_spec(library) is None]
    if missing:
        return {"outcome": f"left out: {', '.join(missing)} not installed"}
    log = Path(folder) / f"{name}.log"
    with log.open("w") as errors:
        # A session of its own: the workers of a part end with it.
        process = subprocess.Popen(
            [sys.executable, __file__, *part_options(name, folder, arguments)],
            env=environment_of(name, arguments),
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
        try:
            status = process.wait(limit_s)
            outcome = "finished" if status == 0 else f"failed with status {status}"
        except subprocess.TimeoutExpired:
            outcome = f"stopped: its {limit_s:.0f} s were over"
        finally:
            end_session(process)
    result = result_file(Path(folder), name)
    found = json.loads(result.read_text()) if result.is_file() else {}
    if outcome != "finished":
        found["log"] = log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
    return {"outcome": outcome, **found}


def end_session(process: subprocess.Popen) -> None:
    """End a part and what it has started, if that is not over yet."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def part_options(name: str, folder: str, arguments: argparse.Namespace) -> list[str]:
    """The command line of a part's process."""
    options = ["--part", name, "--folder", folder, "--device", arguments.device]
    options += ["--rounds", str(arguments.rounds)] + ["--small"] * arguments.small
    for option in ("metadata", "encoder", "peak_tflops"):
        value = getattr(arguments, option)
        options += [] if value is None else [f"--{option.replace('_', '-')}", str(value)]
    return options


def environment_of(name: str, arguments: argparse.Namespace) -> dict[str, str]:
    """The variables of a part's process."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    environment["HF_HUB_OFFLINE"] = "1"
    if arguments.device == "cpu":
        environment |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    if arguments.small:
        environment["OMP_NUM_THREADS"] = "1"  # threads that wait for each other cost more than they save
    return {**environment, **PARTS[name].environment}


def run_here(arguments: argparse.Namespace) -> None:
    """Measure a part in this process, keeping what is found as it is found."""
    from kser.startup import import_keras

    import_keras()  # as the commands do
    names = ("device", "small", "folder", "metadata", "encoder", "peak_tflops", "rounds")
    setting = Setting(**{name: getattr(arguments, name) for name in names})
    result = result_file(arguments.folder, arguments.part)

    def save(found: dict[str, Any]) -> None:
        part = result.with_suffix(".part")
        part.write_text(json.dumps(found))
        part.replace(result)

    PARTS[arguments.part].run(setting, Findings(save))


def result_file(folder: Path, name: str) -> Path:
    """Where a part leaves what it found."""
    return folder / f"{name}.json"


def as_markdown(found: dict[str, dict[str, Any]], trial: bool) -> str:
    """The report: goals first, then each part; `trial` of the suite itself, not of a GPU."""
    command = "python " + shlex.join([os.path.relpath(sys.argv[0]), *sys.argv[1:]])
    lines = ["# The suite for GPUs", "", f"    {command}", "", versions(), ""]
    if trial:
        lines += [
            "A trial of the suite: its figures say nothing about a GPU, whatever the goals below say.",
            "",
        ]
    goals = [goal for part in found.values() for goal in part.get("goals", [])]
    lines += ["## Goals", "", "| goal on an H100 | measured | |", "|---|---:|---|"]
    lines += [
        f"| {goal['text']} | {goal['value']} | {'reached' if goal['reached'] else 'missed'} |"
        for goal in goals
    ]
    for name, part in found.items():
        lines += ["", f"## {name}", "", f"{part['outcome']}; {part['seconds']:.0f} s", ""]
        lines += [f"- not measured: {line}" for line in part.get("missing", [])]
        lines += [f"- {figure}: {shown(value)}" for figure, value in part.get("figures", {}).items()]
        lines += [f"    {line}" for line in part.get("log", [])]
        for title, rows in part.get("tables", {}).items():
            header, *others = rows
            lines += ["", f"### {title}", "", f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
            lines += [f"| {' | '.join(row)} |" for row in others]
    return "\n".join(lines) + "\n"


def versions() -> str:
    """Python and the libraries that are measured, as installed."""
    installed = [name for name in ("kser", "keras", "jax", *PYTORCH) if find_spec(name)]
    libraries = (f"{name} {version(name)}" for name in installed)
    return ", ".join([f"Python {platform.python_version()}", *libraries])


def shown(value: float | str) -> str:
    """A figure with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write(output: Path, report: str, found: dict[str, dict[str, Any]]) -> None:
    """Write the report as Markdown and everything as JSON."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.with_name(output.name + ".md").write_text(report)
    output.with_name(output.name + ".json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
