"""Utterances in the forms in which users have them, as Keras takes them."""

from typing import Any

import numpy as np

from kser.errors import UserError
from kser.models.speech_audio_converter import SpeechAudioConverter, is_with_rate


def is_loose(x: Any) -> bool:
    """Whether something is one utterance or a list of them, and no batch, data set or ready-made input."""
    if isinstance(x, list) or is_with_rate(x):
        return True
    return isinstance(x, np.ndarray) and x.ndim == 1 and x.dtype != object


def as_inputs(x: Any, converter: SpeechAudioConverter, minimum_samples: int) -> Any:
    """The padded batch and its mask, of what `is_loose` or of a batch of waveforms.

    Raises:
        UserError: an utterance is too short for the model's first frame, or is none.
    """
    inputs = converter(x)
    lengths = inputs["padding_mask"].sum(axis=1)
    for place in np.flatnonzero(lengths < minimum_samples)[:1]:
        rate = converter.sampling_rate
        raise UserError(
            f"utterance {place + 1} of {len(lengths)}: {lengths[place] / rate:.3f} s is too short: the model "
            f"needs {minimum_samples / rate:.3f} s for one frame"
        )
    return inputs


def is_tf_dataset(x: Any) -> bool:
    """Whether something is a `tf.data.Dataset`, without importing TensorFlow."""
    return any(
        base.__module__.startswith("tensorflow.") and base.__name__ == "DatasetV2" for base in type(x).__mro__
    )


def prepared_tf_dataset(dataset: Any, converter: SpeechAudioConverter, minimum_samples: int) -> Any:
    """A `tf.data.Dataset` of batches of waveforms as one of ready-made inputs.

    Args:
        dataset: of waveforms (batch, samples), or of tuples of them, targets and sample weights.
        converter: of the model.
        minimum_samples: of the model.
    """
    import tensorflow as tf

    spec = dataset.element_spec
    others = spec[1:] if isinstance(spec, tuple) else ()
    inputs = {
        "waveform": tf.TensorSpec((None, None), tf.float32),
        "padding_mask": tf.TensorSpec((None, None), tf.bool),
    }

    def batches() -> Any:
        for element in dataset.as_numpy_iterator():
            waveform, *rest = element if isinstance(element, tuple) else (element,)
            given = as_inputs(waveform, converter, minimum_samples)
            yield (given, *rest) if rest else given

    prepared = tf.data.Dataset.from_generator(
        batches, output_signature=(inputs, *others) if others else inputs
    )
    count = dataset.cardinality()
    is_known = int(count) != tf.data.UNKNOWN_CARDINALITY
    return prepared.apply(tf.data.experimental.assert_cardinality(count)) if is_known else prepared
