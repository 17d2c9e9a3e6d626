"""What layers compute with, as a hash: equal where settings and weights are."""

import hashlib
import json
from collections.abc import Iterable

import keras
import numpy as np
from keras import ops


def layers_digest(layers: Iterable[keras.layers.Layer], described: str = "") -> str:
    """A hash of settings, weights and compute types of layers, whatever they are called.

    Args:
        layers: in their order; models are layers.
        described: what else is to be told apart, in any words.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(described.encode(), digest_size=16)
    for layer in layers:
        settings = {
            name: value for name, value in layer.get_config().items() if name not in ("name", "trainable")
        }
        digest.update(json.dumps([type(layer).__name__, settings], sort_keys=True, default=str).encode())
        for weight in layer.weights:
            values = ops.convert_to_numpy(weight)
            digest.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
    return digest.hexdigest()
