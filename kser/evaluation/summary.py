"""Many runs, one table: each model on each corpus, as mean and standard deviation over the runs."""

import pandas as pd

MEASURES = {"uar": "UAR", "wa": "WA", "macro_f1": "macro F1"}
"""Columns of a result that are summarised, and how a table calls them."""

SUMMARY_HEADER = ["model", "corpus", "runs", *MEASURES.values()]
"""Titles of the columns of `summary_rows`."""


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Bring the runs of each model on each corpus together.

    Args:
        results: one row an evaluated run, with the columns `model_name`, `dataset_name`, `uar`, `wa` and
            `macro_f1`; others are left alone.

    Returns:
        One row a model and corpus, in order of first appearance, with `model_name`, `dataset_name`, `runs`,
        and `<measure>_mean` and `<measure>_sd` for each measure. The standard deviation is that of a
        sample (ddof = 1), NaN where there is one run. A run whose measure is missing makes both NaN,
        rather than being passed over.
    """
    groups = results.groupby(["model_name", "dataset_name"], sort=False, dropna=False)
    summary = groups.size().rename("runs").to_frame()
    for measure in MEASURES:
        summary[f"{measure}_mean"] = groups[measure].agg(lambda values: values.mean(skipna=False))
        summary[f"{measure}_sd"] = groups[measure].agg(lambda values: values.std(ddof=1, skipna=False))
    return summary.reset_index()


def summary_rows(summary: pd.DataFrame) -> list[list[str]]:
    """The cells of a table with the columns `SUMMARY_HEADER`, measures as `mean ± SD`."""
    return [
        [
            str(row["model_name"]),
            str(row["dataset_name"]),
            str(row["runs"]),
            *(_mean_and_sd(row[f"{measure}_mean"], row[f"{measure}_sd"]) for measure in MEASURES),
        ]
        for row in summary.to_dict("records")
    ]


def summary_markdown(summary: pd.DataFrame) -> str:
    """The same table in Markdown."""
    alignment = ["---", "---", *["---:"] * (len(SUMMARY_HEADER) - 2)]
    rows = [[cell.replace("|", r"\|") for cell in row] for row in summary_rows(summary)]
    return "".join(f"| {' | '.join(row)} |\n" for row in [SUMMARY_HEADER, alignment, *rows])


def _mean_and_sd(mean: float, sd: float) -> str:
    return f"{mean:.3f}" if pd.isna(sd) else f"{mean:.3f} ± {sd:.3f}"
