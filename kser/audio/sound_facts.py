"""What is known of a decoded recording: its length, what it is recognised by, what is wrong with it."""

import hashlib
from dataclasses import dataclass, field

import numpy as np

from kser.audio.acoustic_fingerprint import acoustic_fingerprint
from kser.audio.decoding import Sound
from kser.audio.loading import mixed_down, resampled_length
from kser.audio.sound_faults import Fault, sound_faults

# Four steps of 16 bits: what moves less is the noise of a converter, or nothing.
_LEAST_MOVEMENT = 2.0**-13


@dataclass(frozen=True)
class SoundFacts:
    """Facts of a decoded recording.

    Attributes:
        samples: of each channel, at the file's rate.
        sampling_rate: of the file, Hz.
        channels: how many.
        digest: see `sound_digest`.
        faults: see `sound_faults`.
        fingerprint: see `acoustic_fingerprint`.
    """

    samples: int
    sampling_rate: int
    channels: int
    digest: str
    faults: tuple[Fault, ...]
    fingerprint: np.ndarray = field(compare=False, repr=False)

    @classmethod
    def of(cls, sound: Sound) -> "SoundFacts":
        """The facts of a decoded file."""
        samples, channels = sound.samples.shape
        waveform = mixed_down(sound)
        digest = sound_digest(waveform)
        fingerprint = (
            acoustic_fingerprint(waveform, sound.sampling_rate) if digest else np.zeros(0, np.uint32)
        )
        return cls(samples, sound.sampling_rate, channels, digest, sound_faults(sound), fingerprint)

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return self.samples / self.sampling_rate

    @property
    def problem(self) -> str:
        """Why the recording cannot be used, in words; empty when it can."""
        return next((fault.words for fault in self.faults if fault.unusable), "")

    def length_at(self, sampling_rate: int) -> int:
        """Samples of the waveform that `load_audio` gives at a rate."""
        return resampled_length(self.samples, self.sampling_rate, sampling_rate)


def sound_digest(waveform: np.ndarray) -> str:
    """What a recording is known by, whatever its file is: 32 hexadecimal digits (BLAKE2b) of its samples.

    Container, lossless coding, tags, name, bits that hold nothing, channels that repeat the first one, and
    zeros before and after the sound make no difference; any other change of a sample does.

    Args:
        waveform: float32 array (samples,), channels averaged, at the file's rate.

    Returns:
        The digest; empty for silence, which is no recording of anything.
    """
    if np.ptp(waveform) < _LEAST_MOVEMENT:
        return ""
    (nonzero,) = np.nonzero(waveform)
    audible = waveform[nonzero[0] : nonzero[-1] + 1].astype("<f4") + np.float32(0.0)  # there is no −0
    return hashlib.blake2b(audible.tobytes(), digest_size=16).hexdigest()
