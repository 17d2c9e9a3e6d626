"""`kser predict`: what recordings express, by trained models, as a whole or when."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kser.cli.options import BAD_RECORDINGS_STATUS, FurtherModels, ModelOrStudy, Threshold, option
from kser.cli.prediction_display import show_notes, show_predictions
from kser.cli.terminal import console, progress_console
from kser.console import print_line
from kser.errors import UserError
from kser.startup import check_backend, import_keras
from kser.words import as_option, counted

if TYPE_CHECKING:
    from kser.serving.prediction_files import Kept, PredictionFile
    from kser.serving.predictor import Predictor
    from kser.serving.segments.settings import Cutting

Say = Callable[[Iterable[str], Callable[[float], None]], "Iterator[Kept]"]
"""Says what files express, one after another, and reports how many are done."""


def predict(
    model: ModelOrStudy,
    recordings: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Audio or video files, folders, patterns, a metadata CSV, or - for standard input.",
            show_default=False,
        ),
    ],
    also: FurtherModels = None,
    output: Annotated[
        Path | None,
        option(
            "output",
            "File for the predictions, .csv, .json or .jsonl (of segments also .rttm); the same command "
            "continues it.",
        ),
    ] = None,
    threshold: Threshold = None,
    input_column: Annotated[str, option("input_column", "Column of a metadata CSV with the audio.")] = "path",
    segments: Annotated[
        str | None,
        option(
            "segments",
            "Predict parts of each recording: voice (stretches of speech) or windows (overlapping ones).",
            metavar="voice|windows",
        ),
    ] = None,
    window_seconds: Annotated[
        float | None,
        option("window_seconds", "Length of a window (default: 4), or of the longest stretch of voice (8)."),
    ] = None,
    hop_seconds: Annotated[
        float | None,
        option("hop_seconds", "From the start of a window to that of the next (default: half a window)."),
    ] = None,
    figure: Annotated[
        Path | None,
        option("figure", "File for a figure of the segments of one recording over time, .png or .svg."),
    ] = None,
) -> None:
    """Predict the emotion of recordings; with --segments, over time.

    Files that cannot be used are named and passed over; the exit status is 1 then.
    """
    from kser.serving.recordings import recordings_at

    check_backend()
    cutting = _cutting(segments, window_seconds, hop_seconds, figure)
    paths = recordings_at(recordings, input_column)
    figure = None if figure is None else _checked_figure(figure, paths)
    import_keras()
    from kser.serving.predictor import load_model

    file = None if output is None else _checked_output(output, segments, recordings)
    predictor = load_model(model, *(also or ()), threshold=threshold)
    say, prediction_file = _how(predictor, cutting, file)
    results = _shown(say, paths) if prediction_file is None else _written(say, paths, prediction_file)
    show_notes(results)
    if figure is not None:
        _draw(predictor, results, figure)
    if any(hasattr(result, "reason") for result in results):
        raise typer.Exit(BAD_RECORDINGS_STATUS)


def _cutting(
    segments: str | None, window_seconds: float | None, hop_seconds: float | None, figure: Path | None
) -> "Cutting | None":
    from kser.serving.segments.settings import cutting_of

    if segments is not None:
        return cutting_of(segments, window_seconds, hop_seconds)
    needing = {"window_seconds": window_seconds, "hop_seconds": hop_seconds, "figure": figure}
    for name, value in needing.items():
        if value is not None:
            raise UserError(f"{as_option(name)} {value}: needs --segments voice or --segments windows")
    return None


def _checked_figure(figure: Path, paths: Sequence[str]) -> Path:
    from kser.files import expanded
    from kser.serving.recordings import STANDARD_INPUT

    figure = expanded(figure)
    if figure.suffix.lower() not in (".png", ".svg"):
        raise UserError(f"--figure {figure}: must end with .png, .svg")
    if figure.is_dir():
        raise UserError(f"--figure {figure}: is a folder")
    if len(paths) > 1:
        raise UserError(f"--figure {figure}: shows one recording, got {len(paths)}")
    if paths[0] == STANDARD_INPUT:
        raise UserError(f"--figure {figure}: shows a file, not standard input, which can be read only once")
    return figure


def _checked_output(output: Path, segments: str | None, given: Sequence[str]) -> Path:
    from kser.files import expanded, is_there
    from kser.serving.prediction_files import SEGMENT_SUFFIXES, SUFFIXES, checked_output

    path = checked_output(output, SUFFIXES if segments is None else SEGMENT_SUFFIXES)
    if is_there(path) and any(is_there(file) and file.samefile(path) for file in map(expanded, given)):
        raise UserError(f"--output {output}: is the metadata that was given; name another file")
    return path


def _how(
    predictor: "Predictor", cutting: "Cutting | None", output: Path | None
) -> "tuple[Say, PredictionFile | None]":
    """What says it, and what keeps it where a file is asked for."""
    from kser.serving.prediction_files import PredictionFile
    from kser.serving.segments.segmenting import segmented_files

    if output is not None and output.suffix.lower() == ".rttm" and not predictor.names_labels:
        raise UserError(f"--output {output}: the model gives numbers, and .rttm has labels; use .csv")
    file = None if output is None else PredictionFile(output, predictor, repr(cutting) if cutting else "")
    if cutting is None:
        return predictor.predict_files, file
    cutting.check(predictor)
    return partial(segmented_files, predictor, cutting), file


def _shown(say: Say, paths: Sequence[str]) -> "list[Kept]":
    results = list(_with_progress(say, paths))
    show_predictions(results)
    return results


def _written(say: Say, paths: Sequence[str], file: "PredictionFile") -> "list[Kept]":
    missing = [path for path in paths if not file.known(path)]
    for _ in file.add(_with_progress(say, missing)):
        pass
    results = file.finish(paths)
    before = len(paths) - len(missing)
    earlier = f", {before} of them before" if before else ""
    print_line(console(), f"{file.path}: {counted(len(paths), 'recording')}{earlier}")
    return results


def _with_progress(say: Say, paths: Sequence[str]) -> "Iterator[Kept]":
    from kser.progress_bar import progress_bar

    unit = "files" if len(paths) > 1 else "%"
    with progress_bar(progress_console(), "predicting", len(paths), unit) as show:
        yield from say(paths, show)


def _draw(predictor: "Predictor", results: "Sequence[Kept]", figure: Path) -> None:
    from kser.serving.segments.segment import SegmentedRecording
    from kser.serving.segments.timeline import Envelope, plot_timeline

    for result in results:
        if isinstance(result, SegmentedRecording):
            plot_timeline(result, Envelope.of_file(result.recording, predictor.sampling_rate), figure)
            print_line(console(), f"{figure}: {result.recording} over time")
