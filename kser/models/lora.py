"""Low-rank adaptation: few trained weights beside the frozen ones of a pretrained backbone."""

from collections.abc import Sequence
from typing import Any

import keras

from kser.errors import UserError
from kser.keras_internals import layers_within
from kser.models.initializers import SeededHeNormal

TARGETS = ("query", "value")


def enable_lora(
    backbone: Any, rank: int, alpha: float | None = None, targets: Sequence[str] = TARGETS
) -> None:
    """Freeze a backbone except for a product of two small matrices beside the kernels of some dense layers.

    A kernel W is used as W + alpha / rank · A · B; A has `rank` columns, B as many rows and is 0 at first.
    Biases stay frozen as well. Layers that were frozen before, see `freeze_layers`, get no matrices.
    Saving a preset adds A · B to the kernel, so that the saved model is one like any other.

    Args:
        backbone: a `SpeechBackbone`.
        rank: of the products.
        alpha: the weight of the products times `rank`; `None` for `rank`, a weight of 1.
        targets: names of dense layers inside the backbone's layers: of the speech transformers `query`,
            `key`, `value`, `output_projection`, `intermediate`, `output_dense`.

    Raises:
        UserError: the backbone has no dense layer of one of these names, or all of them are frozen.

    Source: Hu et al. (2021), [LoRA](https://arxiv.org/abs/2106.09685).
    """
    dense: dict[str, list[Any]] = {}
    for outer in backbone.layers:
        for layer in layers_within(outer, include_self=False):
            if isinstance(layer, (keras.layers.Dense, keras.layers.EinsumDense)):
                dense.setdefault(layer.name, []).append(layer)
    for target in targets:
        if target not in dense:
            raise UserError(
                f"lora_targets: {type(backbone).__name__} has no dense layer {target}; "
                f"it has {', '.join(sorted(dense)) or 'none'}"
            )
    adapted = [layer for target in targets for layer in dense[target] if layer.trainable]
    if not adapted:
        raise UserError("lora_rank: every layer of lora_targets is frozen; freeze fewer layers")
    for layer in backbone.layers:
        layer.trainable = False
    for layer in adapted:
        layer.trainable = True  # Keras would count new weights of a frozen layer as frozen, too
        if layer.bias is not None:
            layer.bias.trainable = False
        layer.enable_lora(rank, lora_alpha=alpha, a_initializer=SeededHeNormal())
