"""Many runs, one table: each model on each corpus, as mean and standard deviation over the runs."""

from collections.abc import Sequence

import pandas as pd

from kser.evaluation.measure_names import measure_name
from kser.evaluation.statistics.tables import mean_and_sd
from kser.markdown import markdown_table

_DIGITS = 3


def summarise(results: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Bring the runs of each model on each corpus together.

    Args:
        results: one row an evaluated run, with the columns `model_name`, `dataset_name` and `measures`;
            others are ignored.
        measures: columns that are summarised.

    Returns:
        One row a model and corpus, in order of first appearance, with `model_name`, `dataset_name`, `runs`,
        and `<measure>_mean` and `<measure>_sd` for each measure. The standard deviation is that of a
        sample (ddof = 1), NaN where there is one run. A run whose measure is missing makes both NaN,
        rather than being passed over.
    """
    groups = results.groupby(["model_name", "dataset_name"], sort=False, dropna=False)
    summary = groups.size().rename("runs").to_frame()
    for measure in measures:
        summary[f"{measure}_mean"] = groups[measure].agg(lambda values: values.mean(skipna=False))
        summary[f"{measure}_sd"] = groups[measure].agg(lambda values: values.std(ddof=1, skipna=False))
    return summary.reset_index()


def summary_header(measures: Sequence[str]) -> list[str]:
    """Titles of the columns of `summary_rows`."""
    return ["model", "corpus", "runs", *map(measure_name, measures)]


def summary_rows(summary: pd.DataFrame, measures: Sequence[str]) -> list[list[str]]:
    """The cells of a table with the columns `summary_header`, measures as `mean ± SD`."""
    return [
        [
            str(row["model_name"]),
            str(row["dataset_name"]),
            str(row["runs"]),
            *(mean_and_sd(row[f"{name}_mean"], row[f"{name}_sd"], _DIGITS) for name in measures),
        ]
        for row in summary.to_dict("records")
    ]


def summary_markdown(summary: pd.DataFrame, measures: Sequence[str]) -> str:
    """The same table in Markdown."""
    return markdown_table(summary_header(measures), summary_rows(summary, measures), text_columns=2)
