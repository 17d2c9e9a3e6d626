"""From an experiment to its runs: models × seeds, each a plain value."""

from dataclasses import dataclass
from pathlib import Path

from kser.errors import UserError
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.field_types import LARGEST_SEED
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.paths import RunPaths
from kser.files import resolve_input
from kser.pipeline.audio_cache import AudioCache
from kser.training.objectives import Objective
from kser.training.plan import TrainingPlan


@dataclass(frozen=True)
class Run:
    """One model with one seed.

    Attributes:
        experiment: what the run belongs to.
        model: the model.
        seed: of the split, initial weights, order and dropout.
        model_source: what messages call the model: its JSON.
        paths: where everything of the run is.
    """

    experiment: ExperimentDefinition
    model: ModelConfig
    seed: int
    model_source: str
    paths: RunPaths

    @property
    def config(self) -> ExperimentConfig:
        """The fields of the experiment."""
        return self.experiment.config

    @property
    def data_csv(self) -> Path:
        """Metadata of the training corpus."""
        return self.input_file(self.config.training_dataset.data_csv)

    @property
    def folder(self) -> Path:
        """Of the experiment file."""
        return self.experiment.folder

    def input_file(self, path: str) -> Path:
        """A file that the experiment names: relative to it, else to the working folder."""
        return resolve_input(path, beside=self.folder)

    @property
    def title(self) -> str:
        """What people read: model and seed."""
        return f"{self.model.name}, seed {self.seed}"

    @property
    def audio_cache(self) -> AudioCache | None:
        """Where decoded audio is kept, if anywhere."""
        folder = self.config.audio_cache
        return None if folder is None else AudioCache(resolve_input(folder))

    @property
    def training_plan(self) -> TrainingPlan:
        """The run's settings for `kser.training`."""
        eval_steps = self.model.eval_steps or self.config.eval_steps
        return TrainingPlan(
            epochs=self.model.number_of_training_epochs,
            batch_size=self.model.per_device_batch_size,
            evaluation_batch_size=self.model.batch_size,
            learning_rate=self.model.learning_rate,
            gradient_accumulation_steps=self.model.gradient_accumulation_steps,
            max_grad_norm=self.model.max_grad_norm,
            eval_steps=eval_steps,
            logging_steps=self.model.logging_steps or self.config.logging_steps,
            save_steps=self.config.save_steps or eval_steps,
            save_total_limit=self.config.save_total_limit,
            length_buckets=self.config.length_buckets,
            seed=self.seed,
            lr_scheduler=self.model.lr_scheduler,
            warmup_ratio=self.model.warmup_ratio,
            layerwise_lr_decay=self.model.layerwise_lr_decay,
            weight_decay=self.model.optimizer_weight_decay,
            ema_momentum=self.model.ema_momentum,
            best_metric=self.model.best_metric,
            early_stopping_patience=self.model.early_stopping_patience,
            early_stopping_threshold=self.model.early_stopping_threshold,
            gradual_unfreezing_epochs=self.model.gradual_unfreezing_epochs,
        )

    @property
    def objective(self) -> Objective:
        """The kind of target that the run learns, for `kser.training`."""
        return self.model.task.objective

    @property
    def shown_metric(self) -> str:
        """The validation metric that progress shows."""
        return self.config.eval_metric or self.model.task.shown_metric


def check_seed_range(low_seed: int | None, high_seed: int | None) -> None:
    """Raise `UserError` for one bound of the seeds without the other, or bounds that hold no seed."""
    if low_seed is None and high_seed is None:
        return
    if low_seed is None or high_seed is None:
        raise UserError("--low_seed and --high_seed: give both, or neither to take cross_validation")
    if not 0 <= low_seed <= high_seed <= LARGEST_SEED:
        raise UserError(
            f"--low_seed {low_seed} --high_seed {high_seed}: want 0 ≤ low_seed ≤ high_seed ≤ {LARGEST_SEED}"
        )


def plan_runs(
    experiment: ExperimentDefinition, low_seed: int | None = None, high_seed: int | None = None
) -> list[Run]:
    """The runs of an experiment, model by model.

    Args:
        experiment: validated.
        low_seed: first seed, in place of `cross_validation`.
        high_seed: last seed, itself included; both or neither are given.

    Raises:
        UserError: see `check_seed_range`; or a model's seeds go beyond the largest one.
    """
    check_seed_range(low_seed, high_seed)
    config = experiment.config
    runs = []
    for model, source in zip(experiment.models, experiment.model_sources, strict=True):
        first, last = model.seed, model.seed + config.cross_validation - 1
        if low_seed is not None and high_seed is not None:
            first, last = low_seed, high_seed
        if last > LARGEST_SEED:
            raise UserError(f"{source}: seed: {first} and those after it pass the largest, {LARGEST_SEED}")
        runs += [
            Run(experiment, model, seed, source, RunPaths.of(config, model.name, seed))
            for seed in range(first, last + 1)
        ]
    return runs
