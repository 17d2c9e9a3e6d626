"""What models say of the parts of a long recording."""

from dataclasses import dataclass
from typing import Any

from kser.serving.prediction import Prediction

_DIGITS = 3
NO_VOICE = "no voice found"
_NAMED = ("recording", "duration_s")


@dataclass(frozen=True, kw_only=True)
class Segment(Prediction):
    """What a model, or the mean of several, says of a part of a recording.

    Of a part that would be refused as a recording, because it is silent or too short say, it says nothing:
    there is no label, no probability and no value, and the reason is in `notes`.

    Attributes:
        start_s: seconds from the beginning of the recording.
        end_s: likewise.
    """

    start_s: float
    end_s: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said of it."""
        return not self.probabilities and not self.values

    def as_json(self) -> dict[str, Any]:
        return self._placed(super().as_json())

    def as_row(self) -> dict[str, Any]:
        return self._placed(super().as_row())

    def _placed(self, said: dict[str, Any]) -> dict[str, Any]:
        place = {"start_s": round(self.start_s, _DIGITS), "end_s": round(self.end_s, _DIGITS)}
        rest = {name: value for name, value in said.items() if name not in _NAMED}
        return {"recording": self.recording, **place, **rest}


@dataclass(frozen=True)
class SegmentedRecording:
    """A recording with its segments.

    Attributes:
        recording: the file, or what else the recording is called.
        duration_s: of the whole.
        segments: in order; none where nobody speaks.
    """

    recording: str
    duration_s: float
    segments: tuple[Segment, ...]

    def as_json(self) -> list[dict[str, Any]]:
        """Its segments, ready for JSON, or that it has none."""
        return [segment.as_json() for segment in self.segments] or [self._none | {"notes": [NO_VOICE]}]

    def as_rows(self) -> list[dict[str, Any]]:
        """Its segments as rows of a table, or that it has none."""
        return [segment.as_row() for segment in self.segments] or [self._none | {"notes": NO_VOICE}]

    @property
    def _none(self) -> dict[str, Any]:
        return {"recording": self.recording, "start_s": 0.0, "end_s": round(self.duration_s, _DIGITS)}
