"""Whether kser on the device computes in float32 what `transformers` computes, by the project's criterion."""

from pathlib import Path

import numpy as np

from gpu_parts.part import Findings, Goal, Setting
from gpu_parts.speed import checkpoint


def compare(setting: Setting, findings: Findings) -> None:
    """Compare a model of random weights, and the trained encoder where one is given.

    `transformers` computes on the CPU, in float64 and in float32: how far the latter is off says how much of
    a difference is rounding (`kser.models.parity`).
    """
    _, folder = checkpoint("tiny" if setting.small else "base", setting)
    published = {"random weights": folder}
    if setting.encoder is not None:
        published["trained encoder"] = setting.encoder
    for name, source in published.items():
        compare_one(name, source, setting, findings)


def compare_one(name: str, source: Path, setting: Setting, findings: Findings) -> None:
    """Compare every hidden state of a checkpoint, for unpadded and padded utterances."""
    from kser.models import SpeechAudioConverter, SpeechBackbone
    from kser.models.parity import worst_of
    from kser.models.verification import compare_with_transformers

    preset = setting.folder / f"preset of {name}"
    SpeechBackbone.from_preset(str(source)).save_to_preset(str(preset))
    SpeechAudioConverter.from_preset(str(source)).save_to_preset(str(preset))
    seconds = (0.5, 1.0) if setting.small else (2.0, 4.0)
    rng = np.random.default_rng(0)
    utterances = [rng.normal(size=int(16_000 * s)).astype(np.float32) * 0.1 for s in seconds]
    compared = compare_with_transformers(source, preset, utterances)
    of_states = [state.worst for state in compared]
    worst = worst_of(of_states)
    findings.figures |= {
        f"{name}: states compared": len(compared),
        f"{name}: largest relative error in float32": max(p.deviation.relative for p in of_states),
        f"{name}: worst, as a multiple of what is allowed": worst.excess,
    }
    text = f"{name}: float32 differs from transformers by rounding only (at most 1)"
    findings.goals.append(Goal(text, f"{worst.excess:.2f}", worst.holds))
    findings.keep()
