"""`kser report`: a study as one HTML page."""

from pathlib import Path
from typing import Annotated

from kser.cli.options import console, option

OUTPUT_FILE = "report.html"


def report(
    input_path: Annotated[
        Path, option("input_path", "Results of an experiment, results/EXPERIMENT, as kser train writes them.")
    ],
    output_path: Annotated[
        Path | None, option("output_path", f"HTML file to write (default: {OUTPUT_FILE} in input_path).")
    ] = None,
    logs_path: Annotated[
        Path | None,
        option(
            "logs_path", "Folder with the logs (default: runs/EXPERIMENT beside results, or in this folder)."
        ),
    ] = None,
    with_audio: Annotated[
        bool,
        option(
            "with_audio", "Put recordings of the worst confusions into the page: mind the corpus's licence."
        ),
    ] = False,
) -> None:
    """Write a study as one HTML page: settings, data, curves, results, confusions, statistics.

    The page needs no other file and no network.
    """
    from kser.report.page import write_report

    path = output_path or input_path / OUTPUT_FILE
    study = write_report(input_path, path, logs=logs_path, with_audio=with_audio)
    console().print(
        f"{path}: models: {len(study.models)}, runs: {len(study.runs)}, test sets: {len(study.datasets)}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
