"""The utterances of one part of a corpus, as the pipeline needs them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from kser.errors import UserError
from kser.pipeline.feature_cache import FeatureCache
from kser.pipeline.reading import LeftOutError, Progress, WaveformReader, check_all
from kser.pipeline.waveform_format import WaveformFormat

OnBadAudio = Literal["error", "skip"]
_NAMED_AT_MOST = 5

TargetArrays = np.ndarray | dict[str, np.ndarray]
"""What is learned of utterances, a row each: an array (utterances, …), or a dict of such by outputs."""


def map_targets(function: Callable[[np.ndarray], Any], targets: TargetArrays) -> Any:
    """What a function makes of an array of targets, or of each of several."""
    if isinstance(targets, dict):
        return {name: function(values) for name, values in targets.items()}
    return function(targets)


@dataclass(frozen=True)
class Utterances:
    """Audio files with their targets and lengths.

    Attributes:
        paths: audio files.
        targets: int32 array (utterances,), position of each utterance's class among the labels; float32
            array (utterances, targets) of numbers, NaN where one is missing, or of labels, 0 or 1; or a dict
            of such arrays by the model's outputs.
        lengths: samples of each as the model gets it.
        reader: how a file becomes a waveform.
        positions: where the recording of each stood among the files asked for: those left out have none, and
            the parts of a recording that is split have the same.
        skipped: files left out, each with the reason.
        left_out: those of them that could be used, and are too short or too long for the experiment.
        features: where what the model's feature encoder made of them is kept, for a model that takes that in
            place of audio; or `None`.
    """

    paths: Sequence[str]
    targets: TargetArrays
    lengths: Sequence[int]
    reader: WaveformReader
    positions: Sequence[int]
    skipped: dict[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    features: FeatureCache | None = None

    @classmethod
    def from_files(
        cls,
        paths: Sequence[str],
        targets: Sequence[int] | TargetArrays,
        reader: WaveformReader,
        on_bad_audio: OnBadAudio = "error",
        progress: Progress | None = None,
    ) -> "Utterances":
        """Read every file once: what stops a run stops it before its first step.

        Args:
            paths: audio files.
            targets: of each file, see the attribute; whole numbers become int32, others float32.
            reader: how they are read.
            on_bad_audio: whether files that cannot be used are an error or are left out.
            progress: shows how far it is.

        Raises:
            UserError: files cannot be read or are too short for the model's first frame, a line each for the
                first of them; or none is left.
        """
        lengths = check_all(reader, paths, progress)
        bad = {
            path: str(found)
            for path, found in zip(paths, lengths, strict=True)
            if isinstance(found, UserError)
        }
        wrong = [str(found) for found in lengths if _is_wrong(found)]
        if wrong and on_bad_audio == "error":
            raise UserError("\n".join(_first_lines(list(dict.fromkeys(wrong)), on_bad_audio)))
        if len(bad) == len(set(paths)):
            raise UserError("\n".join(_first_lines(list(bad.values()), "skip")))
        parts = [
            (place, *part)
            for place, found in enumerate(lengths)
            if not isinstance(found, UserError)
            for part in reader.parts(paths[place], found)
        ]
        places = [place for place, _, _ in parts]
        given = targets if isinstance(targets, dict) else np.asarray(targets)
        return cls(
            [path for _, path, _ in parts],
            map_targets(lambda values: _typed(values)[places], given),
            [length for _, _, length in parts],
            reader,
            places,
            bad,
            frozenset(
                path for path, found in zip(paths, lengths, strict=True) if isinstance(found, LeftOutError)
            ),
        )

    @cached_property
    def recordings(self) -> list[int]:
        """The positions of the recordings, each once: one that is split has several utterances."""
        return list(dict.fromkeys(self.positions))

    def of_recordings(self, values: np.ndarray) -> np.ndarray:
        """The mean of values of utterances over those of each recording, (recordings, …)."""
        if len(self.recordings) == len(self.positions):
            return values
        row_of = {position: row for row, position in enumerate(self.recordings)}
        rows = np.array([row_of[position] for position in self.positions])
        sums = np.zeros((len(row_of), *values.shape[1:]), np.float64)
        np.add.at(sums, rows, values)
        counts = np.bincount(rows).reshape(-1, *[1] * (values.ndim - 1))
        return sums / counts

    def targets_of_recordings(self) -> TargetArrays:
        """The targets of each recording, as those of its utterances."""
        first: dict[int, int] = {}
        for row, position in enumerate(self.positions):
            first.setdefault(position, row)
        found: TargetArrays = map_targets(lambda values: values[list(first.values())], self.targets)
        return found

    @property
    def format(self) -> WaveformFormat:
        """What the model expects."""
        return self.reader.format

    def with_features(self, features: FeatureCache) -> "Utterances":
        """The same utterances for a model that takes features; the cache must have them all."""
        return replace(self, features=features)

    def vectors(self) -> np.ndarray | None:
        """The features of all of them where each has as many vectors: (utterances, vectors, channels)."""
        if self.features is None or self.features.vectors is None:
            return None
        return self._vectors

    @cached_property
    def _vectors(self) -> np.ndarray:
        assert self.features is not None
        return np.stack([self.features(path) for path in self.paths])

    def __len__(self) -> int:
        return len(self.paths)


def _is_wrong(found: int | UserError) -> bool:
    """Whether a file cannot be used, and not merely is not to be."""
    return isinstance(found, UserError) and not isinstance(found, LeftOutError)


def _typed(targets: np.ndarray) -> np.ndarray:
    """Whole numbers as int32, others as float32."""
    return targets.astype(np.int32 if np.issubdtype(targets.dtype, np.integer) else np.float32)


def _first_lines(reasons: list[str], on_bad_audio: OnBadAudio) -> list[str]:
    lines = reasons[:_NAMED_AT_MOST]
    if more := len(reasons) - len(lines):
        lines.append(f"and {more} more audio files that cannot be used")
    if on_bad_audio == "skip":
        lines.append("no audio file is left that can be used")
    return lines
