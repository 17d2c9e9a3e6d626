"""From a sequence of frames to one vector an utterance: one pooling a class, found by name in `POOLINGS`."""

import inspect
from typing import Any

from kser.models.pooling.attention_pooling import AttentionPooling, MultiHeadAttentionPooling
from kser.models.pooling.attentive_statistics_pooling import AttentiveStatisticsPooling
from kser.models.pooling.ecapa_tdnn_pooling import EcapaTdnnPooling
from kser.models.pooling.frame_pooling import FramePooling
from kser.models.pooling.simple_poolings import (
    FirstLastPooling,
    MaskedMaxPooling,
    MaskedMeanPooling,
    MaskedSumPooling,
)
from kser.words import nearest_names

__all__ = [
    "POOLINGS",
    "AttentionPooling",
    "AttentiveStatisticsPooling",
    "EcapaTdnnPooling",
    "FirstLastPooling",
    "FramePooling",
    "MaskedMaxPooling",
    "MaskedMeanPooling",
    "MaskedSumPooling",
    "MultiHeadAttentionPooling",
    "build_pooling",
]

# How an utterance can be pooled, by the name that `pooling_mode` has in the model JSON.
POOLINGS: dict[str, type[FramePooling]] = {
    "mean": MaskedMeanPooling,
    "max": MaskedMaxPooling,
    "sum": MaskedSumPooling,
    "first_last": FirstLastPooling,
    "attention": AttentionPooling,
    "multi_head_attention": MultiHeadAttentionPooling,
    "att_stats": AttentiveStatisticsPooling,
    "ecapa": EcapaTdnnPooling,
}


def build_pooling(name: str, arguments: dict[str, Any] | None = None, dtype: Any = None) -> FramePooling:
    """A new pooling layer.

    Args:
        name: one of `POOLINGS`.
        arguments: constructor arguments of its class.
        dtype: string or `keras.DTypePolicy`.

    Raises:
        ValueError: unknown pooling, or it does not have one of the arguments.
    """
    if name not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {list(POOLINGS)}. Received: pooling={name!r}")
    arguments = arguments or {}
    known = [parameter for parameter in inspect.signature(POOLINGS[name]).parameters if parameter != "kwargs"]
    for argument in arguments:
        if argument not in known:
            nearest = nearest_names(argument, known)
            hint = f"did you mean {nearest[0]}?" if nearest else f"it has {', '.join(known) or 'none'}"
            raise ValueError(
                f"`pooling_arguments`: the pooling {name!r} has no argument {argument!r}; {hint}"
            )
    return POOLINGS[name](**arguments, dtype=dtype, name="pooling")
