"""A clock that tests set: what is said of the time must not depend on how fast they are."""

import time
from dataclasses import dataclass


@dataclass
class Clock:
    """Stands in for the clock that `time.monotonic` reads.

    Attributes:
        now_s: what it shows.
    """

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def set_in(self, monkeypatch) -> "Clock":
        """The same clock, in place of that of the process for the rest of a test."""
        monkeypatch.setattr(time, "monotonic", self)
        return self
