"""A model split where its frozen part ends: what is computed once for a recording, and what is trained.

Both parts share the layers of the model: training the upper part trains the model.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import keras
import numpy as np
from keras import ops

from kser.errors import UserError
from kser.models.pooling import build_pooling


class Features(Enum):
    """What the frozen part of a model gives of an utterance."""

    ENCODER = "frames of the feature encoder"
    HIDDEN_STATES = "frames of the hidden states that are read"
    VECTORS = "pooled hidden states"


@dataclass(frozen=True)
class FeatureSplit:
    """The two parts of a model.

    Attributes:
        kind: what lies between them.
        lower: the frozen part. Input: as the backbone's. Output: `{"features": float (batch, frames,
            channels), "frame_mask": bool (batch, frames)}`; the channels of several hidden states stand side
            by side. Of vectors, each hidden state has one in the place of a frame: (batch, states, channels).
            What an utterance gives in its valid frames does not depend on how far it is padded.
        upper: the rest. Input: what `lower` gives. Output: as the model's. It has the attributes that say
            what the head is for (`new_head_arguments`), which objectives ask for, such as `scales`.
        sources: the layers that the lower part consists of, or a model of them.
    """

    kind: Features
    lower: keras.Model
    upper: keras.Model
    sources: Sequence[keras.layers.Layer]

    @property
    def channels(self) -> int:
        """Of the features."""
        return int(self.lower.output["features"].shape[-1])

    @property
    def vectors(self) -> int | None:
        """How many vectors an utterance has; `None` where it has frames."""
        return self.lower.output["features"].shape[1] if self.kind is Features.VECTORS else None

    def key(self) -> str:
        """What the features depend on besides the audio: 32 hexadecimal digits.

        A hash of settings, weights and compute types of the lower part, and of which hidden states it gives.
        """
        digest = hashlib.blake2b(digest_size=16)
        if self.kind is not Features.ENCODER:
            # The same layers may give the last hidden state, or all.
            digest.update(f"{self.kind.name} {self.lower.output['features'].shape}".encode())
        for layer in self.sources:
            settings = {
                name: value for name, value in layer.get_config().items() if name not in ("name", "trainable")
            }
            described = json.dumps([type(layer).__name__, settings], sort_keys=True, default=str)
            digest.update(described.encode())
            for weight in layer.weights:
                values = ops.convert_to_numpy(weight)
                digest.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
        return digest.hexdigest()

    def joined(self) -> keras.Model:
        """Both parts as one model of audio, whose frozen part computes in training as in inference."""
        inputs = {
            name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
            for name, tensor in self.lower.input.items()
        }
        features = _InInference(self.lower, name="frozen")(inputs)
        return _with_head_arguments(
            keras.Model(inputs, self.upper(features), name=f"{self.upper.name}_of_audio"), self.upper
        )


def split_at_feature_encoder(model: Any) -> FeatureSplit:
    """Split a model above its feature encoder: the convolutions over the waveform.

    Args:
        model: an `EmotionTask`.

    Raises:
        UserError: the backbone has no feature encoder.
    """
    backbone = model.backbone
    encoder = getattr(backbone, "feature_encoder", None)
    if encoder is None:
        needed = backbone.arguments_for_feature_encoder
        remedy = f"backbone_arguments: {json.dumps(needed)} would give it one" if needed else "leave it out"
        raise UserError(
            f"feature_cache: {type(backbone).__name__} has no feature encoder whose output could be cached; "
            f'{remedy}, or freeze_layers: "all" keeps what the whole backbone gives'
        )
    frame_mask = backbone.output["frame_mask"]
    lower = _lower(backbone, encoder.output, frame_mask)
    # The layers between features and hidden states; none of its tensors may be input and output at once.
    states = [tensor for tensor in model.read_states if tensor is not encoder.output]
    above = keras.Model([encoder.output, frame_mask], states, name="above_features")
    inputs = _inputs(lower)
    computed = iter(keras.tree.flatten(above([inputs["features"], inputs["frame_mask"]])))
    hidden_states = [
        inputs["features"] if tensor is encoder.output else next(computed) for tensor in model.read_states
    ]
    outputs = model.from_frames(hidden_states, inputs["frame_mask"])
    return FeatureSplit(Features.ENCODER, lower, _upper(model, inputs, outputs), lower.layers)


def split_above_backbone(model: Any) -> FeatureSplit:
    """Split a model above its backbone, and above the pooling where that has no weights.

    Where all hidden states are weighted, they are pooled before that if the pooling is linear or the model
    does so itself. Otherwise the frames of the hidden states that are read lie between the parts.

    Args:
        model: an `EmotionTask`.
    """
    backbone, states, frame_mask = model.backbone, model.read_states, model.backbone.output["frame_mask"]
    pooling = build_pooling(model.pooling, model.pooling_arguments, "float32")
    vectors = [pooling(tensor, frame_mask) for tensor in states]
    pooled_first = model.layer_weighting is None or model.pool_position == "before" or pooling.is_linear
    if pooling.weights or not pooled_first:
        lower = _lower(backbone, ops.concatenate(states, axis=-1), frame_mask)
        inputs = _inputs(lower)
        frames = ops.split(inputs["features"], len(states), axis=-1)
        outputs = model.from_frames(frames, inputs["frame_mask"])
        return FeatureSplit(Features.HIDDEN_STATES, lower, _upper(model, inputs, outputs), [backbone])
    has_frames = ops.any(frame_mask, axis=1, keepdims=True)
    lower = _lower(backbone, ops.stack(vectors, axis=1), ops.repeat(has_frames, len(states), axis=1))
    inputs = _inputs(lower)
    vectors = [inputs["features"][:, number] for number in range(len(states))]
    outputs = model.from_vectors(vectors, ops.any(inputs["frame_mask"], axis=1))
    return FeatureSplit(Features.VECTORS, lower, _upper(model, inputs, outputs), [backbone, pooling])


class _InInference(keras.layers.Layer):
    """A model that computes in training as it does in inference."""

    def __init__(self, model, **kwargs):
        super().__init__(**kwargs)
        self.model = model
        self.supports_masking = True

    def call(self, inputs):
        return self.model(inputs, training=False)

    def compute_output_spec(self, inputs):
        return self.model.compute_output_spec(inputs)


def _lower(backbone: Any, features: Any, frame_mask: Any) -> keras.Model:
    return keras.Model(backbone.input, {"features": features, "frame_mask": frame_mask}, name="features")


def _inputs(lower: keras.Model) -> dict[str, Any]:
    """Symbolic inputs for what a lower part gives."""
    return {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in lower.output.items()
    }


def _upper(model: Any, inputs: Any, outputs: Any) -> keras.Model:
    return _with_head_arguments(keras.Model(inputs, outputs, name=f"{model.name}_from_features"), model)


def _with_head_arguments(part: keras.Model, whole: Any) -> keras.Model:
    for argument, dependents in whole.new_head_arguments.items():
        for name in (argument, *dependents):
            setattr(part, name, getattr(whole, name))
    part.new_head_arguments = whole.new_head_arguments
    return part
