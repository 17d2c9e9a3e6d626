"""Planned batches → Grain data sets (and a `tf.data` face of the same elements).

An element is `(inputs, targets, weights)`: inputs `{"waveform": float32 (batch, samples), "padding_mask":
bool (batch, samples)}`, targets int32 (batch,), weights float32 (batch,): 1 for an utterance, 0 for an empty
place.
The batch size never varies: a batch that is not full has empty places at its end, whose weight keeps them out
of loss and metrics and whose mask keeps them out of the model's statistics.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from kser.audio.loading import load_audio
from kser.audio.waveform import model_inputs
from kser.errors import UserError
from kser.pipeline.batch_plan import PlannedBatch
from kser.pipeline.utterances import Utterances

# Decoding releases Python's lock: a few threads keep a training step fed without worker processes.
READER_THREADS = 4
PREFETCHED_BATCHES = 8

Element = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]


class Batches(Protocol):
    """Planned batches by number: a list, or `ShuffledBatches`."""

    def __getitem__(self, step: int, /) -> PlannedBatch: ...


class BatchSource:
    """Random access to the elements of steps `start` … `stop - 1`, as Grain wants a source.

    Args:
        utterances: where the audio is.
        batches: which utterances make which step.
        batch_size: places in every batch.
        start: first step.
        stop: the step after the last.
    """

    def __init__(self, utterances: Utterances, batches: Batches, batch_size: int, start: int, stop: int):
        self.utterances = utterances
        self.batches = batches
        self.batch_size = batch_size
        self.start = start
        self.stop = stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, index: Any) -> Element:
        batch = self.batches[self.start + int(index)]
        used = len(batch.indices)
        audio_format = self.utterances.format
        paths = [self.utterances.paths[i] for i in batch.indices]
        # The header of a compressed file may be a sample short of what the decoder gives.
        waveforms = [load_audio(path, audio_format.sampling_rate)[: batch.samples] for path in paths]
        sound, sound_mask = model_inputs(
            waveforms,
            do_normalize=audio_format.do_normalize,
            mask_padding=audio_format.mask_padding,
            samples=batch.samples,
        )
        empty = ((0, self.batch_size - used), (0, 0))
        inputs = {"waveform": np.pad(sound, empty), "padding_mask": np.pad(sound_mask, empty)}
        targets = np.zeros(self.batch_size, np.int32)
        targets[:used] = self.utterances.targets[list(batch.indices)]
        weights = np.zeros(self.batch_size, np.float32)
        weights[:used] = 1.0
        return inputs, targets, weights


def training_dataset(utterances: Utterances, batches: Any, start: int, stop: int) -> Any:
    """Steps `start` … `stop - 1` of training as a data set that `keras.Model.fit` takes.

    Args:
        utterances: the training part.
        batches: `ShuffledBatches` over it.
        start: step to begin or to continue with.
        stop: the step after the last.
    """
    return _dataset(BatchSource(utterances, batches, batches.batch_size, start, stop))


def evaluation_dataset(utterances: Utterances, batches: Sequence[PlannedBatch], batch_size: int) -> Any:
    """The batches of `plan_in_order`, again and again: `evaluate` and `predict` are told how many to take.

    Keras would otherwise warn that the data ran out at the end of every evaluation.
    """
    return _dataset(BatchSource(utterances, batches, batch_size, 0, len(batches)), repeat=True)


def _dataset(source: BatchSource, repeat: bool = False) -> Any:
    import grain
    from absl import flags

    # Grain reads command-line flags of a framework that kser does not use.
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
    logging.getLogger("absl").setLevel(logging.ERROR)
    options = grain.ReadOptions(num_threads=READER_THREADS, prefetch_buffer_size=PREFETCHED_BATCHES)
    dataset = grain.MapDataset.source(source)
    return (dataset.repeat() if repeat else dataset).to_iter_dataset(options)


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
        told = re.search(r"^(?:.*\b)?UserError: (.+)$", str(error), flags=re.MULTILINE)
        if told is None:
            raise
        raise UserError(told.group(1).strip()) from error


def tf_dataset(dataset: Any) -> Any:
    """The same elements as a `tf.data.Dataset` with free time axis.

    Keras would guess the shapes from the first two batches, and stop at the first of another length.
    """
    import tensorflow as tf

    batch_axis = None
    signature = (
        {
            "waveform": tf.TensorSpec((batch_axis, None), tf.float32),
            "padding_mask": tf.TensorSpec((batch_axis, None), tf.bool),
        },
        tf.TensorSpec((batch_axis,), tf.int32),
        tf.TensorSpec((batch_axis,), tf.float32),
    )
    return tf.data.Dataset.from_generator(lambda: iter(dataset), output_signature=signature)
