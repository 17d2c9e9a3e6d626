"""`kser predict`: what recordings express, by trained models."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kser.cli.options import console, option
from kser.console import aligned, print_line
from kser.startup import check_backend, import_keras

if TYPE_CHECKING:
    from kser.serving.predictor import Predictor, Result

BAD_RECORDINGS_STATUS = 1
_MOST_NUMBERS_SHOWN = 8


def predict(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Folder of a trained model, or of a study: all models in it as one, their mean.",
            show_default=False,
        ),
    ],
    recordings: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Audio or video files, folders, patterns, a metadata CSV, or - for standard input.",
            show_default=False,
        ),
    ],
    also: Annotated[
        list[str] | None, option("also", "A further model for the mean; may be repeated.", metavar="MODEL")
    ] = None,
    output: Annotated[
        Path | None,
        option("output", "File for the predictions, .csv, .json or .jsonl; the same command continues it."),
    ] = None,
    threshold: Annotated[
        float | None,
        option("threshold", "Probability below which a prediction is not sure (default: the model's own)."),
    ] = None,
    input_column: Annotated[str, option("input_column", "Column of a metadata CSV with the audio.")] = "path",
) -> None:
    """Say what recordings express.

    Files that cannot be used are named and passed over; the exit status is 1 then.
    """
    from kser.serving.recordings import recordings_at

    check_backend()
    paths = recordings_at(recordings, input_column)
    import_keras()
    from kser.serving.prediction_files import checked_output
    from kser.serving.predictor import load_model

    target = None if output is None else checked_output(output)
    predictor = load_model(model, *(also or ()), threshold=threshold)
    results = _shown(predictor, paths) if target is None else _written(predictor, paths, target)
    if any(not hasattr(result, "label") for result in results):
        raise typer.Exit(BAD_RECORDINGS_STATUS)


def _shown(predictor: "Predictor", paths: Sequence[str]) -> "list[Result]":
    results = list(_with_progress(predictor, paths))
    shown_on = console()
    rows = [row for result in results if (row := _row(result))]
    if rows:
        for line in aligned([list(rows[0]), *(list(row.values()) for row in rows)], 1):
            print_line(shown_on, line)
    _name_bad_ones(results)
    return results


def _written(predictor: "Predictor", paths: Sequence[str], target: Path) -> "list[Result]":
    from kser.serving.prediction_files import PredictionFile

    file = PredictionFile(target, predictor)
    missing = [path for path in paths if not file.known(path)]
    for _ in file.add(_with_progress(predictor, missing)):
        pass
    results = file.finish(paths)
    _name_bad_ones(results)
    before = len(paths) - len(missing)
    earlier = f", {before} of them before" if before else ""
    print_line(console(), f"{target}: {len(paths)} recordings{earlier}")
    return results


def _with_progress(predictor: "Predictor", paths: Sequence[str]) -> "Iterator[Result]":
    from rich.console import Console

    from kser.corpora.progress_bar import progress_bar

    shown_on = Console(stderr=True) if len(paths) > 1 else None
    with progress_bar(shown_on, "predicting", len(paths), "files") as show:
        for number, result in enumerate(predictor.predict_files(paths), 1):
            yield result
            show(number)


def _row(result: Any) -> dict[str, str]:
    """The cells of a recording that could be used."""
    if not hasattr(result, "as_row"):
        return {}
    cells = {"recording": result.recording, "s": f"{result.duration_s:.2f}"}
    if result.label is not None:
        sure = {None: "", True: "", False: "not sure"}[result.is_sure]
        cells |= {"label": result.label, "probability": f"{result.probability:.3f}", "": sure}
    if result.labels is not None:
        cells["labels"] = " ".join(result.labels) or "none"
    numbers = {**result.probabilities, **result.values}
    if len(numbers) <= _MOST_NUMBERS_SHOWN:
        cells |= {name: f"{value:.3f}" for name, value in numbers.items()}
    return cells


def _name_bad_ones(results: "Sequence[Result]") -> None:
    """What a reader must know of single recordings, on standard error."""
    for result in results:
        if reason := getattr(result, "reason", ""):
            typer.secho(f"kser: {reason}", fg="red", err=True)
        elif notes := getattr(result, "notes", ()):
            typer.secho(f"kser: {result.recording}: {'; '.join(notes)}", fg="yellow", err=True)
