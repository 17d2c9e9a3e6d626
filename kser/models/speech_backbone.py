"""What all speech backbones have in common, and how one is found for a checkpoint."""

import math
from pathlib import Path
from typing import Any, ClassVar

import keras
import keras_hub

from kser.models.freezing import freeze_layers
from kser.models.lora import TARGETS, enable_lora
from kser.models.preset_loader import preset_loader
from kser.models.transformers_reference import TransformersReference


@keras.saving.register_keras_serializable(package="kser")
class SpeechBackbone(keras_hub.models.Backbone):
    """Base class of backbones that turn a waveform into a sequence of hidden states.

    All of them share one interface. Input: `{"waveform": float (batch, samples), "padding_mask": bool
    (batch, samples)}`, the mask true for samples and false for padding at the end. Output:
    `{"sequence_output": float (batch, frames, hidden_dim), "frame_mask": bool (batch, frames)}`. What an
    utterance gives in its valid frames does not depend on how far it is padded nor on its neighbours.

    `hidden_states` is the tuple of symbolic outputs before the first and after every layer:
    `keras.Model(backbone.input, backbone.hidden_states)` computes them all. The last one is
    `sequence_output`: where a norm follows the top layer, it is part of both. Those with a
    `feature_encoder` may have `states_above(number, states, frame_mask)` too: the list of hidden states
    `number + 1`, … as their layers make them of another hidden state `number`.

    Subclasses say which published architectures they load and how (`convert_config`, `convert_weights`), and
    are registered with `kser.models.families.backbone_family`.

    Attributes:
        model_types: architectures of the published checkpoints that it loads, as in their `config.json`.
        sampling_rate: int, Hz of the audio that it takes.
        normalizes_audio: bool, whether the feature extractor of its published checkpoints makes audio of zero
            mean and unit variance where its file does not say; see also `assumes_normalized_audio`.
        padding_as_published: constructor arguments with which the padding of an utterance changes what the
            published code lets it change.
        published_pooling: arguments of the mean over frames in its published classifiers.
        transformers_reference: how `transformers` is asked for the hidden states of such a checkpoint.
    """

    model_types: ClassVar[tuple[str, ...]] = ()
    sampling_rate: int = 16000
    normalizes_audio: ClassVar[bool] = True
    padding_as_published: ClassVar[dict[str, Any]] = {}
    published_pooling: ClassVar[dict[str, Any]] = {}
    transformers_reference: ClassVar[type[TransformersReference]] = TransformersReference

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Build a backbone from a preset or a published checkpoint.

        Args:
            preset: a Hugging Face id with or without `hf://`, a folder in the Hugging Face layout
                (`config.json`, `model.safetensors`), or anything `keras_hub` takes as a preset.
            load_weights: bool, `False` for random weights.
            **kwargs: `dtype`, or arguments of the backbone that replace the checkpoint's.

        Returns:
            A backbone; called on `SpeechBackbone` itself, of the class that the checkpoint asks for.

        Raises:
            kser.errors.UserError: the preset was not found, a tensor is missing, or the architecture is
                not one of this class.

        Examples:

            backbone = SpeechBackbone.from_preset("facebook/wav2vec2-base")
            backbone({"waveform": np.zeros((1, 16000)), "padding_mask": np.ones((1, 16000), bool)})
        """
        loader = preset_loader(preset)
        return loader.load_backbone(loader.matching_class(cls), load_weights, **kwargs)

    @classmethod
    def convert_config(cls, checkpoint) -> dict:
        """Constructor arguments for a `kser.checkpoints.PublishedCheckpoint` of these `model_types`."""
        raise NotImplementedError(f"{cls.__name__} has no published checkpoints")

    @classmethod
    def assumes_normalized_audio(cls, checkpoint) -> bool:
        """Whether a checkpoint takes audio of zero mean and unit variance, where no file says it."""
        return cls.normalizes_audio

    def convert_weights(self, checkpoint) -> None:
        """Assign the tensors of a `kser.checkpoints.PublishedCheckpoint` to this backbone's weights."""
        raise NotImplementedError(f"{type(self).__name__} has no published checkpoints")

    def save_to_preset(self, preset_dir, max_shard_size=10):
        """Write a preset, as KerasHub does.

        Weights that stand in the folder are removed first, not overwritten: in folders of models that kser
        trained they may be hard links, and so the weights of other seeds.
        """
        for weights in Path(preset_dir).glob("model*.weights.h5"):
            weights.unlink()
        super().save_to_preset(preset_dir, max_shard_size)

    def freeze_feature_encoder(self) -> None:
        """Exclude the convolutions over the waveform from training (a no-op where there are none)."""
        # Not a class attribute: on PyTorch it would hide the layer of that name.
        feature_encoder = getattr(self, "feature_encoder", None)
        if feature_encoder is not None:
            feature_encoder.trainable = False

    def freeze_layers(self, count) -> None:
        """Exclude the lowest `count` layers and what is below them from training; `"all"`: everything.

        See `kser.models.freezing.freeze_layers`.
        """
        freeze_layers(self, count)

    def enable_lora(self, rank, target_layer_names=None, alpha=None) -> None:
        """Train small matrices beside the kernels of dense layers (LoRA) and nothing else of the backbone.

        See `kser.models.lora.enable_lora`.

        Args:
            rank: int, of the products of two matrices.
            target_layer_names: names of the dense layers; `None` for `query` and `value`.
            alpha: float, the products' weight times `rank`; `None` for `rank`.
        """
        enable_lora(self, rank, alpha, TARGETS if target_layer_names is None else target_layer_names)

    def layer_groups(self) -> list:
        """The weights of each layer from the top one down, and finally those of everything below them.

        A layer is what lies between two of the `hidden_states`; a norm above the top one is part of it.

        Returns:
            list of lists of `keras.Variable`, one for each of the `hidden_states`; every weight is in one.
        """
        groups: list[list[keras.Variable]] = []
        seen: set[int] = set()
        for states in self.hidden_states:
            layers = keras.Model(self.input, states).layers
            weights = [weight for layer in layers for weight in layer.weights if id(weight) not in seen]
            seen.update(map(id, weights))
            groups.append(weights)
        return groups[::-1]

    @property
    def hidden_dim(self) -> int:
        """Channels of `sequence_output`."""
        return self.output["sequence_output"].shape[-1]

    @property
    def minimum_samples(self) -> int:
        """Samples that give the first frame; shorter audio gives none."""
        raise NotImplementedError

    @property
    def samples_per_frame(self) -> int:
        """Samples from one frame to the next."""
        feature_encoder = getattr(self, "feature_encoder", None)
        if feature_encoder is None:
            raise NotImplementedError(f"{type(self).__name__} does not say how long its frames are")
        return math.prod(feature_encoder.strides)

    @property
    def arguments_for_feature_encoder(self) -> dict[str, Any]:
        """Constructor arguments with which it would have a `feature_encoder`; empty where none would do."""
        return {}

    @property
    def maximum_samples(self) -> int | None:
        """Samples after which audio is cut; `None` where it may be of any length."""
        return None

    @property
    def padded_samples(self) -> int | None:
        """Samples that shorter audio is padded to inside; `None` where no more is computed than there is."""
        return None


def states_of(layers, x, context, top_norm=None) -> list:
    """The hidden states after every layer.

    Args:
        layers: called one after another with a state and the context.
        x: tensor (batch, frames, hidden_dim) that the first of them takes.
        context: list of what every layer takes besides.
        top_norm: layer over the last of the states; `None` for none.
    """
    states = []
    for layer in layers:
        x = layer(x, *context)
        states.append(x)
    if states and top_norm is not None:
        states[-1] = top_norm(x)
    return states
