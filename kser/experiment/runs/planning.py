"""From an experiment to its runs: models × seeds, each a plain value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import index
from pathlib import Path

from kser.corpora.metadata import TableFormat
from kser.errors import UserError
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.field_types import LARGEST_SEED, MOST_SEEDS
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
    def table_format(self) -> TableFormat:
        """How the metadata of the training corpus are taken."""
        dataset = self.config.training_dataset
        return TableFormat(
            tuple(dataset.columns.items()),
            self.config.normalize_metadata,
            (dataset.split.column or "session",),
        )

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
            keep_states_every=self.model.keep_states_every,
            kept_states_limit=self._kept_states_limit,
        )

    @property
    def _kept_states_limit(self) -> int | None:
        """Its default is for states to continue from, of which one will do."""
        config = self.config
        return config.save_total_limit if "save_total_limit" in config.model_fields_set else None

    @property
    def objective(self) -> Objective:
        """The kind of target that the run learns, for `kser.training`."""
        return self.model.task.objective

    @property
    def shown_metric(self) -> str:
        """The validation metric that progress shows."""
        return self.config.eval_metric or self.model.task.shown_metric


def plan_runs(experiment: ExperimentDefinition, seeds: Iterable[int] | None = None) -> list[Run]:
    """The runs of an experiment, model by model.

    Args:
        experiment: validated.
        seeds: in place of those that the models and `cross_validation` say.

    Raises:
        UserError: seeds are not whole numbers from 0 to the largest one, or there is none.
    """
    chosen = None if seeds is None else _checked_seeds(seeds)
    config = experiment.config
    runs = []
    for model, source in zip(experiment.models, experiment.model_sources, strict=True):
        of_model = range(model.seed, model.seed + config.cross_validation) if chosen is None else chosen
        if of_model[-1] > LARGEST_SEED:
            raise UserError(
                f"{source}: seed: {model.seed} and those after it pass the largest, {LARGEST_SEED}"
            )
        runs += [
            Run(experiment, model, seed, source, RunPaths.of(config, model.name, seed)) for seed in of_model
        ]
    return runs


def first_runs(runs: Sequence[Run]) -> dict[str, Run]:
    """The first run of each model, by the model's name."""
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(run.model.name, run)
    return first


def _checked_seeds(seeds: Iterable[int]) -> list[int]:
    """Whole numbers of any kind, NumPy's too, each once."""
    try:
        whole = list(dict.fromkeys(index(seed) for seed in islice(seeds, MOST_SEEDS + 1)))
    except TypeError:
        raise UserError(f"seeds: must be whole numbers such as range(5), got {seeds!r}") from None
    if not whole:
        raise UserError("seeds: must hold at least one, got none")
    if len(whole) > MOST_SEEDS:
        raise UserError(f"seeds: must be at most {MOST_SEEDS} of them, got more")
    if wrong := [seed for seed in whole if not 0 <= seed <= LARGEST_SEED]:
        raise UserError(f"seeds: must be from 0 to {LARGEST_SEED}, got {wrong[0]}")
    return whole
