"""The trunk that all tasks share: backbone, pooling over frames, head."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kser.models.heads import Head, apply_head
from kser.models.layer_weighting import LayerWeighting
from kser.models.pooling import build_pooling
from kser.models.utterance_task import UtteranceTask
from kser.pipeline.waveform_format import WaveformFormat

POOL_POSITIONS = ("after", "before")


class EmotionTask(UtteranceTask):
    """Base class of the tasks: everything up to the last layer, and the arguments they have in common.

    The head is that of the study kser continues: ReLU → batch normalisation → dropout → dense. With
    `projection_dim` it is deeper: … → dropout → projection → activation → dropout → dense. Two published
    heads are written as:

    - audEERING's ([Wagner et al., 2023](https://arxiv.org/abs/2203.07378)): `use_relu=False`,
      `projection_dim=` the backbone's `hidden_dim`, `projection_activation="tanh"`;
    - SUPERB's ([Yang et al., 2021](https://arxiv.org/abs/2105.01051)): `layer_weighting="softmax"`,
      `use_relu=False`, `projection_dim=256`, `projection_activation="linear"` (it projects the frames before
      it takes their mean, which is the same).

    What follows the backbone is computed in float32, even when the backbone computes in half precision:
    pooling, weighting and normalisation are sums over many values, and cost little.

    `EmotionTask.from_preset` loads a saved task of any kind.

    Args:
        backbone: a `SpeechBackbone`.
        last_layers: the layers that a subclass puts on the head: a function of `dense(units, name)`, which
            makes a linear layer. It makes the layers and returns what calls them: a layer, or a function,
            from the head's vectors (batch, channels) to a tensor or a dict of tensors.
        preprocessor: an `UtterancePreprocessor`, or `None` to give the model its inputs ready-made.
        pooling: str, from frames to one vector, one of `kser.models.pooling.POOLINGS`: `"mean"`, `"max"`,
            `"sum"`, `"first_last"`, `"attention"`, `"multi_head_attention"`, `"att_stats"`, `"ecapa"`.
        pooling_arguments: dict, constructor arguments of the pooling's class.
        layer_weighting: `None` to pool the backbone's last hidden states, or how all of them are weighted,
            `"softmax"` or `"free"`, see `LayerWeighting`.
        hidden_state: int, which of the backbone's `hidden_states` is pooled, 0 for what enters the first
            layer, `None` for the last one. The backbone's layers above it are not computed and are marked as
            not `trainable`; they are saved all the same.
        pool_position: str, with a `layer_weighting`: `"after"` pools the weighted sum, `"before"` pools the
            hidden states, all by the same pooling, and weights the vectors.
        name: str, of the model.
        **head_settings: see `kser.models.heads`: `use_standardization`, `use_relu`, `use_batch_norm`,
            `dropout`, `l2`, `projection_dim`, `projection_activation`.

    Raises:
        ValueError: an argument has an unknown value, the hidden states to be weighted differ in size, or the
            backbone has no such hidden state.

    Attributes:
        from_frames: the layers above the backbone: a function of the hidden states that the model reads, a
            list of tensors (batch, frames, channels), and of the frame mask (batch, frames), to its outputs.
        from_vectors: those above the pooling, where that comes first: a function of the pooled hidden states,
            a list of tensors (batch, channels), and of a bool tensor (batch,), which of them have frames.

    Input: as the backbone's.
    """

    def __init__(
        self,
        backbone,
        last_layers: Callable,
        preprocessor=None,
        pooling="mean",
        pooling_arguments=None,
        layer_weighting=None,
        pool_position="after",
        hidden_state=None,
        name=None,
        **head_settings,
    ):
        _check_pool_position(pool_position, layer_weighting)
        _check_hidden_state(hidden_state, backbone, layer_weighting)

        # === Layers ===
        pooling_layer = build_pooling(pooling, pooling_arguments, "float32")
        weighting_layer = None
        if layer_weighting is not None:
            weighting_layer = LayerWeighting(layer_weighting, dtype="float32", name="layer_weighting")
        head = Head(**head_settings)
        head_layers = head.layers()
        outputs = last_layers(head.dense)

        def from_vectors(vectors, has_frames):
            x = vectors[0] if weighting_layer is None else weighting_layer(vectors)
            return outputs(apply_head(head_layers, x, has_frames))

        def from_frames(hidden_states, frame_mask):
            has_frames = ops.any(frame_mask, axis=1)
            if weighting_layer is not None and pool_position == "after":
                x = pooling_layer(weighting_layer(hidden_states), frame_mask)
                return outputs(apply_head(head_layers, x, has_frames))
            return from_vectors([pooling_layer(states, frame_mask) for states in hidden_states], has_frames)

        # === Functional Model ===
        hidden_states, frame_mask = _hidden_states(backbone, layer_weighting, hidden_state)
        super().__init__(
            inputs=backbone.input, outputs=from_frames(hidden_states, frame_mask), compile=False, name=name
        )

        # === Config ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.pooling = pooling
        self.pooling_arguments = dict(pooling_arguments or {})
        self.layer_weighting = layer_weighting
        self.pool_position = pool_position
        self.hidden_state = hidden_state
        self.head = head
        self.from_vectors = from_vectors
        self.from_frames = from_frames

    @property
    def read_states(self) -> list:
        """The symbolic hidden states of the backbone that the model reads: one, or all."""
        return _read_states(self.backbone, self.layer_weighting, self.hidden_state)

    def layer_groups(self) -> list:
        """Those of the backbone's `layer_groups` that the model reads: from the hidden state down."""
        groups = self.backbone.layer_groups()
        return groups if self.hidden_state is None else groups[-1 - self.hidden_state :]

    @property
    def waveform_format(self) -> WaveformFormat:
        """How recordings must be read for this model; requires a preprocessor."""
        preprocessor: Any = self.preprocessor
        converter = preprocessor.audio_converter
        return WaveformFormat(
            sampling_rate=converter.sampling_rate,
            do_normalize=converter.do_normalize,
            mask_padding=converter.mask_padding,
            minimum_samples=self.backbone.minimum_samples,
            processing=converter.processing,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "pooling": self.pooling,
            "pooling_arguments": self.pooling_arguments,
            "layer_weighting": self.layer_weighting,
            "pool_position": self.pool_position,
            "hidden_state": self.hidden_state,
            **vars(self.head),
        }


def checked_names(argument: str, names) -> list[str]:
    """The names of classes or targets as a list.

    Raises:
        ValueError: there are none, one is not a string or is empty, or one occurs twice.
    """
    names = list(names)
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise ValueError(f"`{argument}` must be one or more different names. Received: {argument}={names}")
    return names


def _check_pool_position(pool_position, layer_weighting):
    if pool_position not in POOL_POSITIONS:
        raise ValueError(
            f"`pool_position` must be one of {list(POOL_POSITIONS)}. "
            f"Received: pool_position={pool_position!r}"
        )
    if pool_position == "before" and layer_weighting is None:
        raise ValueError(
            "`pool_position` 'before' requires a `layer_weighting`. Received: layer_weighting=None"
        )


def _check_hidden_state(hidden_state, backbone, layer_weighting):
    if hidden_state is None:
        return
    if layer_weighting is not None:
        raise ValueError(
            "`hidden_state` is for models without `layer_weighting`, which reads all of them. "
            f"Received: hidden_state={hidden_state!r}, layer_weighting={layer_weighting!r}"
        )
    num_layers = len(backbone.hidden_states) - 1
    if not isinstance(hidden_state, int) or not 0 <= hidden_state <= num_layers:
        raise ValueError(
            f"`hidden_state` must be from 0 to {num_layers}, the layers of this {type(backbone).__name__}. "
            f"Received: hidden_state={hidden_state!r}"
        )


def _read_states(backbone, layer_weighting, hidden_state):
    """The symbolic hidden states that a model with these arguments reads."""
    if layer_weighting is not None:
        return list(backbone.hidden_states)
    return [
        backbone.output["sequence_output"] if hidden_state is None else backbone.hidden_states[hidden_state]
    ]


def _hidden_states(backbone, layer_weighting, hidden_state):
    """The hidden states that a model reads, each (batch, frames, channels), and the frame mask."""
    if layer_weighting is None and hidden_state is None:
        outputs = backbone(backbone.input)
        return [outputs["sequence_output"]], outputs["frame_mask"]
    # The backbone's own layers, with other outputs.
    read = keras.Model(
        backbone.input,
        [*_read_states(backbone, layer_weighting, hidden_state), backbone.output["frame_mask"]],
        name="hidden_states",
    )
    if hidden_state is not None:
        _freeze_what_is_above(backbone, read)
    *hidden_states, frame_mask = read(backbone.input)
    return hidden_states, frame_mask


def _freeze_what_is_above(backbone, read):
    """Exclude from training what the outputs of `read` do not depend on: it would get no gradient."""
    used = {id(layer) for layer in read.layers}
    for layer in backbone.layers:
        if id(layer) not in used:
            layer.trainable = False
