"""eval/benchmarks/gpu_suite.py: what it makes of figures, and all of it on a tiny model on the CPU."""

import dataclasses
import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "eval" / "benchmarks"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """The benchmarks, as their programs import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def arguments():
    return Namespace(device="cpu", small=True, rounds=1, metadata=None, encoder=None, peak_tflops=None)


@pytest.mark.parametrize(
    ("device", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA H200", 989),
        ("NVIDIA L40S", 362),
        ("NVIDIA L4", 121),
        ("cpu", None),
    ],
)
def test_known_peaks(device, teraflops):
    from gpu_parts.peak import known_peak

    assert known_peak(device) == teraflops


@pytest.mark.thorough
def test_forms_of_a_layer_agree_and_missing_ones_are_named():
    from gpu_parts import forms
    from gpu_parts.part import Findings, Setting

    kept: list[dict] = []
    forms.compare(Setting("cpu", True, Path(), rounds=1), Findings(kept.append))
    tables = kept[-1]["tables"]
    assert [row[0] for row in tables["position convolution"][1:]] == ["grouped", "split", "frequencies"]
    assert [row[0] for row in tables["attention"][1:]] == ["kser", "jax.nn, xla"]
    assert all(float(row[-1]) < 0.02 for rows in tables.values() for row in rows[1:])
    assert [line.split(":")[0] for line in kept[-1]["missing"]] == ["attention, jax.nn, cudnn"]


def measured(kser, eager, compiled):
    from backbone_speed import Measured
    from gpu_parts.speed import SIDES

    seconds = {side: [s] * 3 for side, s in zip(SIDES, (kser, eager, compiled), strict=True)}
    return Measured(seconds, dict.fromkeys(SIDES, 1.0), dict.fromkeys(SIDES, np.zeros(1)))


@pytest.mark.parametrize(("kser", "reached"), [(0.69, True), (0.71, False)])
def test_the_goal_is_against_the_best_time_of_pytorch(kser, reached):
    from backbone_speed import Case
    from gpu_parts.speed import goals

    (goal,) = goals(Case("inference", 16, 4), 1e12, measured(kser, 2.0, 1.0), 989.0)
    assert (goal.value, goal.reached) == (f"{kser:.2f}", reached)
    assert "(torch.compile)" in goal.text


def test_a_goal_says_which_side_is_not_measured():
    from backbone_speed import Case
    from gpu_parts.speed import goals

    found = measured(0.5, 1.0, 2.0)
    del found.seconds["torch.compile"]
    (goal,) = goals(Case("inference", 16, 4), 1e12, found, 989.0)
    assert "(PyTorch; not measured: torch.compile)" in goal.text


@pytest.mark.parametrize(("kser", "reached"), [(0.019, True), (0.021, False)])
def test_utilisation_is_of_the_peak(kser, reached):
    from backbone_speed import Case
    from gpu_parts.speed import goals

    _, goal = goals(Case("training", 16, 4), 1e12, measured(kser, 1.0, 1.0), 100.0)
    assert goal.reached is reached


def test_a_part_that_takes_too_long_is_stopped(tmp_path, arguments):
    import gpu_suite

    found = gpu_suite.outcome_of("device", 0.2, str(tmp_path), arguments)
    assert found["outcome"] == "stopped: its 0 s were over"


def test_a_part_without_its_library_is_left_out(tmp_path, monkeypatch, arguments):
    import gpu_suite

    part = dataclasses.replace(gpu_suite.PARTS["device"], needs=("no_such_library",))
    monkeypatch.setitem(gpu_suite.PARTS, "device", part)
    found = gpu_suite.outcome_of("device", 60, str(tmp_path), arguments)
    assert found == {"outcome": "left out: no_such_library not installed"}


def test_without_a_gpu_that_was_asked_for_it_ends(arguments):
    import gpu_suite

    arguments.device = "gpu"
    with pytest.raises(SystemExit, match="JAX finds no GPU"):
        gpu_suite.use_device({"platform": "cpu"}, arguments)


def run_suite(tmp_path, *options):
    """What the suite writes: its Markdown, its JSON."""
    command = [sys.executable, str(BENCHMARKS / "gpu_suite.py"), "--device", "cpu", "--small"]
    command += [*options, "--rounds", "2", "--minutes", "30", "--output", str(tmp_path / "suite")]
    environment = {**os.environ, "PYTHONPATH": str(BENCHMARKS.parents[1])}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return (tmp_path / "suite.md").read_text(), json.loads((tmp_path / "suite.json").read_text())


@pytest.mark.thorough
def test_a_part_that_fails_does_not_stop_the_others(tmp_path):
    lost = str(tmp_path / "lost.csv")
    parts = ("--parts", "fine-tuning", "device", "--metadata", lost, "--encoder", str(tmp_path))
    text, found = run_suite(tmp_path, *parts)
    assert found["fine-tuning"]["outcome"].startswith("failed with status")
    assert "lost.csv" in "".join(found["fine-tuning"]["log"])
    assert found["device"]["outcome"] == "finished"
    assert found["device"]["figures"]["platform"] == "cpu"
    assert "## fine-tuning" in text and "## device" in text


@pytest.mark.slow
def test_all_of_it_on_a_tiny_model(tmp_path):
    text, found = run_suite(tmp_path)
    assert {name: part["outcome"] for name, part in found.items()} == dict.fromkeys(found, "finished")
    assert found["parity"]["goals"][0]["reached"]
    assert found["fine-tuning"]["missing"] == ["left out: needs --metadata and --encoder"]
    for part in ("training", "inference"):
        (rows,) = found[part]["tables"].values()
        assert [row[0] for row in rows[1:3]] == ["kser (jax)", "PyTorch"]
    assert "| goal on an H100 | measured |" in text
    assert "A trial of the suite" in text
