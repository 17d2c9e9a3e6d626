"""The trials of a search and their results, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import keras_tuner
import pandas as pd
from keras_tuner.engine.trial import Trial as DrawnTrial
from keras_tuner.engine.trial import TrialStatus

from kser.experiment.config.search_rules import search_epochs
from kser.experiment.config.search_space import SearchSpace, with_values
from kser.experiment.runs.planning import Run
from kser.experiment.search.oracles import OBJECTIVE
from kser.spreadsheets import write_csv


@dataclass(frozen=True)
class Trial:
    """One candidate, trained on the share of the training part.

    Attributes:
        number: from 1, in the order in which they were drawn.
        values: of the searched fields.
        epochs: how many it is trained for.
        status: "running", "completed" or "failed".
        objective: the best value of the model's `best_metric` on the validation part after the first update.
        best_step: update after which it was best.
        updates: made.
        seconds: of training.
        message: why it failed.
    """

    number: int
    values: dict[str, Any]
    epochs: int
    status: Literal["running", "completed", "failed"] = "running"
    objective: float | None = None
    best_step: int | None = None
    updates: int | None = None
    seconds: float | None = None
    message: str = ""

    @classmethod
    def of(cls, drawn: DrawnTrial, run: Run, space: SearchSpace) -> "Trial":
        """A trial of the oracle, as that of a run."""
        draw = drawn.hyperparameters.values
        values = {dimension.field: dimension.value(draw[dimension.field]) for dimension in space.dimensions}
        # Hyperband draws the epochs as well.
        epochs = draw.get("tuner/epochs", search_epochs(run.config, with_values(run.model, values)))
        trial = cls(int(drawn.trial_id) + 1, values, int(epochs))
        if drawn.status == TrialStatus.RUNNING:
            return trial
        if drawn.message:
            return replace(trial, status="failed", message=drawn.message)
        result = {name: float(drawn.metrics.get_last_value(name)) for name in drawn.metrics.metrics}
        return replace(
            trial,
            status="completed",
            objective=result[OBJECTIVE],
            best_step=int(result["best_step"]),
            updates=int(result["updates"]),
            seconds=result["seconds"],
        )


def trials_of(oracle: keras_tuner.Oracle, run: Run, space: SearchSpace) -> list[Trial]:
    """All trials of an oracle, in the order in which they were drawn."""
    return [Trial.of(drawn, run, space) for drawn in oracle.trials.values()]


def best_trial(trials: Sequence[Trial], higher_is_better: bool) -> Trial | None:
    """The completed trial with the best objective, of equals the first; `None` if all failed."""
    completed = [trial for trial in trials if trial.status == "completed"]
    if not completed:
        return None
    best = max if higher_is_better else min
    return best(completed, key=lambda trial: trial.objective or 0.0)


def write_trials(path: Path, trials: Sequence[Trial], metric: str) -> None:
    """Write a CSV with a row for each trial, whole or not at all.

    Args:
        path: the file.
        trials: of a search.
        metric: what the objective is called in the table.
    """
    table = pd.DataFrame(
        [
            {
                "trial": trial.number,
                **trial.values,
                "epochs": trial.epochs,
                f"val_{metric}": trial.objective,
                "best_step": trial.best_step,
                "updates": trial.updates,
                "seconds": None if trial.seconds is None else round(trial.seconds, 2),
                "status": trial.status,
                "message": trial.message,
            }
            for trial in trials
        ]
    ).astype({"best_step": "Int64", "updates": "Int64"})
    write_csv(table, path)
