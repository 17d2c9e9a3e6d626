"""A trained model in memory, ready to say something of waveforms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from kser.audio.decoding import Sound
from kser.audio.loading import waveform_of
from kser.audio.waveform import model_inputs
from kser.errors import UserError
from kser.experiment.runs.published_model import model_provenance
from kser.experiment.runs.trained_model import Provenance, load_classifier
from kser.experiment.tasks import Task
from kser.experiment.tasks.agreement import Vocabulary
from kser.experiment.tasks.target import Target
from kser.grouping import grouped
from kser.models.feature_split import Features, split_above_backbone
from kser.pipeline.batch_plan import plan_in_order
from kser.pipeline.reading import check_long_enough
from kser.pipeline.waveform_format import WaveformFormat

# Padded lengths are multiples of a quarter to an eighth of themselves, and of this at least.
_FINEST_GRID_LOG2 = 12
_STEPS_LOG2 = 2

VectorMemory = dict[tuple[Any, ...], Any]
"""What frozen backbones gave for the batches of some waveforms: models that share one compute it once."""


@dataclass(frozen=True)
class Batch:
    """Waveforms that are given to a model together.

    Attributes:
        indices: which of the waveforms.
        samples: the length that they are padded to.
    """

    indices: tuple[int, ...]
    samples: int


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A trained model.

    Attributes:
        name: its folder, or its name.
        provenance: where it comes from.
        task: what it learned.
        head: what its head is for, by the arguments of its class.
        format: how recordings are read for it.
        maximum_samples: what it takes of a recording; `None` for all.
        padded_samples: what it pads shorter ones to itself; `None` where it does not.
        body: the model, or its layers above a frozen backbone that other models share.
        backbone: the frozen backbone, with a key that is equal where backbones are; or `None`.
    """

    name: str
    provenance: Provenance = field(repr=False)
    task: Task = field(repr=False)
    head: Mapping[str, Any]
    format: WaveformFormat
    maximum_samples: int | None
    padded_samples: int | None
    body: Any = field(repr=False)
    backbone: tuple[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def load(cls, folder: Path, shares_backbone: bool = False) -> "LoadedModel":
        """Load a model on the running backend.

        Args:
            folder: of the model, or the name of a published one.
            shares_backbone: whether other models may have the same frozen backbone.

        Raises:
            UserError: it holds no model that can be used.
        """
        provenance = model_provenance(folder)
        model = load_classifier(folder)
        body, backbone = model, None
        if shares_backbone and provenance.keeps_backbone and model.waveform_format.mask_padding:
            split = split_above_backbone(model)
            if split.kind is Features.VECTORS:
                body, backbone = split.upper, (split.key(), (split.lower, split.taken))
        return cls(
            str(folder),
            provenance,
            provenance.task,
            {name: getattr(model, name) for name in model.new_head_arguments},
            model.waveform_format,
            model.backbone.maximum_samples,
            model.backbone.padded_samples,
            body,
            backbone,
        )

    def with_backbone(self, backbone: tuple[str, Any]) -> "LoadedModel":
        """The same model on an equal frozen backbone that is in memory already."""
        return replace(self, backbone=backbone)

    def names(self, target: Target) -> list[str]:
        """What the values of a target are called, in the order of the model's output."""
        return target.names(self.head)

    @property
    def vocabulary(self) -> Vocabulary:
        """What the model can say."""
        return Vocabulary(self.name, {target.output: self.names(target) for target in self.task.targets})

    @property
    def heard_seconds(self) -> tuple[float, float]:
        """How long a recording must be for the model, and how much of it the model takes at most."""
        processing, rate = self.format.processing, self.format.sampling_rate
        longest_s = np.inf if self.maximum_samples is None else self.maximum_samples / rate
        if processing.max_seconds is not None and processing.too_long != "split":
            longest_s = min(longest_s, processing.max_seconds)
        return max(self.format.minimum_samples / rate, processing.min_seconds or 0.0), longest_s

    def waveforms(self, name: str, sound: Sound) -> list[np.ndarray]:
        """A recording as the model was trained on them, float32 (samples,); its parts where it is split.

        Raises:
            UserError: it is too short, or longer than the model is to be given.
        """
        processing, rate = self.format.processing, self.format.sampling_rate
        count = processing.parts(len(sound.samples) / sound.sampling_rate)
        parts = np.array_split(sound.samples, count)
        waveforms = [
            processing(waveform_of(name, replace(sound, samples=part), rate), rate) for part in parts
        ]
        for waveform in waveforms:
            check_long_enough(name, len(waveform), self.format)
            if count == 1 and (reason := processing.why_left_out(len(waveform), rate)):
                raise UserError(f"{name}: {reason}")
        return waveforms

    def decoded(
        self, recordings: Sequence[Sequence[np.ndarray]], places: int, memory: VectorMemory | None = None
    ) -> dict[str, np.ndarray]:
        """What the model says of recordings.

        The answer to one does not depend on the others, beyond rounding.

        Args:
            recordings: as `waveforms` gives them; the outputs of one's parts are averaged.
            places: of a batch: as many are computed at a time, whether or not all are taken.
            memory: shared by models that get the same recordings.

        Returns:
            By the outputs of the task's targets: float64 (recordings, values), probabilities of classes at
            the model's temperature.
        """
        waveforms = [waveform for parts in recordings for waveform in parts]
        starts = np.cumsum([0, *map(len, recordings)])[:-1]
        by_batch = []
        batches = self._batches(waveforms, places)
        for batch in batches:
            outputs = self._outputs(waveforms, batch, places, memory)
            by_batch.append({name: values[: len(batch.indices)] for name, values in outputs.items()})
        order = np.argsort([index for batch in batches for index in batch.indices])
        counts = np.array([len(parts) for parts in recordings])[:, None]
        in_order = {name: np.concatenate([given[name] for given in by_batch])[order] for name in by_batch[0]}
        return self._decode(
            {
                name: np.add.reduceat(values.astype(np.float64), starts, axis=0) / counts
                for name, values in in_order.items()
            }
        )

    def decoded_together(self, waveforms: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """As `decoded`, of one batch that is padded to its longest waveform, and no further."""
        batch = Batch(tuple(range(len(waveforms))), max(map(len, waveforms)))
        return self._decode(self._outputs(waveforms, batch, len(waveforms), None))

    def _decode(self, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {
            target.output: target.evaluation.decode(
                outputs[target.output].astype(np.float64) / self.provenance.temperature(target.output)
            )
            for target in self.task.targets
        }

    def padded_length(self, samples: int) -> int:
        """The length that a waveform is padded to, see the function of this name.

        What the model would pad itself is padded here, so that one program is compiled for all lengths.
        """
        fixed = self.padded_samples if self.format.mask_padding else None
        return padded_length(samples) if fixed is None or samples > fixed else fixed

    def _batches(self, waveforms: Sequence[np.ndarray], places: int) -> list[Batch]:
        lengths = [len(waveform) for waveform in waveforms]
        padded = [self.padded_length(length) for length in lengths]
        if self.format.mask_padding:
            planned = plan_in_order(lengths, sorted(set(padded)), places)
            return [Batch(batch.indices, batch.samples) for batch in planned]
        # Padding counts as sound: a recording gets as much of it whatever else is in the batch.
        return [
            Batch(tuple(indices[start : start + places]), samples)
            for samples, indices in grouped(zip(padded, range(len(padded)), strict=True)).items()
            for start in range(0, len(indices), places)
        ]

    def _outputs(
        self, waveforms: Sequence[np.ndarray], batch: Batch, places: int, memory: VectorMemory | None
    ) -> dict[str, np.ndarray]:
        def inputs() -> dict[str, np.ndarray]:
            waveform, mask = model_inputs(
                [waveforms[index] for index in batch.indices],
                do_normalize=self.format.do_normalize,
                mask_padding=self.format.mask_padding,
                samples=batch.samples,
                places=places,
            )
            return {"waveform": waveform, "padding_mask": mask}

        if self.backbone is None:
            with self.body.ready_made_inputs():
                outputs = self.body.predict_on_batch(inputs())
        else:
            key, (lower, taken) = self.backbone
            memory = {} if memory is None else memory
            place = (key, self.format, batch.indices)
            if place not in memory:
                memory[place] = lower.predict_on_batch(inputs())
            given = memory[place]
            # Not compiled: the head is small, and each of many models would be compiled anew.
            outputs = self.body({**given, "features": given["features"][..., taken]}, training=False)
        if not isinstance(outputs, dict):
            outputs = {self.body.output_names[0]: outputs}
        return {name: np.asarray(ops.convert_to_numpy(values)) for name, values in outputs.items()}


def padded_length(samples: int) -> int:
    """The length that a waveform is padded to: one of few, so that few programs are compiled.

    Between a length and its double there are four, and never is more than a quarter added, but for
    waveforms below 1 s.
    """
    grid = 1 << max(_FINEST_GRID_LOG2, (samples - 1).bit_length() - 1 - _STEPS_LOG2)
    return -(-samples // grid) * grid
