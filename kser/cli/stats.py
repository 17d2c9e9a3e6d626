"""`kser stats`: what the runs of a study say, and what they cannot."""

from pathlib import Path
from typing import Annotated

from kser.cli.options import option, path_argument, required_path
from kser.cli.terminal import console
from kser.console import loud, print_line
from kser.errors import UserError


def stats(
    results: Annotated[
        Path | None,
        path_argument(
            "RESULTS",
            "Folder with evaluations (reports of kser eval) anywhere below, an evaluation CSV or a folder of "
            "them, or a CSV with a row a run: model_name, dataset_name, seed, measures, factors.",
        ),
    ] = None,
    input_path: Annotated[Path | None, option("input_path", "The same as RESULTS.")] = None,
    output_path: Annotated[
        Path | None,
        option(
            "output_path",
            "Folder for the tables. Without it: statistics, in RESULTS or beside that file.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        option(
            "metric",
            "Measure: uar, wa, macro_f1, ccc, ccc_arousal or any other that runs have (default: uar, else "
            "ccc, else macro_f1).",
        ),
    ] = None,
    factors: Annotated[
        str | None,
        option(
            "factors",
            "Factors between models, separated by commas. Without it: those of the model JSONs, or the text "
            "columns of a CSV.",
        ),
    ] = None,
    alpha: Annotated[float, option("alpha", "Level of the tests; intervals cover 1 − alpha.")] = 0.05,
    chance_margin: Annotated[
        float, option("chance_margin", "A run is flagged when its UAR is at most this much above chance.")
    ] = 0.02,
    n_classes: Annotated[
        int | None, option("n_classes", "Number of classes, for runs that do not record it.")
    ] = None,
    all_tables: Annotated[
        bool, option("all_tables", "Show all tables here, with all rows, and not only the main ones.")
    ] = False,
) -> None:
    """Describe and test results over seeds.

    Analysis of variance, pairwise tests, effect sizes, power. Shows the main tables, and writes all
    of them as CSV, Markdown and LaTeX. Runs at chance level are listed, and results are given with
    and without them.
    """
    source = required_path(results, input_path, "input_path")
    _check_numbers(alpha, chance_margin, n_classes)
    named = None if factors is None else [name.strip() for name in factors.split(",") if name.strip()]
    from kser.evaluation.statistics.analysis import analyse
    from kser.evaluation.statistics.rendering import show, write
    from kser.experiment.evaluating.statistics_inputs import read_results

    inputs = read_results(source, named, n_classes)
    metric = metric or inputs.main_metric
    if metric not in inputs.metrics:
        raise UserError(f"--metric: no run has {metric}; available: {', '.join(inputs.metrics) or 'none'}")
    analysis = analyse(inputs.results, inputs.factors, metric, alpha=alpha, chance_margin=chance_margin)
    analysis.notes[:0] = inputs.problems
    shown_on = console()
    with loud(shown_on):
        show(analysis, shown_on, everything=all_tables)
    folder = output_path or (source if source.is_dir() else source.parent) / "statistics"
    for path in write(analysis, folder):
        print_line(shown_on, f"written: {path}")


def _check_numbers(alpha: float, chance_margin: float, n_classes: int | None) -> None:
    mistakes = []
    if not 0 < alpha < 0.5:
        mistakes.append(f"--alpha: must be between 0 and 0.5, such as 0.05, got {alpha:g}")
    if not 0 <= chance_margin < 1:
        mistakes.append(f"--chance-margin: must be at least 0 and below 1, got {chance_margin:g}")
    if n_classes is not None and n_classes < 2:
        mistakes.append(f"--n-classes: must be at least 2, got {n_classes}")
    if mistakes:
        raise UserError("\n".join(mistakes))
