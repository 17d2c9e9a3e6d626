"""A run of MLflow that survives an interruption of the training run that it follows.

MLflow is no dependency of kser: it is imported when an experiment asks for it.
"""

import logging
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from kser.errors import UserError
from kser.files import is_there, read_json, write_json

logger = logging.getLogger(__name__)

# Limits of MLflow's log_batch, of all its versions: parameters in a call, characters of a value.
_PARAMETERS_AT_ONCE = 100
_LONGEST_VALUE = 500


def import_mlflow() -> Any:
    """The module mlflow.

    Raises:
        UserError: it is not installed.
    """
    try:
        return import_module("mlflow")
    except ImportError as error:
        raise UserError(
            f"mlflow: its package cannot be imported ({error}); pip install mlflow, or leave mlflow out"
        ) from None


class MlflowRun:
    """One run of MLflow.

    A file beside the log says which one it is, and how many rows of the log it has: a run that continues
    makes the rows since its last saved state once more, and MLflow would show them twice.

    Args:
        uri: tracking URI.
        file: JSON file with what must outlast the process.

    Raises:
        UserError: MLflow is not installed.
    """

    def __init__(self, uri: str, file: Path):
        self.uri = uri
        self.file = file
        self._mlflow = import_mlflow()
        self._state: dict[str, Any] = {}
        self._gave_up = False

    def begin(
        self, experiment: str, title: str, parameters: Mapping[str, Any], tags: Mapping[str, str]
    ) -> None:
        """Create the run, or find it again where tags and URI are those of the file.

        Args:
            experiment: its name; created where MLflow has none.
            title: of the run.
            parameters: settings; long values are cut.
            tags: what identifies the run.

        Raises:
            UserError: MLflow cannot be reached, or refuses.
        """
        mine = {"uri": self.uri, "tags": dict(tags)}
        before = read_json(self.file) if is_there(self.file) else {}
        try:
            self._client = self._mlflow.MlflowClient(tracking_uri=self.uri)
            if before.items() >= mine.items():
                self._client.update_run(before["run_id"], status="RUNNING")
                self._state = before
                return
            run_id = self._create(experiment, title, tags)
            self._state = {**mine, "run_id": run_id, "rows": 0}
            write_json(self.file, self._state)
            values = [
                self._mlflow.entities.Param(name, str(value)[:_LONGEST_VALUE])
                for name, value in parameters.items()
            ]
            for start in range(0, len(values), _PARAMETERS_AT_ONCE):
                self._client.log_batch(run_id, params=values[start : start + _PARAMETERS_AT_ONCE])
        except UserError:
            raise
        except Exception as error:  # of whatever store the URI leads to
            raise UserError(f"mlflow: {self.uri}: {_in_a_line(error)}") from error

    def log(self, number: int, step: int, wall_time_s: float, measures: Mapping[str, float]) -> None:
        """Log a row of the run's log, unless MLflow has it already.

        A server that does not answer must not cost the run: a warning says so, and MLflow gets no further
        rows until the run is continued.

        Args:
            number: of the row, from 0.
            step: update.
            wall_time_s: seconds since 1970.
            measures: numbers by name.
        """
        if self._gave_up or number < self._state["rows"]:
            return
        metric = self._mlflow.entities.Metric
        milliseconds = round(wall_time_s * 1000)
        try:
            self._client.log_batch(
                self._state["run_id"],
                metrics=[metric(name, value, milliseconds, step) for name, value in measures.items()],
            )
        except Exception as error:
            self._give_up(error)
            return
        self._state["rows"] = number + 1
        write_json(self.file, self._state)

    def end(self, status: str) -> None:
        """Tell MLflow how the run ended, if it ever began: "FINISHED", "FAILED" or "KILLED"."""
        if not self._state or self._gave_up:
            return
        try:
            self._client.set_terminated(self._state["run_id"], status=status)
        except Exception as error:
            self._give_up(error)

    def _create(self, experiment: str, title: str, tags: Mapping[str, str]) -> str:
        known = self._client.get_experiment_by_name(experiment)
        experiment_id = self._client.create_experiment(experiment) if known is None else known.experiment_id
        run = self._client.create_run(experiment_id, run_name=title, tags=dict(tags))
        return str(run.info.run_id)

    def _give_up(self, error: Exception) -> None:
        # Each further try would cost minutes: MLflow repeats what fails.
        self._gave_up = True
        logger.warning(
            "mlflow: %s: takes no more values: %s; training goes on, and log.csv has them all",
            self.uri,
            _in_a_line(error),
        )


def _in_a_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
