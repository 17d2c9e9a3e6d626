"""A model split where its frozen part ends: what is computed once for a recording, and what is trained.

Both parts share the layers of the model: training the upper part trains the model.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import keras
from keras import ops

from kser.errors import UserError
from kser.models.layers_digest import layers_digest
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
            channels), "frame_mask": bool (batch, frames)}`, a vector in the place of one frame; the channels
            of several hidden states stand side by side. What an utterance gives in its valid frames does not
            depend on how far it is padded.
        upper: the rest. Input: what `lower` gives, of the channels `taken`. Output: as the model's. It has
            the attributes that say what the head is for (`new_head_arguments`), which objectives ask for,
            such as `scales`.
        sources: the layers that the lower part consists of, or a model of them.
        taken: the channels of the features that the upper part takes. Models that each read one hidden state
            have the vectors of all as their features, and so the same.
        state: the number of the hidden state whose frames are the features; `None` for the last one and all.
    """

    kind: Features
    lower: keras.Model
    upper: keras.Model
    sources: Sequence[keras.layers.Layer]
    taken: slice = field(default_factory=lambda: slice(None))
    state: int | None = None

    @property
    def channels(self) -> int:
        """Of the features."""
        return int(self.lower.output["features"].shape[-1])

    @property
    def vectors(self) -> int | None:
        """How many vectors an utterance has: 1; `None` where it has frames."""
        return self.lower.output["features"].shape[1] if self.kind is Features.VECTORS else None

    def key(self) -> str:
        """What the features depend on besides the audio: 32 hexadecimal digits.

        A hash of settings, weights and compute types of the lower part, and of which hidden states it gives.
        """
        described = ""
        if self.kind is not Features.ENCODER:
            # The same layers may give the last hidden state, another one, or all.
            state = "" if self.state is None else f" {self.state}"
            described = f"{self.kind.name} {self.lower.output['features'].shape}{state}"
        return layers_digest(self.sources, described)

    def joined(self) -> keras.Model:
        """Both parts as one model of audio, whose frozen part computes in training as in inference."""
        inputs = {
            name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
            for name, tensor in self.lower.input.items()
        }
        given = _InInference(self.lower, name="frozen")(inputs)
        features = {**given, "features": given["features"][..., self.taken]}
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
    inputs = _inputs(lower)
    computed = iter(())
    if states:
        above = keras.Model([encoder.output, frame_mask], states, name="above_features")
        computed = iter(keras.tree.flatten(above([inputs["features"], inputs["frame_mask"]])))
    hidden_states = [
        inputs["features"] if tensor is encoder.output else next(computed) for tensor in model.read_states
    ]
    outputs = model.from_frames(hidden_states, inputs["frame_mask"])
    return FeatureSplit(Features.ENCODER, lower, _upper(model, inputs, outputs), lower.layers)


def split_above_layers(model: Any, count: int) -> FeatureSplit:
    """Split a model above the lowest layers of its backbone, or above its feature encoder.

    It is split at the feature encoder where hidden states below are read, too, or the backbone has no
    `states_above`.

    Args:
        model: an `EmotionTask`.
        count: how many layers belong to the lower part; 0: the feature encoder alone does.

    Raises:
        UserError: the backbone has no feature encoder.
    """
    at_encoder, backbone = split_at_feature_encoder(model), model.backbone
    top = len(backbone.hidden_states) - 1
    read = top if model.hidden_state is None else model.hidden_state
    states_above = getattr(backbone, "states_above", None)
    if count == 0 or model.layer_weighting is not None or read < count or states_above is None:
        return at_encoder
    lower = _lower(backbone, backbone.hidden_states[count], backbone.output["frame_mask"])
    inputs = _inputs(lower)
    states = [inputs["features"], *states_above(count, inputs["features"], inputs["frame_mask"])]
    outputs = model.from_frames([states[read - count]], inputs["frame_mask"])
    return FeatureSplit(Features.HIDDEN_STATES, lower, _upper(model, inputs, outputs), lower.layers)


def split_above_backbone(model: Any) -> FeatureSplit:
    """Split a model above its backbone, and above the pooling where that has no weights.

    Where all hidden states are weighted, they are pooled before that if the pooling is linear or the model
    does so itself. Otherwise the frames of the hidden states that are read lie between the parts. Of a model
    that reads a certain hidden state the pooled vectors of all of them do, and it takes that one.

    Args:
        model: an `EmotionTask`.
    """
    backbone, frame_mask = model.backbone, model.backbone.output["frame_mask"]
    pooling = build_pooling(model.pooling, model.pooling_arguments, "float32")
    vectors = [pooling(tensor, frame_mask) for tensor in model.read_states]
    pooled_first = model.layer_weighting is None or model.pool_position == "before" or pooling.is_linear
    if pooling.weights or not pooled_first:
        return _split_at_frames(model)
    taken = slice(None)
    if model.hidden_state is not None:
        vectors = [pooling(tensor, frame_mask) for tensor in backbone.hidden_states]
        start = sum(vector.shape[-1] for vector in vectors[: model.hidden_state])
        taken = slice(start, start + vectors[model.hidden_state].shape[-1])
    together = ops.expand_dims(ops.concatenate(vectors, axis=-1), axis=1)
    lower = _lower(backbone, together, ops.any(frame_mask, axis=1, keepdims=True))
    inputs = _inputs(lower, taken)
    read = ops.split(inputs["features"][:, 0], len(model.read_states), axis=-1)
    outputs = model.from_vectors(read, ops.any(inputs["frame_mask"], axis=1))
    return FeatureSplit(Features.VECTORS, lower, _upper(model, inputs, outputs), [backbone, pooling], taken)


def _split_at_frames(model: Any) -> FeatureSplit:
    """Split a model above its backbone, at the frames of the hidden states that it reads."""
    backbone, states = model.backbone, model.read_states
    lower = _lower(backbone, ops.concatenate(states, axis=-1), backbone.output["frame_mask"])
    inputs = _inputs(lower)
    frames = ops.split(inputs["features"], len(states), axis=-1)
    outputs = model.from_frames(frames, inputs["frame_mask"])
    upper = _upper(model, inputs, outputs)
    return FeatureSplit(Features.HIDDEN_STATES, lower, upper, [backbone], state=model.hidden_state)


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


def _inputs(lower: keras.Model, taken: slice | None = None) -> dict[str, Any]:
    """Symbolic inputs for what a lower part gives, of all channels or those taken."""
    features, frame_mask = lower.output["features"], lower.output["frame_mask"]
    channels = len(range(features.shape[-1])[taken or slice(None)])
    return {
        "features": keras.Input((features.shape[1], channels), dtype=features.dtype, name="features"),
        "frame_mask": keras.Input(frame_mask.shape[1:], dtype=frame_mask.dtype, name="frame_mask"),
    }


def _upper(model: Any, inputs: Any, outputs: Any) -> keras.Model:
    return _with_head_arguments(keras.Model(inputs, outputs, name=f"{model.name}_from_features"), model)


def _with_head_arguments(part: keras.Model, whole: Any) -> keras.Model:
    for argument, dependents in whole.new_head_arguments.items():
        for name in (argument, *dependents):
            setattr(part, name, getattr(whole, name))
    part.new_head_arguments = whole.new_head_arguments
    return part
