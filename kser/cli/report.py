"""`kser report`: a study as one HTML page."""

from pathlib import Path
from typing import Annotated

from kser.cli.options import option, path_argument, required_path
from kser.cli.terminal import console
from kser.console import print_line


def report(
    results: Annotated[
        Path | None,
        path_argument("RESULTS", "Results of an experiment, results/EXPERIMENT, as kser train writes them."),
    ] = None,
    input_path: Annotated[Path | None, option("input_path", "The same as RESULTS.")] = None,
    output_path: Annotated[
        Path | None, option("output_path", "HTML file to write (default: report.html in the results).")
    ] = None,
    logs_path: Annotated[
        Path | None,
        option(
            "logs_path", "Folder with the logs (default: runs/EXPERIMENT beside results, or in this folder)."
        ),
    ] = None,
    analysis: Annotated[
        Path | None,
        option("analysis", "Folder of kser analyse to show as well (default: analysis in the results)."),
    ] = None,
    with_audio: Annotated[
        bool,
        option(
            "with_audio", "Put recordings of the worst confusions into the page: mind the corpus's licence."
        ),
    ] = False,
) -> None:
    """Write a study as one HTML page.

    It shows settings, data, curves, results, confusions and statistics. The page needs no other
    file and no network.
    """
    from kser.progress_bar import bar_of_reports
    from kser.report.page import write_report

    folder = required_path(results, input_path, "input_path")
    shown_on = console()
    with (
        bar_of_reports(shown_on, "reading runs", "%") as reading,
        bar_of_reports(shown_on, "writing sections", "%") as writing,
    ):
        study, path = write_report(
            folder,
            output_path,
            logs=logs_path,
            with_audio=with_audio,
            analysis=analysis,
            reading=reading,
            writing=writing,
        )
    print_line(
        shown_on,
        f"{path}: models: {len(study.models)}, runs: {len(study.runs)}, test sets: {len(study.datasets)}",
    )
