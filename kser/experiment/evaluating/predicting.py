"""What a trained model predicts for recordings."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import keras
import numpy as np
from keras import ops

from kser.experiment.runs.feature_caching import vectors_of
from kser.pipeline.batch_plan import plan_in_order
from kser.pipeline.datasets import evaluation_dataset, reader_errors
from kser.pipeline.utterances import Utterances
from kser.training.devices import places_of
from kser.training.events import AudioRead, ProgressListener, reading_progress
from kser.training.fit import for_backend, shared_bucket_lengths

_LENGTH_BUCKETS = 4
_VECTORS_AT_ONCE = 1024


def predict_outputs(
    model: Any,
    utterances: Utterances,
    batch_size: int,
    shares_backbone: bool = False,
    progress: ProgressListener | None = None,
    title: str = "",
) -> dict[str, np.ndarray]:
    """What a model predicts for recordings.

    Args:
        model: an `EmotionTask`.
        utterances: in the format of the model, its `waveform_format`.
        batch_size: utterances in a batch.
        shares_backbone: whether other models have the same backbone: what it gives is then kept in memory.
        progress: gets an `AudioRead` for each batch.
        title: of the run in these events.

    Returns:
        By the names of the model's outputs, such as "logits" (utterances, labels) and "values" (utterances,
        targets): float64, recordings in their order; of one that is split the mean over its parts.
    """
    predictor: Any = model
    if shares_backbone:
        predictor, utterances = vectors_of(
            model, utterances, reading_progress(progress, title, "computing features")
        )
    lengths = shared_bucket_lengths([utterances], _LENGTH_BUCKETS)
    batches, places = plan_in_order(utterances.lengths, lengths, batch_size), places_of(batch_size)
    dataset = for_backend(evaluation_dataset(utterances, batches, places))
    with model.ready_made_inputs(), reader_errors():
        predicted = predictor.predict(
            dataset, steps=len(batches), verbose=0, callbacks=_reported(batches, progress, title)
        )
    if not isinstance(predicted, dict):
        (name,) = model.output_names
        predicted = {name: predicted}
    return {
        name: utterances.of_recordings(_in_order(values, batches, places))
        for name, values in predicted.items()
    }


def _reported(
    batches: Sequence[Any], progress: ProgressListener | None, title: str
) -> list[keras.callbacks.Callback]:
    """Reports the utterances of the batches that are predicted; nothing where nobody listens."""
    if progress is None:
        return []
    done = list(accumulate(len(batch.indices) for batch in batches))

    def report(batch: int, logs: Any = None) -> None:
        progress(AudioRead(title, done[batch], done[-1], "predicting"))

    return [keras.callbacks.LambdaCallback(on_predict_batch_end=report)]


def outputs_of_vectors(head: Any, names: Sequence[str], vectors: np.ndarray) -> dict[str, np.ndarray]:
    """What the layers above a frozen backbone say of the vectors that it gave.

    They are not compiled: of many seeds each would be compiled anew.

    Args:
        head: those layers.
        names: of the model's outputs.
        vectors: (utterances, vectors, channels).

    Returns:
        As `predict_outputs`.
    """
    parts = []
    for start in range(0, len(vectors), _VECTORS_AT_ONCE):
        features = vectors[start : start + _VECTORS_AT_ONCE]
        mask = np.ones(features.shape[:2], bool)
        outputs = head({"features": features, "frame_mask": mask}, training=False)
        parts.append(outputs if isinstance(outputs, dict) else {names[0]: outputs})
    return {
        name: np.concatenate([ops.convert_to_numpy(part[name]) for part in parts]).astype(np.float64)
        for name in parts[0]
    }


def _in_order(values: np.ndarray, batches: Sequence[Any], places: int) -> np.ndarray:
    """The rows of batches, whose last places may be empty, in the order of the utterances."""
    in_order = np.empty((sum(len(batch.indices) for batch in batches), values.shape[1]))
    for number, batch in enumerate(batches):
        first = number * places
        in_order[list(batch.indices)] = values[first : first + len(batch.indices)]
    return in_order
