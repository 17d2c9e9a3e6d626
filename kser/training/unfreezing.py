"""Which weights a run trains from which update on: gradual unfreezing from the head down."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from kser.errors import UserError
from kser.keras_internals import layers_within


class Unfreezing:
    """From which update on each weight of a model is trained.

    At first only the head is, then from the top down one layer more every so many updates, and at last what
    is below them all ([Howard & Ruder, 2018](https://arxiv.org/abs/1801.06146)). A layer joins at the first
    evaluation that is due then, so a saved state is never in the middle of that. Weights that are frozen
    when this is made stay so, and a layer of none but such does not count.

    Batch normalisation in what is not trained yet keeps its statistics, and normalises by them. What is
    random in training stays random, as it does in layers frozen for good.

    Args:
        model: with the weights to be trained marked `trainable`.
        layer_groups: the weights of each layer of the backbone from the top one down, and at last of what
            is below, see `SpeechBackbone.layer_groups`.
        updates_per_layer: updates from one layer to the next, a float; `None`: all from the start.
        eval_steps: updates between two evaluations.

    Attributes:
        boundaries: the updates at which something joins, ascending, 0 among them.
    """

    def __init__(
        self,
        model: keras.Model,
        layer_groups: Sequence[Sequence[Any]],
        updates_per_layer: float | None,
        eval_steps: int,
    ):
        self.model = model
        self._first_updates = {id(weight): 0 for weight in model.trainable_variables}
        groups = [[weight for weight in group if id(weight) in self._first_updates] for group in layer_groups]
        if updates_per_layer is not None:
            for number, group in enumerate(filter(None, groups), start=1):
                # The small number: what is whole should not be taken for more by rounding.
                due = math.ceil(number * updates_per_layer / eval_steps - 1e-9) * eval_steps
                self._first_updates |= {id(weight): due for weight in group}
        self._norms = [
            layer
            for layer in layers_within(model)
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable_variables
        ]
        self.boundaries = sorted({0, *self._first_updates.values()})

    def check_that_something_joins(self, updates: int) -> None:
        """Raise `UserError` where a run of so many updates would train only the head to its end."""
        due = self.boundaries[1:2]
        if due and due[0] >= updates:
            raise UserError(
                f"gradual_unfreezing_epochs: the first layer would join at update {due[0]} (an evaluation, "
                f"see eval_steps), but the run ends at update {updates}; a smaller number, smaller "
                "eval_steps or more number_of_training_epochs would let it"
            )

    def first_update(self, weight: Any) -> int:
        """The update from which on a weight is trained."""
        return self._first_updates[id(weight)]

    def apply(self, update: int) -> None:
        """Mark the weights that are trained from this update on, and no others."""
        for weight in self.model.variables:
            first_update = self._first_updates.get(id(weight))
            if first_update is not None:
                weight.trainable = first_update <= update
        for norm in self._norms:
            weights = [weight for weight in (norm.gamma, norm.beta) if id(weight) in self._first_updates]
            norm.trainable = all(self.first_update(weight) <= update for weight in weights)

    def next_boundary(self, update: int, updates: int) -> int:
        """The update after this one at which something joins, or the last one of the run."""
        return min([updates, *(boundary for boundary in self.boundaries if boundary > update)])

    def last_boundary(self, updates: int) -> int:
        """The update of a run at which the last weights join."""
        return max(boundary for boundary in self.boundaries if boundary < updates)

    def trained_share(self, updates: int) -> tuple[int, int]:
        """`trained_share` of the model at the end of a run."""
        last = self.last_boundary(updates)
        trained = [
            weight for weight in self.model.weights if self._first_updates.get(id(weight), updates) <= last
        ]
        return _count(trained), _count(self.model.weights)


def trained_share(model: keras.Model) -> tuple[int, int]:
    """How many numbers of a model are trained now, and how many it has.

    States of random generators do not count.
    """
    return _count(model.trainable_weights), _count(model.weights)


def _count(weights: Sequence[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)
