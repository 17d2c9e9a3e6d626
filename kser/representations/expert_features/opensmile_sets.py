"""The sets that openSMILE measures: eGeMAPS and ComParE."""

import os
import re
import warnings
from functools import cache, partial
from typing import Any

import numpy as np

from kser.errors import UserError, install_extra
from kser.representations.expert_features.feature_set import FeatureSet

ACCEPTING = "KSER_ACCEPT_OPENSMILE_LICENCE"
"""Environment variable that accepts the licence with the value 1."""
_RATE = 16_000
_LICENCE = "audEERING Research License: for research and private use, not for commercial products"
_NAMES = {"egemaps": "eGeMAPSv02", "compare": "ComParE_2016"}
_SOURCES = {
    "egemaps": "eGeMAPS v02 (Eyben et al. 2016)",
    "compare": "ComParE 2016 (Schuller et al. 2016, Weninger et al. 2013)",
}
# By what a feature's name begins with, its group in tables of Eyben et al. (2016), section 3.
_GROUPS_OF_EGEMAPS = {
    "frequency": r"F0semitone|jitter|F[123](frequency|bandwidth)",
    "energy": r"shimmer|loudness_|HNR|equivalentSoundLevel",
    "spectral": r"alphaRatio|hammarberg|slope|spectralFlux|mfcc|logRelF0|F[123]amplitude",
    "temporal": r"loudnessPeaks|Voiced|MeanVoiced|StddevVoiced|MeanUnvoiced|StddevUnvoiced",
}
_DESCRIPTOR = re.compile(r"(pcm_fftMag_|pcm_)?(?P<name>.+?)_sma")


def opensmile_set(name: str, accept_licence: bool = False) -> FeatureSet:
    """A set that openSMILE measures, of the waveform at 16 kHz.

    Groups of eGeMAPS are those of its paper; those of ComParE are its low-level descriptors, each with its
    bands or coefficients and their changes.

    Args:
        name: egemaps or compare.
        accept_licence: see `feature_set`; the environment variable `ACCEPTING` does it too.

    Raises:
        UserError: openSMILE is not installed, or its licence not accepted.
    """
    if not accept_licence and os.environ.get(ACCEPTING) != "1":
        raise UserError(
            f"{name}: openSMILE is under the {_LICENCE} (its features neither); accept that with "
            f"--accept-licence or {ACCEPTING}=1"
        )
    smile = _smile(name)
    version = _opensmile().__version__
    group_of = _group_of_egemaps if name == "egemaps" else _group_of_compare
    groups: dict[str, list[str]] = {}
    for column in smile.feature_names:
        groups.setdefault(group_of(column), []).append(column)
    order = {column: place for place, column in enumerate(smile.feature_names)}
    return FeatureSet(
        name=name,
        version=f"openSMILE {version}",
        source=f"{_SOURCES[name]}, by openSMILE {version} (Eyben et al. 2010)",
        licence=_LICENCE,
        groups=groups,
        measure=partial(_measure, name, tuple(order[column] for each in groups.values() for column in each)),
        sampling_rate=_RATE,
        warning=f"openSMILE {version} measures {name}, under the {_LICENCE}",
    )


def _measure(name: str, places: tuple[int, ...], waveform: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too short: said below
        features = _smile(name).process_signal(waveform, _RATE).to_numpy(np.float64)[0]
    if np.isnan(features).all():
        raise UserError("is too short for openSMILE")
    return np.asarray(features[list(places)])


@cache
def _smile(name: str) -> Any:
    opensmile = _opensmile()
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet[_NAMES[name]],
        feature_level=opensmile.FeatureLevel.Functionals,
    )


def _opensmile() -> Any:
    try:
        import opensmile
    except ImportError as error:
        raise UserError(f"not installed: openSMILE; {install_extra('opensmile')}") from error
    return opensmile


def _group_of_egemaps(column: str) -> str:
    return next(group for group, pattern in _GROUPS_OF_EGEMAPS.items() if re.match(pattern, column))


def _group_of_compare(column: str) -> str:
    found = _DESCRIPTOR.match(column)
    assert found is not None
    return found["name"]
