"""Parts of a recording as recordings of their own: their names.

A part is named as in a Media Fragments URI (W3C, 2012): `dialogue.wav#t=1.25,3.5` is what `dialogue.wav`
has from 1.25 s to 3.5 s, `dialogue.wav#t=1.25` everything from there on. Wherever a path of a recording may
stand such a name may stand, so that two parts of a file are two recordings.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

_NAME = re.compile(r"(?s)(.+)#t=([0-9]+(?:\.[0-9]+)?)(?:,([0-9]+(?:\.[0-9]+)?))?")
_DECIMALS = 9


@dataclass(frozen=True)
class Segment:
    """A part of a recording.

    Attributes:
        file: path of the whole.
        start_s: seconds from its beginning.
        end_s: likewise, later; `None` for the end of the file.
    """

    file: str
    start_s: float
    end_s: float | None = None

    @property
    def name(self) -> str:
        """As a path of a recording; that of the file where it is the whole of it."""
        if not self.start_s and self.end_s is None:
            return self.file
        end = "" if self.end_s is None else f",{as_seconds(self.end_s)}"
        return f"{self.file}#t={as_seconds(self.start_s)}{end}"


def segment_of(path: str | Path) -> Segment | None:
    """The segment that a path names; `None` where it names a whole file.

    Examples:
        >>> segment_of("dialogue.wav#t=1.25,3.5")
        Segment(file='dialogue.wav', start_s=1.25, end_s=3.5)
        >>> segment_of("dialogue.wav") is None
        True
    """
    found = _NAME.fullmatch(str(path))
    if found is None:
        return None
    file, start, end = found.groups()
    return Segment(file, float(start), None if end is None else float(end))


def file_of(path: str | Path) -> str:
    """The file in which a recording is."""
    segment = segment_of(path)
    return str(path) if segment is None else segment.file


def in_other_file(path: str | Path, file: str | Path) -> str:
    """The same part of another file, say of a copy."""
    segment = segment_of(path)
    return str(file) if segment is None else replace(segment, file=str(file)).name


def equal_parts(path: str | Path, samples: int, sampling_rate: int, count: int) -> list[tuple[str, int]]:
    """Parts of one length of a recording.

    Args:
        path: a file, or a segment of one.
        samples: of it.
        sampling_rate: of its file, Hz.
        count: how many parts.

    Returns:
        Of each its name and how many samples it has; the last one ends where the recording does.
    """
    whole = segment_of(path) or Segment(str(path), 0.0)
    first = round(whole.start_s * sampling_rate)
    bounds = [round(samples * number / count) for number in range(count + 1)]
    parts = []
    for start, end in pairwise(bounds):
        end_s = whole.end_s if end == samples else (first + end) / sampling_rate
        start_s = whole.start_s if start == 0 else (first + start) / sampling_rate
        parts.append((Segment(whole.file, start_s, end_s).name, end - start))
    return parts


def as_seconds(time_s: float) -> str:
    """A time without an exponent and without zeros at its end.

    Examples:
        >>> as_seconds(3.50), as_seconds(2.0), as_seconds(0.0)
        ('3.5', '2', '0')
    """
    return f"{time_s:.{_DECIMALS}f}".rstrip("0").rstrip(".")
