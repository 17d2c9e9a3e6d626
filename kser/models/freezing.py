"""Keeping the lower part of a backbone as it was pretrained."""

from typing import Any

import keras

from kser.errors import UserError

ALL = "all"


def freeze_layers(backbone: Any, count: int | str) -> None:
    """Exclude the lowest layers of a backbone, and everything that they depend on, from training.

    That is every layer that hidden state `count` depends on: the transformer layers (of the log-mel baseline,
    the convolutions) below it, and under them feature encoder, projection, position embedding, mask embedding
    and norms; the position bias that the layers of WavLM share is one of them. Frozen layers keep their
    weights to the bit, including the statistics of batch norms, which then normalise by these. What is random
    in training (dropout, layer drop, SpecAugment) stays random in them, as in a PyTorch model with frozen
    parameters; only a run of an experiment with `freeze_layers: "all"` computes the whole backbone as in
    inference, which its probes are made for. They need no backward pass: the gradient ends above them.

    Args:
        backbone: a `SpeechBackbone`.
        count: how many of its layers, from the lowest; 0 changes nothing; `"all"` freezes the whole backbone.

    Raises:
        UserError: it has fewer layers.
    """
    if count == ALL:
        frozen = backbone.layers
    else:
        num_layers = len(backbone.hidden_states) - 1
        if not isinstance(count, int) or not 0 <= count <= num_layers:
            raise UserError(
                f"freeze_layers: must be from 0 to {num_layers}, the layers of this "
                f'{type(backbone).__name__}, or "{ALL}", got {count}'
            )
        if count == 0:
            return
        frozen = keras.Model(backbone.input, backbone.hidden_states[count]).layers
    # Not the backbone itself: a preset would say so, and what loads it could not be trained at all.
    for layer in frozen:
        layer.trainable = False
