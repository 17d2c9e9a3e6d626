"""Where everything of a run is: the one place that decides it."""

from dataclasses import dataclass
from pathlib import Path

from kser.experiment.config.experiment_config import ExperimentConfig
from kser.files import resolve_input

MODEL, STATES, EVALUATION = "model", "states", "evaluation"
"""Names in the results of a run: the trained model, what `keep_states_every` keeps, and evaluations by
test set."""
# The traceback of an unexpected error, until what failed has succeeded.
ERROR_FILE = "error.txt"


@dataclass(frozen=True)
class RunPaths:
    """Folders and files of one run (one model, one seed).

    Attributes:
        work: the log and, while the run lasts, its settings.
        states: saved states, needed until the run is finished.
        results: everything that stays: `model`, `split`, `evaluation`.
    """

    work: Path
    states: Path
    results: Path

    @classmethod
    def of(cls, config: ExperimentConfig, model_name: str, seed: int) -> "RunPaths":
        """The paths of a model and seed of an experiment, absolute."""
        run = Path(config.experiment_name) / model_name / f"seed_{seed}"
        work = resolve_input(config.output_path) / run
        states = resolve_input(config.checkpoint_save_folder or config.output_path) / run
        return cls(work, states, resolve_input(config.experiment_results_output_path) / run)

    @property
    def settings(self) -> Path:
        """What an unfinished run was started with."""
        return self.work / "settings.json"

    @property
    def log(self) -> Path:
        """Losses and metrics by update, as CSV."""
        return self.work / "log.csv"

    @property
    def error(self) -> Path:
        """The traceback of an unexpected error that ended the run."""
        return self.work / ERROR_FILE

    @property
    def model(self) -> Path:
        """The trained model, a KerasHub preset folder."""
        return self.results / MODEL

    @property
    def kept_states(self) -> Path:
        """Where `keep_states_every` keeps models."""
        return self.results / STATES

    def kept_state(self, step: int) -> Path:
        """The model after an update, a folder as `model`."""
        return self.kept_states / f"step_{step:08d}"

    @property
    def split(self) -> Path:
        """The metadata of the training, validation and test part."""
        return self.results / "split"

    @property
    def search(self) -> Path:
        """What the hyper-parameter search found."""
        return self.results / "search"

    @property
    def searching(self) -> Path:
        """What the hyper-parameter search needs until the run is finished."""
        return self.work / "search"

    @property
    def search_states(self) -> Path:
        """Saved states of the present trial."""
        return self.states / "search_states"

    def trial(self, number: int) -> "TrialPaths":
        """Where a trial of the hyper-parameter search does what a run does."""
        name = f"trial_{number}"
        return TrialPaths(self.searching / name, self.search_states / name, self.searching / name)

    def evaluation(self, dataset_name: str) -> Path:
        """What the evaluation on a test set gave."""
        return self.results / EVALUATION / dataset_name


@dataclass(frozen=True)
class TrialPaths(RunPaths):
    """Folders and files of one trial of a hyper-parameter search."""

    @property
    def log(self) -> Path:
        """Losses and metrics by update; not named as a run's, so that no curve is drawn of it."""
        return self.work / "trial_log.csv"


def work_folder(config: ExperimentConfig) -> Path:
    """Where the logs of all runs of an experiment are, below a folder a model."""
    return resolve_input(config.output_path) / config.experiment_name


def results_folder(config: ExperimentConfig) -> Path:
    """Where everything that stays of an experiment is."""
    return resolve_input(config.experiment_results_output_path) / config.experiment_name


def evaluation_csv_folder(config: ExperimentConfig) -> Path:
    """Where training writes the experiment's evaluation CSV."""
    return results_folder(config) / "evaluation_csv"
