"""The search of a run: trials on a share of its training part, and the run with the values of the best."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kser.errors import UserError
from kser.experiment.config.search_rules import in_words, search_epochs
from kser.experiment.config.search_space import described_space, space_of, with_values
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.experiment.search.oracles import create_oracle, drawn_trials, number_of_trials
from kser.experiment.search.plot import plot_search
from kser.experiment.search.share_of_speakers import searched_share
from kser.experiment.search.trial_runner import TrainTrial, TrialRunner, say
from kser.experiment.search.trials import Trial, best_trial, trials_of, write_trials
from kser.files import write_json
from kser.pipeline.utterances import Utterances
from kser.training.events import ProgressListener
from kser.training.objectives import ValidationMetric, metric_named


class SearchFailedError(UserError):
    """No trial came to an end."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        run: with the values of the best trial.
        summary: what was searched and the best trial, as in search.json.
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
) -> SearchResult:
    """Search, or go on where an interrupted search was; one that is complete is not done again.

    Writes trials.csv, search.json and search.png to the run's folder `search`.

    Args:
        run: which.
        data: of the run.
        parts: training and validation part; nothing else is read.
        identity: what the run is.
        train_trial: see the type.
        progress: gets the events of the search, see `kser.training.events`.

    Raises:
        SearchFailedError: every trial failed; the next start searches anew.
    """
    metric = metric_named(run.objective, run.model.best_metric)
    share = searched_share(run, data, parts["train"])
    speakers = sorted(data.rows("train").iloc[list(share.positions)]["actor"].unique().tolist())
    say(progress, run, _beginning(run, data, share, speakers))
    trial_parts = {"train": share, "validation": parts["validation"]}
    trials = _run_trials(run, metric, trial_parts, identity, train_trial, progress)
    write_trials(run.paths.search / "trials.csv", trials, metric.name)
    best = best_trial(trials, metric.higher_is_better)
    if best is None:
        forget_search(run)
        raise SearchFailedError(
            f"all {len(trials)} trials of the hyper-parameter search failed, see "
            f"{run.paths.search / 'trials.csv'}; the last one: {trials[-1].message}"
        )
    summary = _summary(run, trials, best, metric, share, speakers)
    write_json(run.paths.search / "search.json", summary)
    plot_search(run.paths.search / "search.png", trials, best, space_of(run.model), metric, run.title)
    say(progress, run, _result(trials, best, metric, run.paths.search))
    return SearchResult(replace(run, model=with_values(run.model, best.values)), summary)


def forget_search(run: Run) -> None:
    """Remove all that an unfinished search needs, and the logs of its trials."""
    for folder in (run.paths.searching, run.paths.search_states):
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def tidy_up_search(run: Run) -> None:
    """Remove what only an unfinished search needs; the logs of the trials stay."""
    _oracle_file(run).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.rmtree(run.paths.search_states)


def search_settings(run: Run) -> dict[str, Any]:
    """What decides what a search finds, besides the model JSON, for the fingerprint of the run."""
    if run.model.skip_hp_search:
        return {}
    names = {"hp_amount_of_training_data", "hp_number_of_training_epochs"}
    if run.model.hp_search_method != "hyperband":
        names.add("hp_num_trials")
    return {
        **run.config.model_dump(include=names),
        "space": described_space(run.model),
        "keras_tuner": version("keras-tuner"),
    }


def _oracle_file(run: Run) -> Path:
    return run.paths.searching / "oracle.json"


def _run_trials(
    run: Run,
    metric: ValidationMetric,
    parts: Mapping[str, Utterances],
    identity: str,
    train_trial: TrainTrial,
    progress: ProgressListener | None,
) -> list[Trial]:
    """Run the trials that are still to be run, and return all trials of the search."""
    if not _oracle_file(run).is_file():
        forget_search(run)
    method, space = run.model.hp_search_method, space_of(run.model)
    size = {"trials": run.config.hp_num_trials, "epochs": search_epochs(run.config, run.model)}
    oracle = create_oracle(
        method,
        space,
        metric.higher_is_better,
        **size,
        seed=run.seed,
        file=_oracle_file(run),
        identity=identity,
    )
    runner = TrialRunner(
        run, space, metric, parts, identity, train_trial, number_of_trials(method, space, **size), progress
    )
    for drawn in drawn_trials(oracle):
        runner(oracle, drawn)
    return trials_of(oracle, run, space)


def _summary(
    run: Run,
    trials: Sequence[Trial],
    best: Trial,
    metric: ValidationMetric,
    share: Utterances,
    speakers: list[str],
) -> dict[str, Any]:
    """What is kept of the search, in search.json and in the model."""
    return {
        "method": run.model.hp_search_method,
        "space": described_space(run.model),
        "objective": f"val_{metric.name}",
        "higher_is_better": metric.higher_is_better,
        "trials": len(trials),
        "failed": sum(trial.status == "failed" for trial in trials),
        "amount_of_training_data": run.config.hp_amount_of_training_data,
        "utterances": len(share),
        "speakers": speakers,
        "table": str(run.paths.search / "trials.csv"),
        "best": {name: value for name, value in asdict(best).items() if name != "message"},
        "keras_tuner": version("keras-tuner"),
    }


def _beginning(run: Run, data: RunData, share: Utterances, speakers: list[str]) -> str:
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
