"""Runs that did not learn: at chance level, as a model is that gives every utterance the same label.

Fine-tuning a large speech model fails on some seeds. Such a run pulls the mean down and blows the standard
deviation up; leaving it out silently makes a model look more stable than it is. kser marks it, keeps it, and
gives the results with and without.
"""

import pandas as pd

DEFAULT_MARGIN = 0.02
"""How far above chance the UAR of a run that did not learn may be."""


def at_chance_level(results: pd.DataFrame, margin: float = DEFAULT_MARGIN) -> pd.Series:
    """Which runs have a UAR no better than constant prediction.

    The unweighted average recall of a constant prediction is 1 / (number of classes with samples), however
    the classes are distributed, so that it shows chance where the accuracy does not.

    Args:
        results: one row a run, with `uar` and `n_classes` (classes that the test set has samples of; NaN
            where unknown; fewer than two have no chance level).
        margin: a run is flagged when `uar <= 1 / n_classes + margin`.

    Returns:
        A boolean series with the index of `results`; `False` where either number is unknown.
    """
    classes = results["n_classes"].astype(float)
    chance = 1.0 / classes.where(classes >= 2)
    return results["uar"].astype(float) <= chance + margin


def chance_level_runs(results: pd.DataFrame) -> pd.DataFrame:
    """List the flagged runs.

    Args:
        results: one row a run, with `model_name`, `dataset_name`, `seed`, `uar`, `n_classes` and `at_chance`.

    Returns:
        One row a flagged run: `model_name`, `dataset_name`, `seed`, `uar`, `chance` (1 / n_classes),
        `at_chance_on` and `evaluated_on`: on how many data sets this model and seed are at chance, out of
        how many. A run that diverged is at chance everywhere; one that is so only on a hard corpus has learnt
        something that does not transfer.
    """
    flagged = results[results["at_chance"]].copy()
    flagged["chance"] = 1.0 / flagged["n_classes"].astype(float)
    runs = results.groupby(["model_name", "seed"], dropna=False)["at_chance"]
    flagged["at_chance_on"] = runs.transform("sum").loc[flagged.index].astype(int)
    flagged["evaluated_on"] = runs.transform("size").loc[flagged.index].astype(int)
    columns = ["model_name", "dataset_name", "seed", "uar", "chance", "at_chance_on", "evaluated_on"]
    return flagged[columns].reset_index(drop=True)
