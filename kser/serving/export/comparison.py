"""Whether an exported model says what kser says, on short and long recordings, padded and alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kser.errors import UserError
from kser.serving.export.serving_graph import PROBABILITIES
from kser.serving.export.subprocesses import run_module
from kser.serving.loaded_model import LoadedModel

SECONDS = (0.5, 1.0, 2.7, 8.0, 30.0)
TOLERANCE = 1e-4
_LONGEST_PADDED_S = 8.0


@dataclass(frozen=True)
class Case:
    """Recordings that are given to a model together.

    Attributes:
        name: of the case.
        waveforms: float32 arrays (samples,), padded to the longest.
    """

    name: str
    waveforms: Sequence[np.ndarray]

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """The batch (recordings, samples), padded with zeros, and its lengths."""
        lengths = np.array([len(waveform) for waveform in self.waveforms], np.int32)
        batch = np.zeros((len(lengths), lengths.max()), np.float32)
        for row, waveform in zip(batch, self.waveforms, strict=True):
            row[: len(waveform)] = waveform
        return batch, lengths


def cases(model: LoadedModel) -> list[Case]:
    """Recordings of each length alone, and the shorter ones in one batch."""
    rate, least = model.format.sampling_rate, model.format.minimum_samples
    lengths = sorted({max(least, round(seconds * rate)) for seconds in SECONDS})
    alone = [Case(f"{length / rate:g} s", [_made_up(length, rate)]) for length in lengths]
    short = [case.waveforms[0] for case in alone if len(case.waveforms[0]) <= _LONGEST_PADDED_S * rate]
    return [*alone, Case("padded", short)]


def largest_difference(
    format_name: str, path: Path, model: LoadedModel, given: Sequence[Case], workspace: Path
) -> float:
    """How far an exported model is from kser, in probability, or relative to numbers above 1.

    Args:
        format_name: of the file.
        path: the exported model.
        model: kser's own.
        given: see `cases`.
        workspace: a folder for files between the processes.

    Raises:
        UserError: it cannot be loaded or does not run.
    """
    arrays: dict[str, np.ndarray] = {}
    for number, case in enumerate(given):
        batch, lengths = case.arrays()
        arrays |= {f"{number}/waveform": batch, f"{number}/lengths": lengths}
    np.savez(workspace / "given.npz", **arrays)  # type: ignore[arg-type]
    run_module(
        "kser.serving.export.computing", format_name, path, workspace / "given.npz", workspace / "said.npz"
    )
    with np.load(workspace / "said.npz") as said:
        return max(
            difference_of(model, case, {name: said[f"{number}/{name}"] for name in _outputs(model)})
            for number, case in enumerate(given)
        )


def check_difference(difference: float, path: Path) -> None:
    """Raise a `UserError` where an exported model says something else than kser."""
    if not difference <= TOLERANCE:
        raise UserError(
            f"{path}: not written: what was exported differs from kser by {difference:.2g} "
            f"(at most {TOLERANCE:g} is rounding)"
        )


def _outputs(model: LoadedModel) -> dict[str, str]:
    """The exported outputs that are compared, with the output of the model that they are made of."""
    return {
        target.output if target.evaluation.activation is None else PROBABILITIES: target.output
        for target in model.task.targets
    }


def difference_of(model: LoadedModel, case: Case, said: Mapping[str, np.ndarray]) -> float:
    """How far outputs are from kser's, in probability, or relative to numbers above 1.

    Args:
        model: kser's own.
        case: what both were given.
        said: the exported model's outputs.
    """
    ours = model.decoded_together(case.waveforms)
    differences = [
        np.abs(said[exported] - ours[output]) / np.maximum(1.0, np.abs(ours[output]))
        for exported, output in _outputs(model).items()
    ]
    largest = max(float(difference.max()) for difference in differences)
    return largest if np.isfinite(largest) else np.inf


def _made_up(length: int, rate: int) -> np.ndarray:
    """A voice of sorts: a gliding tone with overtones, in syllables, over noise; float32 (samples,)."""
    rng = np.random.default_rng(length)
    time_s = np.arange(length) / rate
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * time_s)) / rate
    voice = sum(np.sin(overtone * phase) / overtone for overtone in range(1, 12))
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 3.1 * time_s)
    return (0.08 * syllables * voice + 0.01 * rng.normal(size=length)).astype(np.float32)
