"""Small runs with a hyper-parameter search, and trials that are judged without training."""

import json
from pathlib import Path

import pandas as pd

from kser.experiment.config.loading import load_experiment
from kser.experiment.runs.planning import Run, plan_runs
from kser.experiment.runs.run_data import RunData, load_run_data
from kser.experiment.search.searching import SearchResult, search
from kser.pipeline.reading import WaveformReader
from kser.pipeline.waveform_format import WaveformFormat
from kser.training.training_result import TrainingResult
from tests.experiment.conftest import write_experiment

SPACE = {
    "learning_rate": {"min": 1e-4, "max": 1e-1, "sampling": "log"},
    "use_relu": {"values": [True, False]},
}
FORMAT = WaveformFormat(sampling_rate=16000, do_normalize=True, mask_padding=True, minimum_samples=512)


def run_of(folder: Path, corpus: Path, model: dict | None = None, **experiment) -> Run:
    """A run of the small log-mel model that searches."""
    fields = {"hp_amount_of_training_data": 0.5, "eval_steps": 2, **experiment}
    path = write_experiment(folder, corpus, models=["log_mel"], run_eval=False, **fields)
    file = folder / "models" / "log_mel.json"
    of_model = {"skip_hp_search": False, "hp_search_space": SPACE, "best_metric": "uar"}
    file.write_text(json.dumps({**json.loads(file.read_text()), **of_model, **(model or {})}))
    (run,) = plan_runs(load_experiment(path))
    return run


def table(run: Run) -> pd.DataFrame:
    """The trials and their results."""
    return pd.read_csv(run.paths.search / "trials.csv")


class Judge:
    """Gives an objective that follows from the values only, in place of training.

    Args:
        interrupted_at: the trial in which the process ends, so to speak.
        error: raised by every trial, if it is given.
    """

    def __init__(self, interrupted_at: int | None = None, error: Exception | None = None):
        self.interrupted_at = interrupted_at
        self.error = error
        self.trained: list[int] = []

    def __call__(self, run, parts, identity, progress) -> TrainingResult:
        number = int(identity.rpartition(" ")[2])
        self.trained.append(number)
        if number == self.interrupted_at:
            raise KeyboardInterrupt
        if self.error is not None:
            raise self.error
        far = abs(run.model.learning_rate - 0.01) + run.model.use_relu
        epochs, metric = run.model.number_of_training_epochs, run.model.best_metric
        values = {0: 9.0, 1: 0.5 * epochs / (1 + far), 2: epochs / (1 + far)}
        rows = pd.DataFrame({"step": list(values), f"val_{metric}": list(values.values())})
        run.paths.log.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(run.paths.log, index=False)
        return TrainingResult(2, 0, 0.5, metric, 9.0, False, 0.0)


def search_with(judge: Judge, run: Run, data: RunData | None = None) -> SearchResult:
    """The search of a run, judged so."""
    data = data or load_run_data(run)
    reader = WaveformReader(FORMAT, None)
    parts = {part: data.utterances(part, reader) for part in ("train", "validation")}
    return search(run, data, parts, "identity", judge)
