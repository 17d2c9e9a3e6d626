"""`kser graph`: training curves."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from kser.cli.options import option, path_argument, required_path
from kser.cli.terminal import console
from kser.console import print_line, print_note

OUTPUT_FILE = "training_curves.png"


class Band(StrEnum):
    """What the band around a mean over seeds says."""

    sd = "sd"
    ci = "ci"


def graph(
    logs: Annotated[
        Path | None,
        path_argument("LOGS", "Folder with the logs of runs (log.csv, TensorBoard event files), or one log."),
    ] = None,
    input_path: Annotated[Path | None, option("input_path", "The same as LOGS.")] = None,
    output_path: Annotated[
        Path | None,
        option("output_path", f"PNG, SVG or PDF to write (default: {OUTPUT_FILE} beside the logs)."),
    ] = None,
    metric: Annotated[
        str | None, option("metric", "Validation metric (default: val_uar, else the first found).")
    ] = None,
    band: Annotated[
        Band, option("band", "Around the mean over seeds: standard deviation, or 95% interval of the mean.")
    ] = Band.sd,
    show: Annotated[bool, option("show", "Open a window; writes a file only with --output-path.")] = False,
) -> None:
    """Draw training curves.

    The validation metric and the losses of every model, mean and band over seeds.
    """
    from kser.evaluation.curve_files import read_training_curves
    from kser.evaluation.curves import (
        find_metric,
        plot_training_curves,
        runs_without,
        show_training_curves,
    )

    folder = required_path(logs, input_path, "input_path")
    curves, notes = read_training_curves(folder)
    metric = find_metric(curves, metric)
    notes += [f"{run}: has no {metric}" for run in runs_without(curves, metric)]
    shown_on = console()
    for note in notes:
        print_note(shown_on, note)
    title = f"Training curves: {folder.resolve().name}"
    if output_path is None and not show:
        output_path = (folder if folder.is_dir() else folder.parent) / OUTPUT_FILE
    if output_path is not None:
        plot_training_curves(curves, output_path, metric=metric, band=band.value, title=title)
        runs = len(curves[["model", "seed"]].drop_duplicates())
        print_line(shown_on, f"{output_path}: models: {curves['model'].nunique()}, runs: {runs}")
    if show:
        show_training_curves(curves, metric=metric, band=band.value, title=title)
