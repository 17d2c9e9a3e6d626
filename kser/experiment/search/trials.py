"""What came of the trials of a search: kept as they begin and end, and shown as a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kser.errors import UserError
from kser.files import read_json, replacing, write_json


@dataclass(frozen=True)
class Trial:
    """One candidate, trained on the share of the training part.

    Attributes:
        number: from 1, in the order in which they were drawn.
        drawn: what the oracle drew, as it calls it.
        values: of the searched fields.
        epochs: how many it is trained for.
        status: "begun", "completed" or "failed".
        objective: the best value of the model's `best_metric` on the validation part after the first update.
        best_step: update after which it was best.
        updates: made.
        seconds: of training.
        message: why it failed.
    """

    number: int
    drawn: dict[str, Any]
    values: dict[str, Any]
    epochs: int
    status: Literal["begun", "completed", "failed"] = "begun"
    objective: float | None = None
    best_step: int | None = None
    updates: int | None = None
    seconds: float | None = None
    message: str = ""

    def ended(self, **fields: Any) -> "Trial":
        """The trial with what came of it."""
        return replace(self, **fields)


@dataclass
class TrialRecord:
    """The trials of a search on disk, so that it goes on after an interruption as if there had been none.

    Each trial is written when it begins, with its values, and when it ends. The oracles of KerasTuner have
    files of their own, which are not atomic and lack the random state of the Bayesian oracle; so a continued
    search asks a new oracle from the beginning and answers it with what is recorded here.

    Attributes:
        file: JSON.
        identity: what the search is; the record of another one is refused.
        trials: in the order in which they were drawn.
        complete: whether there are no more to come.
    """

    file: Path
    identity: str
    trials: list[Trial] = field(default_factory=list)
    complete: bool = False

    @classmethod
    def at(cls, file: Path, identity: str) -> "TrialRecord":
        """The record in a file, or a new one.

        Raises:
            UserError: that of another search is there.
        """
        if not file.is_file():
            return cls(file, identity)
        kept = read_json(file)
        if kept["identity"] != identity:
            raise UserError(
                f"{file}: belongs to a search with other settings, data or version of kser; give the "
                "experiment another experiment_name, or move its folder away"
            )
        return cls(file, identity, [Trial(**trial) for trial in kept["trials"]], kept["complete"])

    def keep(self, trial: Trial) -> None:
        """Write a trial that began or ended."""
        self.trials[trial.number - 1 :] = [trial]
        self.save()

    def finish(self) -> None:
        """Write that there are no more trials."""
        self.complete = True
        self.save()

    def save(self) -> None:
        """Write everything."""
        trials = [asdict(trial) for trial in self.trials]
        write_json(self.file, {"identity": self.identity, "complete": self.complete, "trials": trials})


def best_trial(trials: Sequence[Trial], higher_is_better: bool) -> Trial | None:
    """The completed trial with the best objective, of equals the first; `None` if all failed."""
    completed = [trial for trial in trials if trial.status == "completed"]
    if not completed:
        return None
    best = max if higher_is_better else min
    return best(completed, key=lambda trial: trial.objective or 0.0)


def trial_table(trials: Sequence[Trial], metric: str) -> pd.DataFrame:
    """One row a trial: its number, values, epochs, what came of it.

    Args:
        trials: of a search.
        metric: what the objective is called in the table.
    """
    return pd.DataFrame(
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


def write_trials(path: Path, trials: Sequence[Trial], metric: str) -> None:
    """Write `trial_table` as CSV, whole or not at all."""
    with replacing(path) as draft:
        trial_table(trials, metric).to_csv(draft, index=False)
