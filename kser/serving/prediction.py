"""What models say of one recording."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_DIGITS = 6


@dataclass(frozen=True)
class Prediction:
    """What a model, or the mean of several, says of a recording.

    What it is not asked for is `None` or empty: a regressor names no class.

    Attributes:
        recording: the file, or what else the recording is called.
        duration_s: of the recording, as it was given.
        label: the most probable class.
        probability: of that class, 0 to 1, calibrated where the model knows its temperature.
        probabilities: of all classes, or of all labels of a tagger.
        is_sure: whether the probability reaches the threshold; `None` where there is none.
        labels: those that a tagger gives.
        values: numbers of a regressor, such as arousal, in the units of its training data.
        notes: what a reader should know: faults of the sound, a part that the model did not hear.
    """

    recording: str
    duration_s: float
    label: str | None = None
    probability: float | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    is_sure: bool | None = None
    labels: tuple[str, ...] | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What it says, ready for JSON."""
        said: dict[str, Any] = {"recording": self.recording, "duration_s": round(self.duration_s, 3)}
        if self.label is not None:
            said |= {"label": self.label, "probability": self.probability}
        if self.is_sure is not None:
            said["is_sure"] = self.is_sure
        if self.labels is not None:
            said["labels"] = list(self.labels)
        said |= {name: dict(of) for name in ("probabilities", "values") if (of := getattr(self, name))}
        return said | ({"notes": list(self.notes)} if self.notes else {})

    def as_row(self) -> dict[str, Any]:
        """What it says as the cells of a table: `p_anger` for the probability of anger."""
        row: dict[str, Any] = {"recording": self.recording, "duration_s": round(self.duration_s, 3)}
        if self.label is not None and self.probability is not None:
            row |= {"label": self.label, "probability": round(self.probability, _DIGITS)}
        if self.is_sure is not None:
            row["is_sure"] = "yes" if self.is_sure else "no"
        if self.labels is not None:
            row["labels"] = " ".join(self.labels)
        row |= {f"p_{name}": round(value, _DIGITS) for name, value in self.probabilities.items()}
        row |= {name: round(value, _DIGITS) for name, value in self.values.items()}
        return row | {"notes": "; ".join(self.notes)}


@dataclass(frozen=True)
class Unusable:
    """A recording of which nothing can be said.

    Attributes:
        recording: as of a `Prediction`.
        reason: one line that names it.
    """

    recording: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"recording": self.recording, "error": self.reason}
