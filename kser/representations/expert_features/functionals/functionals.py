"""The features of one utterance, by groups."""

import numpy as np

from kser.representations.expert_features.functionals import energy, pitch, spectral, temporal, voice_quality
from kser.representations.expert_features.functionals.cycles import cycles_of
from kser.representations.expert_features.functionals.frames import power_spectra
from kser.representations.expert_features.functionals.voicing import voicing_of

VERSION = "2"
"""Grows with every change of a number."""
GROUPS = {
    "pitch": pitch.UNITS,
    "energy": energy.UNITS,
    "spectral": spectral.UNITS,
    "voice_quality": voice_quality.UNITS,
    "temporal": temporal.UNITS,
}
"""By group, the unit of each feature, empty where it has none."""


def functionals(waveform: np.ndarray) -> dict[str, float]:
    """The features of `GROUPS`; NaN of those that cannot be told, such as the pitch of a whisper.

    Args:
        waveform: float (samples,) at `kser.representations.expert_features.functionals.frames.RATE`.
    """
    voicing = voicing_of(waveform)
    spectra = power_spectra(waveform)
    loudness = energy.loudness_of(spectra)
    return {
        **pitch.pitch_functionals(voicing),
        **energy.energy_functionals(waveform, loudness),
        **spectral.spectral_functionals(spectra, voicing.voiced),
        **voice_quality.voice_quality_functionals(waveform, voicing, cycles_of(waveform, voicing)),
        **temporal.temporal_functionals(voicing, loudness),
    }
