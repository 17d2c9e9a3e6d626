"""The search of a run: trials on a share of its training part, and the run with the values of the best."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.errors import UserError
from kser.experiment.config.search_rules import in_words, search_epochs
from kser.experiment.config.search_space import DEFAULT_SPACE, SearchSpace, space_of, with_values
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.experiment.search.oracles import Draw, ask_oracle, epochs_of, trials_in_all, values_of
from kser.experiment.search.plot import plot_search
from kser.experiment.search.share_of_speakers import searched_share
from kser.experiment.search.trials import Trial, TrialRecord, best_trial, write_trials
from kser.files import write_json
from kser.pipeline.utterances import Utterances
from kser.training.events import Message, ProgressListener
from kser.training.fit import TrainingResult
from kser.training.objectives import ValidationMetric, metric_named
from kser.training.training_state import remove_states

TrainTrial = Callable[[Run, Mapping[str, Utterances], str, ProgressListener | None], TrainingResult]
"""Builds and trains the model of a trial: its run, its two parts of the data, what it is, its listener.

It raises `TrialFailedError` where this candidate cannot be trained; any other error stops the search.
"""


class TrialFailedError(UserError):
    """A candidate that cannot be trained, say because its loss is no longer a number: others may."""


class SearchFailedError(UserError):
    """No trial came to an end."""


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        run: with the values of the best trial.
        summary: what it was and what it gave, as in search.json.
    """

    run: Run
    summary: dict[str, Any]


def search(
    run: Run,
    data: RunData,
    parts: Mapping[str, Utterances],
    identity: str,
    train_trial: TrainTrial,
    progress: ProgressListener | None = None,
) -> Found:
    """Search, or go on where an interrupted search was; one that is complete is not done again.

    Writes trials.csv, search.json and search.png to the run's folder `search`.

    Args:
        run: which.
        data: of the run.
        parts: training and validation part; nothing else is read.
        identity: what the run is.
        train_trial: see the type.
        progress: gets what there is to say, see `kser.training.events`.

    Raises:
        SearchFailedError: every trial failed; the next start searches anew.
    """
    metric = metric_named(run.objective, run.model.best_metric)
    share = searched_share(run, data, parts["train"])
    if not _record_file(run).is_file():
        forget_search(run)
    record = TrialRecord.at(_record_file(run), identity)
    if not record.complete:
        given = {"train": share, "validation": parts["validation"]}
        _say(progress, run, _beginning(run, data, share))
        _do_trials(run, record, metric, given, train_trial, progress)
    write_trials(run.paths.search / "trials.csv", record.trials, metric.name)
    best = best_trial(record.trials, metric.higher_is_better)
    if best is None:
        forget_search(run)
        raise SearchFailedError(
            f"all {len(record.trials)} trials of the hyper-parameter search failed, see "
            f"{run.paths.search / 'trials.csv'}; the last one: {record.trials[-1].message}"
        )
    summary = _summary(run, record.trials, best, metric, share, data)
    write_json(run.paths.search / "search.json", summary)
    plot_search(run.paths.search / "search.png", record.trials, best, space_of(run.model), metric, run.title)
    _say(progress, run, _result(record.trials, best, metric, run.paths.search))
    return Found(replace(run, model=with_values(run.model, best.values)), summary)


def forget_search(run: Run) -> None:
    """Remove all that an unfinished search needs, and the logs of its trials."""
    for folder in (run.paths.searching, run.paths.search_states):
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def tidy_up_search(run: Run) -> None:
    """Remove what only an unfinished search needs; the logs of the trials stay."""
    _record_file(run).unlink(missing_ok=True)
    for folder in (_tuner_folder(run), run.paths.search_states):
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def search_settings(run: Run) -> dict[str, Any]:
    """What decides what a search finds, besides the model JSON, for the fingerprint of the run."""
    if run.model.skip_hp_search:
        return {}
    names = {"hp_amount_of_training_data", "hp_number_of_training_epochs"}
    if run.model.hp_search_method != "hyperband":
        names.add("hp_num_trials")
    return {
        **run.config.model_dump(include=names),
        "space": run.model.hp_search_space or DEFAULT_SPACE,
        "keras_tuner": version("keras-tuner"),
    }


def _record_file(run: Run) -> Path:
    return run.paths.searching / "trials.json"


def _tuner_folder(run: Run) -> Path:
    return run.paths.searching / "keras_tuner"


def _do_trials(
    run: Run,
    record: TrialRecord,
    metric: ValidationMetric,
    parts: Mapping[str, Utterances],
    train_trial: TrainTrial,
    progress: ProgressListener | None,
) -> None:
    space, epochs = space_of(run.model), search_epochs(run.config, run.model)
    method, trials = run.model.hp_search_method, run.config.hp_num_trials
    ask_oracle(
        method,
        space,
        metric.higher_is_better,
        trials,
        epochs,
        run.seed,
        _tuner_folder(run),
        _Judge(
            run,
            space,
            record,
            metric,
            parts,
            train_trial,
            progress,
            in_all=trials_in_all(method, space, trials, epochs),
        ),
    )
    record.finish()


class _Judge:
    """Says what comes of a draw: from the record, or by training it.

    Args:
        run: that searches.
        space: what is searched.
        record: of the trials.
        metric: the objective.
        parts: training and validation part of the trials.
        train_trial: trains one.
        progress: gets what there is to say.
        in_all: how many trials there are at most.
    """

    def __init__(
        self,
        run: Run,
        space: SearchSpace,
        record: TrialRecord,
        metric: ValidationMetric,
        parts: Mapping[str, Utterances],
        train_trial: TrainTrial,
        progress: ProgressListener | None,
        in_all: int,
    ):
        self.run, self.space, self.record, self.metric, self.parts = run, space, record, metric, parts
        self.train_trial, self.progress, self.in_all = train_trial, progress, in_all
        self._asked = 0

    def __call__(self, draw: Draw) -> float | None:
        self._asked += 1
        if self._asked <= len(self.record.trials):
            trial = self.record.trials[self._asked - 1]
            draw.update(trial.drawn)  # on another machine the last digit of a draw may be another
        else:
            trial = self._begun(draw)
            self.record.keep(trial)
        if trial.status == "begun":
            trial = self._trained(trial)
            self.record.keep(trial)
            remove_states(self.run.paths.trial(trial.number).states)
        return trial.objective

    def _begun(self, draw: Draw) -> Trial:
        values = values_of(draw, self.space)
        all_epochs = search_epochs(self.run.config, with_values(self.run.model, values))
        return Trial(self._asked, dict(draw), values, epochs_of(draw, all_epochs))

    def _trained(self, trial: Trial) -> Trial:
        values = {**trial.values, "number_of_training_epochs": trial.epochs}
        of_trial = replace(
            self.run,
            model=with_values(self.run.model, values),
            paths=self.run.paths.trial(trial.number),
        )
        progress = _renamed(self.progress, f"{self.run.title}, trial {trial.number}/{self.in_all}")
        _say(progress, self.run, in_words(trial.values))
        identity = f"{self.record.identity}, trial {trial.number}"
        try:
            result = self.train_trial(of_trial, self.parts, identity, progress)
        except TrialFailedError as error:
            return self._failed(trial, str(error).splitlines()[0])
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return self._failed(trial, f"out of memory: {' '.join(str(error).split())[:200]}")
        best = best_evaluation(of_trial.paths.log, self.metric)
        if best is None:
            return self._failed(trial, f"val_{self.metric.name} is no number in any evaluation")
        return trial.ended(
            status="completed",
            objective=best[1],
            best_step=best[0],
            updates=result.updates,
            seconds=result.seconds,
        )

    def _failed(self, trial: Trial, message: str) -> Trial:
        _say(self.progress, self.run, f"trial {trial.number}/{self.in_all} failed: {message}")
        return trial.ended(status="failed", message=message)


def best_evaluation(log: Path, metric: ValidationMetric) -> tuple[int, float] | None:
    """The best evaluation of a trial on the validation part.

    That before the first update does not count: it says nothing of the values that are searched, and it may
    be the best by chance.

    Args:
        log: see `kser.training.training_log`.
        metric: what is compared.

    Returns:
        The update and the metric; `None` where it is no number in any evaluation.
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
    told = str(error)
    # torch.OutOfMemoryError, tf.errors.ResourceExhaustedError; XLA's has the code in its text.
    return bool(names & {"OutOfMemoryError", "ResourceExhaustedError"}) or (
        "RESOURCE_EXHAUSTED" in told or "out of memory" in told.lower()
    )


def _summary(
    run: Run,
    trials: Sequence[Trial],
    best: Trial,
    metric: ValidationMetric,
    share: Utterances,
    data: RunData,
) -> dict[str, Any]:
    """What stays of the search, in search.json and in the model."""
    return {
        "method": run.model.hp_search_method,
        "space": run.model.hp_search_space or DEFAULT_SPACE,
        "objective": f"val_{metric.name}",
        "higher_is_better": metric.higher_is_better,
        "trials": len(trials),
        "failed": sum(trial.status == "failed" for trial in trials),
        "amount_of_training_data": run.config.hp_amount_of_training_data,
        "utterances": len(share),
        "speakers": _speakers(data, share),
        "table": str(run.paths.search / "trials.csv"),
        "best": {name: value for name, value in asdict(best).items() if name not in ("drawn", "message")},
        "keras_tuner": version("keras-tuner"),
    }


def _speakers(data: RunData, utterances: Utterances) -> list[str]:
    """Who is heard in some utterances of the training part."""
    return sorted(data.rows("train").iloc[list(utterances.positions)]["actor"].unique().tolist())


def _beginning(run: Run, data: RunData, share: Utterances) -> str:
    speakers = _speakers(data, share)
    return (
        f"hyper-parameter search ({run.model.hp_search_method}): trials on {len(share)} of "
        f"{len(data.rows('train'))} training utterances, of {len(speakers)} of "
        f"{data.rows('train')['actor'].nunique()} speakers"
    )


def _result(trials: Sequence[Trial], best: Trial, metric: ValidationMetric, folder: Path) -> str:
    failed = sum(trial.status == "failed" for trial in trials)
    return (
        f"search: best of {len(trials)} trials{f', {failed} of them failed' if failed else ''}: "
        f"trial {best.number}, {in_words(best.values)}: val_{metric.name} {best.objective:.4g}; see {folder}"
    )


def _renamed(progress: ProgressListener | None, title: str) -> ProgressListener | None:
    """Passes events on as those of a trial."""
    return None if progress is None else lambda event: progress(replace(event, run=title))


def _say(progress: ProgressListener | None, run: Run, text: str) -> None:
    if progress is not None:
        progress(Message(run.title, text))
