"""Whether an exported model says what kser says, on short and long recordings, padded and alone."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
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
        repetitions: how often it is computed for the time that it takes; 0 where that does not matter.
    """

    name: str
    waveforms: Sequence[np.ndarray]
    repetitions: int = 0

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """The batch (recordings, samples), padded with zeros, and its lengths."""
        lengths = np.array([len(waveform) for waveform in self.waveforms], np.int32)
        batch = np.zeros((len(lengths), lengths.max()), np.float32)
        for row, waveform in zip(batch, self.waveforms, strict=True):
            row[: len(waveform)] = waveform
        return batch, lengths


@dataclass(frozen=True)
class ExportedFile:
    """An exported model, computed by its own runtime in a process of its own.

    Attributes:
        format_name: of its format.
        path: its file or folder.
    """

    format_name: str
    path: Path

    def compute(self, cases: Sequence[Case]) -> Iterator[dict[str, np.ndarray]]:
        """The outputs of each case by name, and `seconds` of those that are repeated.

        Raises:
            UserError: it cannot be loaded or does not run.
        """
        arrays: dict[str, np.ndarray] = {}
        for number, case in enumerate(cases):
            batch, lengths = case.arrays()
            arrays |= {f"{number}/waveform": batch, f"{number}/lengths": lengths}
            if case.repetitions:
                arrays[f"{number}/repetitions"] = np.array(case.repetitions)
        with tempfile.TemporaryDirectory(prefix="kser_export_") as folder:
            given, said = Path(folder, "given.npz"), Path(folder, "said.npz")
            np.savez(given, **arrays)  # type: ignore[arg-type]
            run_module("kser.serving.export.computing", self.format_name, self.path, given, said)
            with np.load(said) as outputs:
                for number in range(len(cases)):
                    start = f"{number}/"
                    yield {key.removeprefix(start): outputs[key] for key in outputs if key.startswith(start)}


def cases(model: LoadedModel) -> list[Case]:
    """Recordings of each length alone, and the shorter ones in one batch."""
    rate, least = model.format.sampling_rate, model.format.minimum_samples
    lengths = sorted({max(least, round(seconds * rate)) for seconds in SECONDS})
    alone = [Case(f"{length / rate:g} s", [made_up(length, rate)]) for length in lengths]
    short = [case.waveforms[0] for case in alone if len(case.waveforms[0]) <= _LONGEST_PADDED_S * rate]
    return [*alone, Case("padded", short)]


def largest_difference(exported: ExportedFile, model: LoadedModel, given: Sequence[Case]) -> float:
    """How far an exported model is from kser, in probability, or relative to numbers above 1.

    Args:
        exported: the model that was written.
        model: kser's own.
        given: see `cases`.

    Raises:
        UserError: it cannot be loaded or does not run.
    """
    said = exported.compute(given)
    return max(difference_of(model, case, outputs) for case, outputs in zip(given, said, strict=True))


def check_difference(difference: float, path: Path) -> None:
    """Raise a `UserError` where an exported model says something else than kser."""
    if not difference <= TOLERANCE:
        raise UserError(
            f"{path}: not written: what was exported differs from kser by {difference:.2g} "
            f"(at most {TOLERANCE:g} is rounding)"
        )


def exported_outputs(model: LoadedModel) -> dict[str, str]:
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
        for exported, output in exported_outputs(model).items()
    ]
    largest = max(float(difference.max()) for difference in differences)
    return largest if np.isfinite(largest) else np.inf


def made_up(length: int, rate: int) -> np.ndarray:
    """A voice of sorts: a gliding tone with overtones, in syllables, over noise; float32 (samples,)."""
    rng = np.random.default_rng(length)
    time_s = np.arange(length) / rate
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * time_s)) / rate
    voice = sum(np.sin(overtone * phase) / overtone for overtone in range(1, 12))
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 3.1 * time_s)
    return (0.08 * syllables * voice + 0.01 * rng.normal(size=length)).astype(np.float32)
