"""The set `functionals`."""

from importlib.metadata import version

import numpy as np

from kser.representations.expert_features.feature_set import FeatureSet
from kser.representations.expert_features.functionals.frames import RATE
from kser.representations.expert_features.functionals.functionals import GROUPS, VERSION, functionals

_NAMES = [name for units in GROUPS.values() for name in units]


def functional_set() -> FeatureSet:
    """What kser measures itself."""
    return FeatureSet(
        name="functionals",
        version=f"{VERSION} (librosa {version('librosa')})",
        source="kser, after Eyben et al. 2016, Boersma 1993, Hillenbrand et al. 1994 and Peeters 2004",
        licence="Apache-2.0",
        groups={group: list(units) for group, units in GROUPS.items()},
        measure=_measure,
        sampling_rate=RATE,
        units={name: unit for units in GROUPS.values() for name, unit in units.items() if unit},
    )


def _measure(waveform: np.ndarray) -> np.ndarray:
    features = functionals(waveform)
    return np.array([features[name] for name in _NAMES], np.float64)
