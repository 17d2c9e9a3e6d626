"""An experiment for Python programs: check it, run it, evaluate it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kser.errors import UserError
from kser.experiment.checking.study_check import CheckResult, check_study
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.loading import load_experiment
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.evaluating.evaluation_csv import newest_csv
from kser.experiment.evaluating.evaluation_summary import EvaluationSummary
from kser.experiment.runs.paths import evaluation_csv_folder
from kser.experiment.runs.planning import plan_runs
from kser.experiment.study.evaluation import evaluate
from kser.experiment.study.events import ProgressListener, ignore
from kser.experiment.study.executor import Executor, Submitter
from kser.experiment.study.results import StudyResult
from kser.experiment.study.study import checked_runs, train_experiment
from kser.experiment.study.training import record_trained


class Experiment:
    """Models × seeds on one corpus: what the commands `kser check`, `kser train` and `kser eval` do.

    Nothing is printed. Results go to the folders that the experiment names, by default `runs` and `results`
    of the working folder, where the commands find them, too.

    Args:
        config: an experiment JSON, its fields as a dictionary, or an `ExperimentConfig`. Relative input paths
            are looked for beside the file first, then in the working folder.
        models: in place of those that the field `model_files` names, each a model JSON, its fields as a
            dictionary, or a `ModelConfig`; or a model JSON or a folder of them, as that field has it.
        progress: called with each event of `check`, `run` and `evaluate`, see `kser.experiment.study.events`.

    Attributes:
        config: the validated fields of the experiment.
        models: those of the models.

    Raises:
        UserError: every mistake in the fields, a line each.

    Examples:
        >>> import kser
        >>> experiment = kser.Experiment(
        ...     {
        ...         "experiment_name": "first_steps",
        ...         "training_dataset": {"name": "synthetic", "data_csv": "corpus/metadata.csv"},
        ...     },
        ...     models=[
        ...         {
        ...             "name": "log_mel",
        ...             "model_path_or_name": "scratch:log_mel",
        ...             "number_of_training_epochs": 1,
        ...         }
        ...     ],
        ... )
        >>> experiment.check().ok
        True
        >>> result = experiment.run(seeds=range(2))
        >>> result.runs[["model", "seed", "status"]]
             model  seed   status
        0  log_mel     0  trained
        1  log_mel     1  trained
        >>> result.evaluation.results[["model_name", "dataset_name", "seed"]]
          model_name dataset_name  seed
        0    log_mel    synthetic     0
        1    log_mel    synthetic     1
        >>> list(result.evaluation.summary.columns[:5])
        ['model_name', 'dataset_name', 'runs', 'uar_mean', 'uar_sd']
        >>> classifier = kser.EmotionClassifier.from_preset(result.runs["model_path"][0])
        >>> classifier.labels
        ['anger', 'happiness', 'neutral', 'sadness']
    """

    def __init__(
        self,
        config: str | Path | Mapping[str, Any] | ExperimentConfig,
        models: Sequence[str | Path | Mapping[str, Any] | ModelConfig] | str | Path | None = None,
        progress: ProgressListener | None = None,
    ):
        self._definition = load_experiment(config, models)
        self.progress = progress

    @property
    def config(self) -> ExperimentConfig:
        return self._definition.config

    @property
    def models(self) -> tuple[ModelConfig, ...]:
        return self._definition.models

    def check(self, seeds: Iterable[int] | None = None, audio: bool = True) -> CheckResult:
        """Find out what training would find out, and what it would do; nothing is trained or written.

        Args:
            seeds: in place of those of the models and `cross_validation`.
            audio: whether to read every audio file; without, lengths of batches and damaged files remain
                unknown.

        Returns:
            `ok`, `mistakes`, `warnings`, `to_obtain` and `notes`, a line each, and the data frame `plan`.
        """
        return check_study(self._definition, seeds, audio, self.progress)

    def run(self, seeds: Iterable[int] | None = None, executor: Executor | None = None) -> StudyResult:
        """Train every model with every seed, and evaluate and draw curves as the experiment asks.

        Runs that are trained already are passed over, and an interrupted one continues where it was.

        Args:
            seeds: in place of those of the models and `cross_validation`.
            executor: does the runs, many at once, with the same results: `kser.LocalExecutor(workers=4)`,
                `kser.RayExecutor(address="auto")`; `None`: this process, one after the other.

        Returns:
            The data frame `runs`, and `evaluation` with the data frames `results` and `summary`.

        Raises:
            UserError: a mistake that can be found before training.
            IncompleteError: runs or evaluations failed, after all others were done; its `result` has these.
        """
        return train_experiment(self._definition, seeds, self.progress, executor)

    def submit(self, executor: Submitter, seeds: Iterable[int] | None = None) -> list[str]:
        """Have jobs of SLURM do what is left of the study, and evaluate it; returns when they are submitted.

        Args:
            executor: what they ask for, e.g. `kser.SlurmExecutor(workers=20, num_gpus=1)`.
            seeds: in place of those of the models and `cross_validation`.

        Returns:
            The numbers of the jobs, that of the evaluation last.

        Raises:
            UserError: a mistake that can be found before training; there is no sbatch here, or it refuses.
        """
        progress = self.progress or ignore
        return executor.submit(checked_runs(self._definition, seeds, progress), progress)

    def evaluate(self, by: Sequence[str] = (), redo: bool = False) -> EvaluationSummary:
        """Evaluate all models of the experiment that are trained, of other seeds too, on all its test sets.

        What was evaluated before is not evaluated again, unless the test set has changed or `redo` is set.

        Args:
            by: columns of the test sets whose groups are compared, besides `gender`.
            redo: evaluate again what was evaluated before.

        Returns:
            The data frames `results` and `summary`, `reports` and `warnings`.

        Raises:
            UserError: no model is trained.
            IncompleteError: evaluations failed, after all others were done; its `result` has these.
        """
        runs = plan_runs(self._definition)
        evaluation_csv = record_trained(runs) or newest_csv(evaluation_csv_folder(self.config))
        if evaluation_csv is None:
            raise UserError(f"{self.config.experiment_name}: no model is trained yet")
        cache = None if runs[0].audio_cache is None else runs[0].audio_cache.folder
        return evaluate(
            evaluation_csv,
            by=by,
            redo=redo,
            on_bad_audio=self.config.on_bad_audio,
            audio_cache=cache,
            progress=self.progress,
        )
