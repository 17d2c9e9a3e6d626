"""A learned weighting of a backbone's hidden states."""

import keras
from keras import ops

from kser.models.initializers import SeededNormal

WEIGHTINGS = ("softmax", "free")


@keras.saving.register_keras_serializable(package="kser")
class LayerWeighting(keras.layers.Layer):
    """Weighted sum of the hidden states before the first and after every layer, one learned weight for each.

    Args:
        weighting: `"softmax"` for weights that are positive and sum to 1, all equal at first, as in
            [SUPERB](https://arxiv.org/abs/2105.01051); `"free"` for weights without bounds, drawn from a
            normal distribution of variance 1 at first, as in the study that kser continues.

    Call arguments:
        hidden_states: list of tensors (batch, …, channels) of one shape, frames or pooled vectors.

    Returns:
        tensor of the shape of each, of the layer's compute dtype; the sum is computed in float32.

    Raises:
        ValueError: an unknown `weighting`, or hidden states of several shapes.
    """

    def __init__(self, weighting="softmax", **kwargs):
        super().__init__(**kwargs)
        if weighting not in WEIGHTINGS:
            raise ValueError(
                f"`weighting` must be one of {list(WEIGHTINGS)}. Received: weighting={weighting!r}"
            )
        self.weighting = weighting
        self.supports_masking = True

    def build(self, hidden_states_shape):
        channels = [shape[-1] for shape in hidden_states_shape]
        if len(set(channels)) > 1:
            raise ValueError(
                "Only hidden states of one size can be weighted; "
                f"those of this backbone have {', '.join(map(str, channels))} channels"
            )
        softmax = self.weighting == "softmax"
        self.layer_weights = self.add_weight(
            name="layer_weights",
            shape=(len(channels),),
            initializer="zeros" if softmax else SeededNormal(mean=0.0, stddev=1.0),
            autocast=False,
        )

    def weights_of_layers(self):
        """The factor of each hidden state in the sum, float32 tensor (hidden states,)."""
        return ops.softmax(self.layer_weights) if self.weighting == "softmax" else self.layer_weights + 0.0

    def call(self, hidden_states):
        factors = ops.unstack(self.weights_of_layers(), len(hidden_states))
        terms = [
            factor * ops.cast(states, "float32")
            for factor, states in zip(factors, hidden_states, strict=True)
        ]
        return ops.cast(sum(terms[1:], terms[0]), self.compute_dtype)

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def compute_output_spec(self, hidden_states):
        return keras.KerasTensor(hidden_states[0].shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "weighting": self.weighting}
