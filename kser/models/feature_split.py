"""A classifier split at the feature encoder: what is computed once, and what is trained.

Both parts share the layers of the classifier: training a part trains the classifier.
"""

import hashlib
import json
from typing import Any

import keras
import numpy as np

from kser.errors import UserError
from kser.keras_internals import calls_within


def feature_model(backbone: Any) -> keras.Model:
    """The lower part of a backbone: what its feature encoder makes of a waveform.

    Args:
        backbone: a `SpeechBackbone` with convolutions over the waveform.

    Returns:
        A model. Input: as the backbone's. Output: `{"features": float (batch, frames, channels),
        "frame_mask": bool (batch, frames)}`. Valid frames do not depend on how far an utterance is padded.

    Raises:
        UserError: the backbone has no feature encoder.
    """
    features, frame_mask = _features_of(backbone)
    return keras.Model(backbone.input, {"features": features, "frame_mask": frame_mask}, name="features")


def model_from_features(classifier: Any) -> keras.Model:
    """The rest of a classifier, from the features of `feature_model` to its outputs.

    Args:
        classifier: an `EmotionTask`.

    Returns:
        A model. Input: what `feature_model` gives. Output: as the classifier's. It has the attributes that
        say what the head is for (`new_head_arguments`), which objectives ask for, such as `scales`.

    Raises:
        UserError: the backbone has no feature encoder.
    """
    features, frame_mask = _features_of(classifier.backbone)
    frames_model, hidden_states = _frames_part(classifier)
    # Keras makes a model between tensors inside another, of the same layers; none may be input and output.
    above = keras.Model(
        [features, frame_mask],
        [states for states in frames_model.outputs if states is not frame_mask],
        name="above_features",
    )
    head = keras.Model(hidden_states, classifier.output, name="head")
    inputs = {
        "features": keras.Input(features.shape[1:], dtype=features.dtype, name="features"),
        "frame_mask": keras.Input((None,), dtype="bool", name="frame_mask"),
    }
    computed = iter(keras.tree.flatten(above([inputs["features"], inputs["frame_mask"]])))
    outputs = head(
        [inputs["frame_mask"] if states is frame_mask else next(computed) for states in frames_model.outputs]
    )
    model = keras.Model(inputs, outputs, name=f"{classifier.name}_from_features")
    for argument, dependents in classifier.new_head_arguments.items():
        for name in (argument, *dependents):
            setattr(model, name, getattr(classifier, name))
    return model


def encoder_key(backbone: Any) -> str:
    """What the features depend on besides the audio: 32 hexadecimal digits.

    A hash of settings, weights and compute types of the feature encoder and of what is below it.
    """
    digest = hashlib.blake2b(digest_size=16)
    for layer in feature_model(backbone).layers:
        settings = {
            name: value for name, value in layer.get_config().items() if name not in ("name", "trainable")
        }
        described = json.dumps([type(layer).__name__, settings], sort_keys=True, default=str)
        digest.update(described.encode())
        for weight in layer.weights:
            values = keras.ops.convert_to_numpy(weight)
            digest.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
    return digest.hexdigest()


def _features_of(backbone: Any) -> tuple[Any, Any]:
    """The symbolic features and their mask inside a backbone."""
    encoder = getattr(backbone, "feature_encoder", None)
    if encoder is None:
        raise UserError(
            f"feature_cache: {type(backbone).__name__} has no feature encoder whose output could be cached; "
            "leave it out"
        )
    return encoder.output, backbone.output["frame_mask"]


def _frames_part(classifier: Any) -> tuple[Any, list[Any]]:
    """The model inside a classifier that gives hidden states, and its symbolic outputs there."""
    for operation, outputs in calls_within(classifier):
        if isinstance(operation, keras.Model):
            return operation, outputs
    raise ValueError(f"{type(classifier).__name__} is not made of a backbone and a head")
