"""What a model expects of a waveform, which is all that decides how a recording is read."""

from dataclasses import dataclass, field

from kser.audio.processing import AudioProcessing


@dataclass(frozen=True)
class WaveformFormat:
    """What a model expects of a waveform.

    Attributes:
        sampling_rate: Hz.
        do_normalize: whether each utterance is shifted and scaled to mean 0 and variance 1.
        mask_padding: whether padding is marked; `False` follows the published recipe of some models.
        minimum_samples: samples that the model needs for one frame.
        processing: trimming and loudness, applied after resampling.
    """

    sampling_rate: int
    do_normalize: bool
    mask_padding: bool
    minimum_samples: int
    processing: AudioProcessing = field(default_factory=AudioProcessing)
