"""What training a model takes: steps, shapes, memory, disk."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from kser.errors import UserError
from kser.experiment.checking.checkpoints import Checkpoint
from kser.experiment.checking.memory import MemoryEstimate, activation_bytes, estimate_memory
from kser.experiment.checking.seed_ranges import in_ranges
from kser.experiment.runs.augmenting import augmentation_plan
from kser.experiment.runs.cut_recordings import cut_notes
from kser.experiment.runs.feature_caching import frozen_part, is_kept
from kser.experiment.runs.model_building import build_model, freeze
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.experiment.runs.run_devices import devices_here
from kser.models import EmotionTask, SpeechAudioConverter, UtterancePreprocessor
from kser.models.building import build_backbone, without_values
from kser.models.computing_device import machine_memory
from kser.models.feature_split import split_above_backbone
from kser.models.freezing import ALL
from kser.pipeline.buckets import choose_bucket_lengths
from kser.pipeline.feature_cache import FeatureCache
from kser.pipeline.waveform_format import WaveformFormat
from kser.training.devices import places_of
from kser.training.fit import BUCKET_GRID_S
from kser.training.unfreezing import Unfreezing

Lengths = Mapping[str, int | UserError]
"""Samples of each audio file, or why it cannot be used."""

# Where neither data nor checkpoint are here: what nearly all published checkpoints expect.
_USUAL_FORMAT = WaveformFormat(16_000, do_normalize=True, mask_padding=True, minimum_samples=400)
_BYTES = 4
# Recordings whose usual length is so many times shorter than what they are padded to.
_MUCH_PADDING = 3
# A recording that lasts so long, and so many times longer than the usual one.
_LONG_S, _MUCH_LONGER = 60, 10


@dataclass(frozen=True)
class RunPlan:
    """What one run does.

    Attributes:
        training: utterances of the training part that can be used.
        copies: of each utterance in an epoch, by augmentation.
        batches_per_epoch: of the training part.
        updates: of the whole run.
        evaluations: on the validation part, the one before training included.
        saved_states: how often a state is saved, the one at the end included.
        lengths: that batches are padded to, in samples, ascending; empty where they are not known.
    """

    training: int
    copies: int
    batches_per_epoch: int
    updates: int
    evaluations: int
    saved_states: int
    lengths: tuple[int, ...]


@dataclass(frozen=True)
class ModelPlan:
    """What the runs of one model do.

    Attributes:
        run: the first of them.
        checkpoint: where it starts from.
        format: of the audio.
        parameters: weights of the model; `None` where the architecture is unknown.
        trained: those that are trained.
        runs: by seed; of seeds whose data are here.
        memory: of the run with the longest batches, on each device; `None` where the architecture is unknown.
        devices: how many share a batch of training.
        features: bytes that each recording of the runs takes in a cache, by cache and audio file; empty
            where no `feature_cache` is asked for, or lengths are not known.
    """

    run: Run
    checkpoint: Checkpoint
    format: WaveformFormat
    parameters: int | None
    trained: int | None
    runs: Mapping[int, RunPlan]
    memory: MemoryEstimate | None
    devices: int
    features: Mapping[tuple[FeatureCache, str], int]

    @property
    def model_bytes(self) -> int | None:
        """Size of a trained model on disk, with the states that `keep_states_every` keeps of it."""
        return None if self.parameters is None else _BYTES * self.parameters * (1 + self._kept_states)

    @property
    def _kept_states(self) -> int:
        plan = self.run.training_plan
        if plan.keep_states_every is None:
            return 0
        later = max((run.updates for run in self.runs.values()), default=0) // plan.keep_states_every
        return 1 + (later if plan.kept_states_limit is None else min(later, plan.kept_states_limit))

    @property
    def state_bytes(self) -> int | None:
        """Size of what a run keeps while it lasts: saved states and the best weights."""
        if self.memory is None:
            return None
        if not self.run.model.is_trained_by_gradient:
            return 0
        memory, plan = self.memory, self.run.training_plan
        # While a state is written the oldest one is still there.
        states = (plan.save_total_limit + 1) * (memory.weights + memory.gradients + memory.optimizer)
        return states + (1 + self._kept_states) * memory.weights

    @property
    def memory_warnings(self) -> list[str]:
        """That the longest batch takes more memory than can be had; empty where it does not."""
        if self.memory is None or not self.memory.cannot_be_had:
            return []
        longest = max(plan.lengths[-1] for plan in self.runs.values() if plan.lengths)
        seconds = longest / self.format.sampling_rate
        wanted, there_is = ((count or 0) / 1e9 for count in (self.memory.activations, machine_memory()))
        return [
            f"{self.run.model_source}: a step with recordings of {seconds:.3g} s takes about {wanted:,.0f} "
            f"GB of memory, and this machine has {there_is:,.0f} GB; give the experiment a max_seconds, or a "
            "smaller one, or the model a smaller per_device_batch_size"
        ]


class ModelFacts:
    """A model as far as it can be built here, to be asked for numbers.

    Args:
        run: a run of the model.
        checkpoint: where it starts from. What is here of it is loaded, as training does.
        data: of the run, or `None` where they are not here.

    Raises:
        UserError: the model cannot be built or the checkpoint cannot be read, with the model's file.
    """

    def __init__(self, run: Run, checkpoint: Checkpoint, data: RunData | None):
        self.run = run
        self.checkpoint = checkpoint
        self.format = _USUAL_FORMAT
        self.parameters: int | None = None
        self.trained: int | None = None
        self._model: EmotionTask | None = None
        self._features: FeatureCache | None = None
        # To continue a model is to have its classes, which only the data tell.
        if checkpoint.has_weights and (data is not None or not run.model.continue_model_training):
            head = run.model.task.typical_head() if data is None else data.head
            self._model = build_model(run, head)
        elif checkpoint.has_config:
            self._model = _without_weights(run)
        elif checkpoint.published is not None:
            self.parameters = self.trained = checkpoint.published.parameters
        if self._model is not None:
            self.format = self._model.waveform_format
            if not run.model.is_trained:
                self._model.trainable = False
            self.parameters = _count(self._model.weights)
            self.trained = _count(self._model.trainable_weights)

    def audio_notes(self, parts: Mapping[str, Sequence[int]]) -> list[str]:
        """What becomes of recordings of these lengths in the model, a line each.

        Args:
            parts: samples of each recording, by what people call the part.
        """
        if self._model is None:
            return []
        backbone: Any = self._model.backbone
        notes = cut_notes(parts, backbone, self.format)
        lengths = [length for part in parts.values() for length in part]
        padded = None if self.run.model.freeze_layers == ALL else backbone.padded_samples
        if padded is not None and lengths and (usual := median(lengths)) < padded / _MUCH_PADDING:
            rate = self.format.sampling_rate
            notes.append(
                f"every recording is padded to {padded / rate:g} s, and half of them are "
                f'shorter than {usual / rate:.2g} s; backbone_arguments: {{"pad_to_maximum": false}} '
                "computes only what there is, which fine-tuning makes up for"
            )
        return [f"{self.run.model_source}: {note}" for note in notes]

    def length_warnings(self, lengths: Lengths) -> list[str]:
        """Recordings so much longer than others that every batch with one is mostly padding, a line each.

        Args:
            lengths: of the audio files.
        """
        known = {path: length for path, length in lengths.items() if isinstance(length, int)}
        backbone: Any = None if self._model is None else self._model.backbone
        is_bounded = backbone is not None and backbone.maximum_samples is not None
        if not known or backbone is None or is_bounded or self.format.processing.max_seconds is not None:
            return []
        rate, usual = self.format.sampling_rate, median(known.values())
        return [
            f"{path}: {length / rate:.0f} s are more than {_MUCH_LONGER} times the usual length "
            f"({usual / rate:.2g} s), and each batch with it is padded to them; give max_seconds, cut it "
            "into shorter ones, or leave it out"
            for path, length in known.items()
            if length > max(_MUCH_LONGER * usual, _LONG_S * rate)
        ]

    def check_features(self) -> None:
        """Raise `UserError` where a `feature_cache` is asked for and the model has no features to keep."""
        model = self.run.model
        if self._model is not None and (model.feature_cache is not None or model.head_solver != "gradient"):
            frozen = frozen_part(self.run, self._model, self.format)
            self._features = None if frozen is None or model.feature_cache is None else frozen.cache

    def unfreezing_mistakes(self, runs: Mapping[int, RunPlan]) -> list[str]:
        """What training would say of `gradual_unfreezing_epochs`, a line for all runs that it is true of.

        Args:
            runs: by seed.
        """
        seeds: dict[str, list[int]] = {}
        for seed, plan in runs.items():
            try:
                self._check_unfreezing(plan)
            except UserError as error:
                seeds.setdefault(str(error), []).append(seed)
        return [f"{self.run.model_source}: {line} (seed {in_ranges(found)})" for line, found in seeds.items()]

    def _check_unfreezing(self, plan: RunPlan) -> None:
        settings = self.run.training_plan
        updates_per_layer = settings.updates_per_layer(plan.batches_per_epoch)
        if self._model is not None and updates_per_layer is not None:
            layers = self._model.layer_groups()
            unfreezing = Unfreezing(self._model, layers, updates_per_layer, settings.eval_steps)
            unfreezing.check_that_something_joins(plan.updates)

    def plan(self, data: Mapping[int, RunData], lengths: Lengths | None) -> ModelPlan:
        """What the runs of the model do.

        Args:
            data: of the runs, by seed.
            lengths: of the audio files; `None` where they were not asked for.
        """
        augmentation = augmentation_plan(self.run.experiment, self.run.seed)
        copies = 1 if augmentation is None else augmentation.copies
        runs = {seed: self._run_plan(run_data, copies, lengths) for seed, run_data in data.items()}
        return ModelPlan(
            self.run,
            self.checkpoint,
            self.format,
            self.parameters,
            self.trained,
            runs,
            self._memory(max((plan.lengths[-1] for plan in runs.values() if plan.lengths), default=None)),
            self._devices(),
            self._kept_features(data, lengths),
        )

    def _kept_features(
        self, data: Mapping[int, RunData], lengths: Lengths | None
    ) -> dict[tuple[FeatureCache, str], int]:
        cache = self._features
        if cache is None or lengths is None:
            return {}
        parts = [(run_data, part) for run_data in data.values() for part in ("train", "validation")]
        paths = dict.fromkeys(path for run_data, part in parts for path in run_data.rows(part)["path"])
        return {
            (cache, path): cache.stored_bytes(length)
            for path in paths
            if isinstance(length := lengths[path], int)
        }

    def _run_plan(self, data: RunData, copies: int, lengths: Lengths | None) -> RunPlan:
        plan = self.run.training_plan
        buckets: list[int] = []
        utterances = len(data.rows("train"))
        if lengths is not None:
            training, validation = (
                utterance_lengths(data.rows(part)["path"], lengths, self.format)
                for part in ("train", "validation")
            )
            utterances = len(training)
            if training:
                grid = round(BUCKET_GRID_S * self.format.sampling_rate)
                buckets = choose_bucket_lengths(training + validation, plan.length_buckets, grid)
        batches_per_epoch = -(-utterances * copies // plan.batch_size)
        model = self.run.model
        updates = plan.updates(batches_per_epoch) if model.is_trained_by_gradient else 0
        return RunPlan(
            training=utterances,
            copies=copies,
            batches_per_epoch=batches_per_epoch,
            updates=updates,
            evaluations=int(model.is_trained) + -(-updates // plan.eval_steps),
            saved_states=-(-updates // plan.save_steps),
            lengths=tuple(buckets),
        )

    def _memory(self, longest: int | None) -> MemoryEstimate | None:
        if self.parameters is None or self.trained is None:
            return None
        plan = self.run.training_plan
        activations = None
        if self._model is not None and longest is not None:
            devices = self._devices()
            at_once = 1 if self._is_computed_once() else places_of(plan.batch_size, devices) // devices
            activations = activation_bytes(self._model.backbone, at_once, longest)
        return estimate_memory(
            self.parameters,
            self.trained,
            accumulates=plan.gradient_accumulation_steps > 1,
            averages=plan.ema_momentum is not None,
            activations=activations,
        )

    def _devices(self) -> int:
        is_divided = self._model is None or not self._is_computed_once()
        return devices_here(self.run) if is_divided else 1

    def _is_computed_once(self) -> bool:
        """Whether the backbone takes each recording once, and by itself; the rest on vectors is small."""
        if self.run.model.is_trained and self.run.model.freeze_layers != ALL:
            return False
        return is_kept(self.run, split_above_backbone(self._model), self.format)


def _without_weights(run: Run) -> EmotionTask:
    """The model on a checkpoint whose weights are not here, without memory for any weight."""
    name, model = run.model.model_path_or_name, run.model
    try:
        with without_values():
            backbone: Any = build_backbone(
                name, model.backbone_arguments, model.precision, load_weights=False
            )
            freeze(backbone, model)
            converter = SpeechAudioConverter.from_preset(name)
            preprocessor = UtterancePreprocessor(converter)
            task = model.task
            built: EmotionTask = task.build_model(
                backbone, task.typical_head(), preprocessor=preprocessor, **model.head_arguments
            )
            return built
    except (UserError, ValueError) as error:  # a ValueError: arguments that do not fit together
        raise UserError(f"{run.model_source}: {error}") from error


def utterance_lengths(paths: Iterable[str], lengths: Lengths, waveform_format: WaveformFormat) -> list[int]:
    """Samples of what a model is given of recordings: one or more utterances of each that can be used."""
    rate, processing = waveform_format.sampling_rate, waveform_format.processing
    return [
        math.ceil(length / parts)
        for path in paths
        if isinstance(length := lengths[path], int)
        for parts in [processing.parts(length / rate)]
        for _ in range(parts)
    ]


def _count(weights: Sequence[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)
