"""The columns `start` and `end` of tables whose rows are parts of files, as of audformat and nkululeko.

Times are those of pandas (`0 days 00:00:01.250000`), clock times (`00:00:01.25`) or seconds (`1.25`). An
empty start is the beginning of the file, an empty end its end.
"""

import re
from collections.abc import Iterable, Iterator

from kser.audio.segments import Segment
from kser.corpora.spellings import is_nothing
from kser.words import listed

SEGMENT_COLUMNS = ("start", "end")
_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
_CLOCK_TIME = re.compile(r"(?:([0-9]+) days?,? )?(?:([0-9]+):)?([0-9]+):([0-9]+(?:\.[0-9]+)?)")
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3600, 60


def segment_name(path: str, start: str, end: str) -> str:
    """The recording that a row means, see `kser.audio.segments`.

    Args:
        path: of its file.
        start: cell of the row.
        end: likewise.

    Raises:
        ValueError: a cell is no time, or the segment ends before it starts.
    """
    start_s, end_s = time_of(start) or 0.0, time_of(end)
    if end_s is not None and end_s <= start_s:
        raise ValueError(f"ends at {end!r}, but starts at {start!r}")
    return Segment(path, start_s, end_s).name


def time_of(cell: str) -> float | None:
    """A time in seconds; `None` where the cell is empty.

    Raises:
        ValueError: it is no time.

    Examples:
        >>> time_of("0 days 00:01:01.500000"), time_of("1.25"), time_of("NaT") is None
        (61.5, 1.25, True)
    """
    if is_nothing(cell):
        return None
    if _SECONDS.fullmatch(cell):
        return float(cell)
    if (clock := _CLOCK_TIME.fullmatch(cell)) is None:
        raise ValueError(f"{cell!r} is no time")
    days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
    return days * _DAY_S + hours * _HOUR_S + minutes * _MINUTE_S + seconds


def named_segments(rows: Iterable[tuple[str, str, str]], row_numbers: Iterable[int]) -> tuple[list[str], str]:
    """The recordings of rows.

    Args:
        rows: path, start and end of each.
        row_numbers: for messages.

    Returns:
        Their names, and what is wrong with the times in a line, empty for nothing.
    """
    names: list[str] = []
    found = list(_mistakes(rows, row_numbers, names))
    if not found:
        return names, ""
    return names, (
        f"start and end of segments: {listed(found, '; ')}; times are seconds (1.25) or 00:00:01.25; columns "
        "that mean something else need other names (columns in the experiment gives some)"
    )


def _mistakes(
    rows: Iterable[tuple[str, str, str]], row_numbers: Iterable[int], names: list[str]
) -> Iterator[str]:
    for number, (path, start, end) in zip(row_numbers, rows, strict=True):
        try:
            names.append(segment_name(path, start, end))
        except ValueError as error:
            names.append(path)
            yield f"row {number}: {error}"
