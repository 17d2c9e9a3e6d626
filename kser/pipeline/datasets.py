"""Planned batches → Grain data sets (and a `tf.data` face of the same elements).

An element is `(inputs, targets, weights)`: inputs `{"waveform": float32 (batch, samples), "padding_mask":
bool (batch, samples)}`, or, of utterances with stored features, `{"features": float16 (batch, frames,
channels), "frame_mask": bool (batch, frames)}`, vectors in the place of frames as float32; targets as the
utterances have them, (batch, …), or a dict of such arrays; weights float32 (batch,): 1 for an utterance, 0
for an empty place.
The batch size never varies: a batch that is not full has empty places at its end, whose weight keeps them out
of loss and metrics and whose mask keeps them out of the model's statistics.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np

from kser.audio.waveform import model_inputs
from kser.errors import UserError
from kser.pipeline.augmenting import AugmentationPlan
from kser.pipeline.batch_plan import PartsOfBatches, PlannedBatch
from kser.pipeline.utterances import TargetArrays, Utterances, map_targets

# Decoding releases Python's lock: a few threads keep a training step fed without worker processes.
READER_THREADS = 4
PREFETCHED_BATCHES = 8

Element = tuple[dict[str, np.ndarray], TargetArrays, np.ndarray]


class ArraySpec(NamedTuple):
    """Shape, `None` for the axes whose length may differ from batch to batch, and type of an array."""

    shape: tuple[int | None, ...]
    dtype: np.dtype


class Batches(Protocol):
    """Planned batches by number: a list, or `ShuffledBatches`."""

    def __getitem__(self, step: int, /) -> PlannedBatch: ...


class BatchSource:
    """Random access to the elements of steps `start` … `stop - 1`, as Grain expects of a source.

    An element depends only on its step, whichever thread or process makes it.

    Args:
        utterances: where the audio is.
        batches: which utterances make which step. With augmentation, the indices count its copies too: index
            `copy * len(utterances) + utterance`.
        batch_size: places in every batch.
        start: first step.
        stop: the step after the last.
        augmentation: what is done to training data, or `None`; there is none for stored features.
        joined: how many steps an element holds, one after another along a new first axis of every array; of
            one step alone there is no such axis. More than one requires vectors.
    """

    def __init__(
        self,
        utterances: Utterances,
        batches: Batches,
        batch_size: int,
        start: int,
        stop: int,
        augmentation: AugmentationPlan | None = None,
        joined: int = 1,
    ):
        if augmentation is not None and utterances.features is not None:
            raise ValueError("`augmentation` requires audio. Received: utterances with stored features")
        self._vectors = utterances.vectors()
        if joined > 1 and self._vectors is None:
            raise ValueError(f"`joined` requires vectors. Received: joined={joined}, utterances without")
        self.utterances = utterances
        self.batches = batches
        self.batch_size = batch_size
        self.start = start
        self.stop = stop
        self.augmentation = augmentation
        self.joined = joined

    def __len__(self) -> int:
        return (self.stop - self.start) // self.joined

    def __getitem__(self, index: Any) -> Element:
        first = self.start + int(index) * self.joined
        if self._vectors is not None:
            return self._of_vectors(self._vectors, range(first, first + self.joined))
        batch = self.batches[first]
        used = len(batch.indices)
        inputs = self._waveforms(batch) if self.utterances.features is None else self._features(batch)
        targets = map_targets(lambda values: self._in_places(values, batch), self.utterances.targets)
        weights = np.zeros(self.batch_size, np.float32)
        weights[:used] = 1.0
        return inputs, targets, weights

    def _of_vectors(self, vectors: np.ndarray, steps: range) -> Element:
        """All steps of an element at once."""
        places = np.zeros((len(steps), self.batch_size), np.int64)
        used = np.zeros(places.shape, bool)
        for row, step in enumerate(steps):
            indices = self.batches[step].indices
            places[row, : len(indices)], used[row, : len(indices)] = indices, True
        if self.joined == 1:
            places, used = places[0], used[0]

        def in_places(of_all: np.ndarray) -> np.ndarray:
            values = of_all[places]
            values[~used] = 0
            return values

        mask = np.repeat(used[..., None], vectors.shape[1], axis=-1)
        inputs = {"features": in_places(vectors), "frame_mask": mask}
        return inputs, map_targets(in_places, self.utterances.targets), used.astype(np.float32)

    @property
    def spec(self) -> tuple[dict[str, ArraySpec], Any, ArraySpec]:
        """What every element is."""
        features = self.utterances.features
        of_batch_and_time = (None, None)
        if features is None:
            inputs = {
                "waveform": ArraySpec(of_batch_and_time, np.dtype(np.float32)),
                "padding_mask": ArraySpec(of_batch_and_time, np.dtype(bool)),
            }
        else:
            inputs = {
                "features": ArraySpec((*of_batch_and_time, features.taken_channels), features.dtype),
                "frame_mask": ArraySpec(of_batch_and_time, np.dtype(bool)),
            }
        return (
            inputs,
            map_targets(
                lambda values: ArraySpec((None, *values.shape[1:]), values.dtype), self.utterances.targets
            ),
            ArraySpec((None,), np.dtype(np.float32)),
        )

    def _in_places(self, of_all: np.ndarray, batch: PlannedBatch) -> np.ndarray:
        """The targets of a batch; empty places are zeros."""
        targets = np.zeros((self.batch_size, *of_all.shape[1:]), of_all.dtype)
        targets[: len(batch.indices)] = of_all[[i % len(self.utterances) for i in batch.indices]]
        return targets

    def _waveforms(self, batch: PlannedBatch) -> dict[str, np.ndarray]:
        audio_format = self.utterances.format
        sound, mask = model_inputs(
            [self._waveform(i, batch) for i in batch.indices],
            do_normalize=audio_format.do_normalize,
            mask_padding=audio_format.mask_padding,
            samples=batch.samples,
            places=self.batch_size,
        )
        return {"waveform": sound, "padding_mask": mask}

    def _features(self, batch: PlannedBatch) -> dict[str, np.ndarray]:
        stored = self.utterances.features
        assert stored is not None
        shape = (self.batch_size, stored.frames(batch.samples))
        features, mask = np.zeros((*shape, stored.taken_channels), stored.dtype), np.zeros(shape, bool)
        for place, index in enumerate(batch.indices):
            own = stored(self.utterances.paths[index])
            features[place, : len(own)] = own
            mask[place, : len(own)] = True
        return {"features": features, "frame_mask": mask}

    def _waveform(self, index: int, batch: PlannedBatch) -> np.ndarray:
        """One utterance of a batch, not longer than the batch and long enough for the model."""
        copy, utterance = divmod(index, len(self.utterances))
        waveform = self.utterances.reader(self.utterances.paths[utterance])
        audio_format = self.utterances.format
        if self.augmentation is not None:
            place = self.utterances.positions[utterance]
            try:
                waveform = self.augmentation.augmented(
                    waveform, audio_format.sampling_rate, utterance=place, copy=copy, epoch=batch.epoch
                )
            except UserError as error:
                raise UserError(f"{self.utterances.paths[utterance]}: {error}") from error
        # What an augmentation (slower speech, say) adds beyond the batch's length is cut.
        waveform = waveform[: batch.samples]
        missing = audio_format.minimum_samples - len(waveform)
        return np.pad(waveform, (0, missing)) if missing > 0 else waveform


def training_dataset(
    utterances: Utterances,
    batches: Any,
    start: int,
    stop: int,
    augmentation: AugmentationPlan | None = None,
    workers: int = 0,
    joined: int = 1,
    places: range | None = None,
) -> Any:
    """Steps `start` … `stop - 1` of training as a data set that `keras.Model.fit` takes.

    Args:
        utterances: the training part.
        batches: `ShuffledBatches` over it (and, with augmentation, its copies).
        start: step to begin or to continue with.
        stop: the step after the last.
        augmentation: what is done to the utterances, or `None`.
        workers: processes that make the batches; 0 for threads. The elements are the same. With workers the
            data set has a method `close`, see `closed_at_the_end`. Vectors need none of them.
        joined: see `BatchSource`.
        places: of every batch, those that the data set has: more than utterances where some are to be empty,
            a part of them where several processes share a batch; `None`: as many as utterances.
    """
    places = range(batches.batch_size) if places is None else places
    parts = PartsOfBatches(batches, places)
    source = BatchSource(utterances, parts, len(places), start, stop, augmentation, joined)
    return _dataset(source, workers=workers)


def evaluation_dataset(utterances: Utterances, batches: Sequence[PlannedBatch], places: int | range) -> Any:
    """The batches of `plan_in_order`, again and again: `evaluate` and `predict` are given how many to take.

    Keras would otherwise warn that the data ran out at the end of every evaluation.

    Args:
        utterances: the part.
        batches: planned.
        places: of every batch, how many, or those that the data set has, see `training_dataset`.
    """
    places = range(places) if isinstance(places, int) else places
    parts = PartsOfBatches(batches, places)
    return _dataset(BatchSource(utterances, parts, len(places), 0, len(batches)), repeat=True)


def _dataset(source: BatchSource, repeat: bool = False, workers: int = 0) -> Any:
    import grain
    from absl import flags

    # Grain reads command-line flags of a framework that kser does not use.
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
    logging.getLogger("absl").setLevel(logging.ERROR)
    dataset = grain.MapDataset.source(source)
    dataset = dataset.repeat() if repeat else dataset
    if source.utterances.vectors() is not None:
        # They are in memory: to hand them from thread to thread, or between processes, takes longer.
        workers, threads, ahead = 0, 0, 0
    else:
        threads, ahead = (1, 1) if workers else (READER_THREADS, PREFETCHED_BATCHES)
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
    batches = dataset.to_iter_dataset(options)
    if workers:
        from kser.pipeline.worker_processes import WorkerDataset

        batches = WorkerDataset(batches, workers)
    batches.spec = source.spec
    return batches


@contextmanager
def closed_at_the_end(dataset: Any) -> Iterator[None]:
    """After this block no worker process of the data set is left, whatever ended it."""
    try:
        yield
    finally:
        if hasattr(dataset, "close"):
            dataset.close()


@contextmanager
def reader_errors() -> Iterator[None]:
    """Within this block, a file that cannot be read ends in its own `UserError` on every backend.

    TensorFlow hands on what its generator raised as text within an error of its own.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        match = re.search(r"^(?:.*\b)?UserError: (.+)$", str(error), flags=re.MULTILINE)
        if match is None:
            raise
        raise UserError(match.group(1).strip()) from error


def tf_dataset(dataset: Any) -> Any:
    """The same elements as a `tf.data.Dataset` with free time axis.

    Keras would guess the shapes from the first two batches, and stop at the first of another length.

    Args:
        dataset: of `training_dataset` or `evaluation_dataset`.
    """
    import tensorflow as tf

    signature = tuple(
        {name: tf.TensorSpec(*array) for name, array in part.items()}
        if isinstance(part, dict)
        else tf.TensorSpec(*part)
        for part in dataset.spec
    )
    return tf.data.Dataset.from_generator(lambda: iter(dataset), output_signature=signature)
