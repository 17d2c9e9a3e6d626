"""Predictions on a terminal: a table, and what a reader must know of single recordings."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kser.cli.terminal import complain, console, warn
from kser.console import aligned, loud, print_line
from kser.words import counted

if TYPE_CHECKING:
    from kser.serving.prediction_files import Kept

_MOST_NUMBERS_SHOWN = 8


def show_predictions(results: "Sequence[Kept]") -> None:
    """Print a table with a row for each recording that could be used, or for each of its segments."""
    rows = [row for result in results for row in _rows(result)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if rows:
        shown_on = console()
        for line in aligned([columns, *([row.get(name, "") for name in columns] for row in rows)], 1):
            with loud(shown_on):
                print_line(shown_on, line)


def show_notes(results: "Sequence[Kept]") -> None:
    """Print on standard error why recordings could not be used, and what else is to be known of them."""
    for result in results:
        if reason := getattr(result, "reason", ""):
            complain(reason)
        elif notes := _notes(result):
            warn(f"{result.recording}: {'; '.join(notes)}")


def _notes(result: Any) -> Sequence[str]:
    if not hasattr(result, "segments"):
        return result.notes
    if not result.segments:
        return ["no voice found"]
    counts = Counter(note for segment in result.segments for note in segment.notes)
    return [f"{counted(count, 'segment')}: {note}" for note, count in counts.items()]


def _rows(result: Any) -> list[dict[str, str]]:
    if hasattr(result, "segments"):
        return [_place(segment) | _said(segment) for segment in result.segments]
    if not hasattr(result, "label"):
        return []
    return [{"recording": result.recording, "s": f"{result.duration_s:.2f}"} | _said(result)]


def _place(segment: Any) -> dict[str, str]:
    return {
        "recording": segment.recording,
        "start_s": f"{segment.start_s:.2f}",
        "end_s": f"{segment.end_s:.2f}",
    }


def _said(prediction: Any) -> dict[str, str]:
    cells: dict[str, str] = {}
    if prediction.label is not None:
        sure = {None: "", True: "", False: "not sure"}[prediction.is_sure]
        cells |= {"label": prediction.label, "probability": f"{prediction.probability:.3f}", "": sure}
    if prediction.labels is not None:
        cells["labels"] = " ".join(prediction.labels) or "none"
    numbers = {**prediction.probabilities, **prediction.values}
    if len(numbers) <= _MOST_NUMBERS_SHOWN:
        cells |= {name: f"{value:.3f}" for name, value in numbers.items()}
    return cells
