"""Training the trials of a search, and the result of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import keras_tuner
import numpy as np
import pandas as pd
from keras_tuner.engine.trial import Trial as DrawnTrial

from kser.errors import UserError
from kser.experiment.config.search_rules import in_words
from kser.experiment.config.search_space import SearchSpace, with_values
from kser.experiment.runs.planning import Run
from kser.experiment.search.oracles import OBJECTIVE, end_trial
from kser.experiment.search.trials import Trial, trials_of
from kser.pipeline.utterances import Utterances
from kser.training.events import Message, ProgressListener
from kser.training.objectives import ValidationMetric
from kser.training.training_result import TrainingResult
from kser.training.training_state import remove_states
from kser.words import duration_in_words

TrainTrial = Callable[[Run, Mapping[str, Utterances], str, ProgressListener | None], TrainingResult]
"""Builds and trains the model of a trial: its run, its two parts of the data, what it is, its listener.

It raises `TrialFailedError` where this candidate cannot be trained; any other error stops the search.
"""


class TrialFailedError(UserError):
    """A candidate that cannot be trained, e.g. because its loss is no longer a number: others may."""


@dataclass(frozen=True)
class TrialRunner:
    """Trains the trials that an oracle draws.

    Attributes:
        run: that searches.
        space: what is searched.
        metric: the objective.
        parts: training and validation part of the trials.
        identity: what the search is.
        train_trial: trains one.
        number_of_trials: how many the search makes at most.
        progress: gets the events of the trials.
    """

    run: Run
    space: SearchSpace
    metric: ValidationMetric
    parts: Mapping[str, Utterances]
    identity: str
    train_trial: TrainTrial
    number_of_trials: int
    progress: ProgressListener | None

    def __call__(self, oracle: keras_tuner.Oracle, drawn: DrawnTrial) -> None:
        """Train a trial, from where a killed process left it, and tell the oracle its result."""
        trial = Trial.of(drawn, self.run, self.space)
        name = f"trial {trial.number}/{self.number_of_trials}"
        say(self.progress, self.run, f"{name}: {in_words(trial.values)}{self._time_left(oracle)}")
        paths = self.run.paths.trial(trial.number)
        try:
            end_trial(oracle, drawn, self._result(trial, name))
        except TrialFailedError as error:
            message = str(error).splitlines()[0]
            say(self.progress, self.run, f"{name} failed: {message}")
            end_trial(oracle, drawn, None, message)
        remove_states(paths.states)

    def _time_left(self, oracle: keras_tuner.Oracle) -> str:
        """How long the rest of the search takes if trials take as long as those that are done."""
        trials = trials_of(oracle, self.run, self.space)
        seconds = [trial.seconds for trial in trials if trial.seconds is not None]
        if not seconds:
            return ""
        left = self.number_of_trials - len(trials) + 1
        return f" (about {duration_in_words(left * fmean(seconds))} left)"

    def _result(self, trial: Trial, name: str) -> dict[str, float]:
        values = {
            **trial.values,
            "number_of_training_epochs": trial.epochs,
            "keep_states_every": None,
        }
        paths = self.run.paths.trial(trial.number)
        run = replace(self.run, model=with_values(self.run.model, values), paths=paths)
        identity = f"{self.identity}, trial {trial.number}"
        try:
            result = self.train_trial(run, self.parts, identity, self._listener(f"{self.run.title}, {name}"))
        except Exception as error:
            if isinstance(error, TrialFailedError) or not is_out_of_memory(error):
                raise
            raise TrialFailedError(f"out of memory: {' '.join(str(error).split())[:200]}") from error
        best = best_evaluation(paths.log, self.metric)
        if best is None:
            raise TrialFailedError(f"val_{self.metric.name} is not a number in any evaluation")
        step, objective = best
        return {
            OBJECTIVE: objective,
            "best_step": step,
            "updates": result.updates,
            "seconds": result.seconds,
        }

    def _listener(self, title: str) -> ProgressListener | None:
        """Passes events on as those of a trial."""
        progress = self.progress
        return None if progress is None else lambda event: progress(replace(event, run=title))


def say(progress: ProgressListener | None, run: Run, text: str) -> None:
    """Report a line about the search of a run."""
    if progress is not None:
        progress(Message(run.title, text))


def best_evaluation(log: Path, metric: ValidationMetric) -> tuple[int, float] | None:
    """The best evaluation of a trial on the validation part.

    The one before the first update does not count: it says nothing about the searched values, and it may be
    the best by chance.

    Args:
        log: see `kser.training.training_log`.
        metric: what is compared.

    Returns:
        The update and the metric; `None` where it is not a number in any evaluation.
    """
    rows = pd.read_csv(log)
    values = rows[rows["step"] > 0].set_index("step")[f"val_{metric.name}"].dropna()
    values = values[np.isfinite(values)]
    if values.empty:
        return None
    step = values.idxmax() if metric.higher_is_better else values.idxmin()
    return int(step), float(values[step])


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of any backend says that memory was too small."""
    if isinstance(error, MemoryError):
        return True
    names = {cls.__name__ for cls in type(error).__mro__}
    message = str(error)
    # torch.OutOfMemoryError, tf.errors.ResourceExhaustedError; XLA's has the code in its text.
    return bool(names & {"OutOfMemoryError", "ResourceExhaustedError"}) or (
        "RESOURCE_EXHAUSTED" in message or "out of memory" in message.lower()
    )
