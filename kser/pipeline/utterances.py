"""The utterances of one part of a corpus, as the pipeline needs them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kser.audio.loading import audio_length
from kser.errors import UserError


@dataclass(frozen=True)
class WaveformFormat:
    """What a model expects of a waveform.

    Attributes:
        sampling_rate: Hz.
        do_normalize: whether each utterance is shifted and scaled to mean 0 and variance 1.
        mask_padding: whether padding is marked; `False` follows the published recipe of some models.
        minimum_samples: samples that the model needs for one frame.
    """

    sampling_rate: int
    do_normalize: bool
    mask_padding: bool
    minimum_samples: int


@dataclass(frozen=True)
class Utterances:
    """Audio files with their targets and lengths.

    Attributes:
        paths: audio files.
        targets: int32 array (utterances,), position of each utterance's class among the labels.
        lengths: samples of each at the model's rate.
        format: what the model expects.
    """

    paths: Sequence[str]
    targets: np.ndarray
    lengths: Sequence[int]
    format: WaveformFormat

    @classmethod
    def from_files(cls, paths: Sequence[str], targets: Sequence[int], format: WaveformFormat) -> "Utterances":
        """Read the length of every file from its header.

        Raises:
            UserError: a file cannot be read or is too short for the model's first frame.
        """
        lengths = [audio_length(path, format.sampling_rate) for path in paths]
        for path, length in zip(paths, lengths, strict=True):
            if length < format.minimum_samples:
                raise UserError(
                    f"{path}: {length / format.sampling_rate:.3f} s is too short: the model needs "
                    f"{format.minimum_samples / format.sampling_rate:.3f} s for one frame"
                )
        return cls(list(paths), np.asarray(targets, dtype=np.int32), lengths, format)

    def __len__(self) -> int:
        return len(self.paths)
