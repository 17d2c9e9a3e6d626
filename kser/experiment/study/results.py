"""What running a study gives: the result of each run, and that of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kser.errors import UserError
from kser.experiment.evaluating.evaluation_summary import EvaluationSummary
from kser.experiment.execution.training_run import Outcome
from kser.experiment.runs.planning import Run
from kser.experiment.runs.trained_model import PROVENANCE_FILE, load_provenance


@dataclass(frozen=True)
class RunResult:
    """The result of one run.

    Attributes:
        run: which.
        outcome: what became of it; `None` where it failed.
        error: why it failed, in a line or several.
        failed_at: "run" for a mistake in the files that kept it from beginning, "model" for one that does so
            for every run of the model, "training" for what went wrong later.
    """

    run: Run
    outcome: Outcome | None
    error: str = ""
    failed_at: Literal["model", "run", "training"] | None = None

    @property
    def failed(self) -> bool:
        """Whether it failed; the next start tries it again."""
        return self.outcome is None

    @property
    def status(self) -> str:
        """The outcome in words."""
        return "failed" if self.outcome is None else self.outcome.value


@dataclass(frozen=True)
class StudyResult:
    """What all runs of an experiment gave.

    Attributes:
        run_results: in the order of the runs.
        evaluation_csv: has a row for each trained model and test set; `None` while no model is trained.
        evaluation: of all rows of that CSV; `None` where `run_eval` is false or all of them failed.
    """

    run_results: Sequence[RunResult]
    evaluation_csv: Path | None = None
    evaluation: EvaluationSummary | None = None

    @property
    def runs(self) -> pd.DataFrame:
        """A row a run.

        Columns: `model`, `seed`, `status` ("trained", "already trained", "in another process" or
        "failed"),
        `error`; of trained models `model_path`, `updates` (how many were made), `best_step` (the update whose
        weights the model has), `best_value` (of the model's `best_metric` there) and `seconds` of training,
        which are empty for others.
        """
        return pd.DataFrame([_row(result) for result in self.run_results])

    @property
    def failures(self) -> list[RunResult]:
        """The runs that failed."""
        return [result for result in self.run_results if result.failed]


class IncompleteError(UserError):
    """Something failed, after everything else was done.

    Attributes:
        result: what was done.
    """

    def __init__(self, message: str, result: Any):
        super().__init__(message)
        self.result = result


def is_trained(run: Run) -> bool:
    """Whether a run has its trained model."""
    return (run.paths.model / PROVENANCE_FILE).is_file()


def _row(result: RunResult) -> dict[str, Any]:
    run = result.run
    row = {"model": run.model.name, "seed": run.seed, "status": result.status, "error": result.error}
    training = load_provenance(run.paths.model).training if is_trained(run) else {}
    return row | {
        "model_path": str(run.paths.model) if training else None,
        **{name: training.get(name) for name in ("updates", "best_step", "best_value", "seconds")},
    }
