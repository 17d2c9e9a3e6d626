"""The sets of expert features by name: what each has, where it is from, and how it is measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kser.errors import UserError


@dataclass(frozen=True)
class FeatureSet:
    """Features of a recording, in groups.

    Attributes:
        name: in `SETS`.
        version: of the numbers: with another one they may differ.
        source: the paper and the program.
        licence: on what terms the program may be used.
        groups: by group, the names of its features; each stands in one group.
        measure: of a waveform, float32 (samples,) at `sampling_rate`, the features in the order of `groups`,
            float64; NaN of those that cannot be told. It can be sent to another process, and raises UserError
            where nothing can be told.
        sampling_rate: Hz.
        units: by feature, where it has one.
        warning: what is to be known before its first use; empty for nothing.
    """

    name: str
    version: str
    source: str
    licence: str
    groups: Mapping[str, Sequence[str]]
    measure: Callable[[np.ndarray], np.ndarray]
    sampling_rate: int
    units: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""

    @property
    def columns(self) -> list[str]:
        """The names of all features, in the order of the groups."""
        return [column for columns in self.groups.values() for column in columns]

    def facts(self) -> dict[str, Any]:
        """What it is, for a JSON file."""
        return {
            "set": self.name,
            "version": self.version,
            "source": self.source,
            "licence": self.licence,
            "sampling_rate": self.sampling_rate,
            "groups": {group: list(columns) for group, columns in self.groups.items()},
            "units": dict(self.units),
        }


SETS = ("functionals", "egemaps", "compare")


def feature_set(name: str, accept_licence: bool = False) -> FeatureSet:
    """A set by its name.

    Args:
        name: one of `SETS`.
        accept_licence: whether the licence of the program that measures it is accepted, where that is asked.

    Raises:
        UserError: there is none of this name, its program is not installed, or its licence not accepted.
    """
    if name == "functionals":
        from kser.representations.expert_features.functionals.functional_set import functional_set

        return functional_set()
    if name in SETS:
        from kser.representations.expert_features.opensmile_sets import opensmile_set

        return opensmile_set(name, accept_licence)
    raise UserError(f"set: must be one of {', '.join(SETS)}, got {name}")
