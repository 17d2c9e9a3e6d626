"""A trained model in memory, ready to say something of waveforms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from kser.audio.decoding import Sound
from kser.experiment.runs.published_model import model_provenance
from kser.experiment.runs.trained_model import Provenance, load_classifier
from kser.experiment.tasks import Task
from kser.experiment.tasks.agreement import Vocabulary
from kser.experiment.tasks.target import Target
from kser.models.feature_split import Features, split_above_backbone
from kser.pipeline.waveform_format import WaveformFormat
from kser.serving.model_audio import Batch, ModelAudio

VectorMemory = dict[tuple[Any, ...], Any]
"""What frozen backbones gave for the batches of some waveforms: models that share one compute it once."""


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

    @property
    def audio(self) -> ModelAudio:
        """How recordings are given to it."""
        return ModelAudio(self.format, self.padded_samples)

    def waveforms(self, name: str, sound: Sound) -> list[np.ndarray]:
        """A recording as the model was trained on them, float32 (samples,); its parts where it is split.

        Raises:
            UserError: it is too short, or longer than the model is to be given.
        """
        return self.audio.waveforms(name, sound)

    def decoded(
        self,
        recordings: Sequence[Sequence[np.ndarray]],
        places: int,
        memory: VectorMemory | None = None,
        report: Callable[[float], None] = lambda share: None,
    ) -> dict[str, np.ndarray]:
        """What the model says of recordings.

        The answer to one does not depend on the others, beyond rounding.

        Args:
            recordings: as `waveforms` gives them; the outputs of one's parts are averaged.
            places: of a batch, see `ModelAudio.batches`: as many are computed at a time.
            memory: shared by models that get the same recordings.
            report: gets the share of the audio that is done, 0 to 1, after each batch.

        Returns:
            By the outputs of the task's targets: float64 (recordings, values), probabilities of classes at
            the model's temperature.
        """
        waveforms = [waveform for parts in recordings for waveform in parts]
        starts = np.cumsum([0, *map(len, recordings)])[:-1]
        by_batch, done, total = [], 0, sum(map(len, waveforms))
        batches = self.audio.batches(waveforms, places)
        for batch in batches:
            outputs = self._outputs(waveforms, batch, memory)
            by_batch.append({name: values[: len(batch.indices)] for name, values in outputs.items()})
            done += sum(len(waveforms[index]) for index in batch.indices)
            report(done / total)
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
        batch = Batch(tuple(range(len(waveforms))), max(map(len, waveforms)), len(waveforms))
        return self._decode(self._outputs(waveforms, batch, None))

    def _decode(self, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {
            target.output: target.evaluation.decode(
                outputs[target.output].astype(np.float64) / self.provenance.temperature(target.output)
            )
            for target in self.task.targets
        }

    def padded_length(self, samples: int) -> int:
        """The length that a waveform is padded to, see `ModelAudio.padded_length`."""
        return self.audio.padded_length(samples)

    def _outputs(
        self, waveforms: Sequence[np.ndarray], batch: Batch, memory: VectorMemory | None
    ) -> dict[str, np.ndarray]:
        if self.backbone is None:
            with self.body.ready_made_inputs():
                outputs = self.body.predict_on_batch(self.audio.inputs(waveforms, batch))
        else:
            key, (lower, taken) = self.backbone
            memory = {} if memory is None else memory
            place = (key, self.format, batch.indices)
            if place not in memory:
                memory[place] = lower.predict_on_batch(self.audio.inputs(waveforms, batch))
            given = memory[place]
            # Not compiled: the head is small, and each of many models would be compiled anew.
            outputs = self.body({**given, "features": given["features"][..., taken]}, training=False)
        if not isinstance(outputs, dict):
            outputs = {self.body.output_names[0]: outputs}
        return {name: np.asarray(ops.convert_to_numpy(values)) for name, values in outputs.items()}
