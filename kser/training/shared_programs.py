"""One compiled step for runs that differ in data, seed and length only, one run after another.

Keras compiles for each model anew, which takes longer than training a head on vectors. Such a run is trained
on the model of an earlier one instead, which is given all its state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops


@dataclass(frozen=True)
class _Program:
    """A compiled model with everything that its compiled steps read and write."""

    model: keras.Model
    metrics: Sequence[keras.metrics.Metric]

    def state(self) -> list[Any]:
        """All variables: of the model, the optimizer, and the metrics."""
        of_metrics = [variable for metric in self.metrics for variable in metric.variables]
        return [*self.model.variables, *self.model.optimizer.variables, *of_metrics]


# The program of the newest runs: studies train the seeds of one model after another.
_kept: dict[str, _Program] = {}


def through_shared_program(
    model: keras.Model, compile_arguments: Mapping[str, Any], settings: str
) -> keras.Model:
    """The model of the runs before this one with the state of this one, or the model itself.

    Args:
        model: compiled, with a built optimizer.
        compile_arguments: loss and metrics that it was compiled with.
        settings: what its compiled steps depend on, beside shapes and what the loss and the metrics are.

    Returns:
        A compiled model. What it learns is in its weights only, and must be copied to `model`. It is the next
        run's as soon as that asks.
    """
    metrics = keras.tree.flatten(compile_arguments["weighted_metrics"])
    own = _Program(model, metrics)
    key = repr(
        [
            settings,
            [variable.shape for variable in own.state()],
            [_constants(part) for part in (*keras.tree.flatten(compile_arguments["loss"]), *metrics)],
        ]
    )
    if key not in _kept:
        _kept.clear()
        _kept[key] = own
        return model
    kept = _kept[key]
    for of_kept, variable in zip(kept.state(), own.state(), strict=True):
        of_kept.assign(ops.copy(variable))
    return kept.model


def forget_shared_program() -> None:
    """Compile anew for the next run: one that failed may have left variables without values."""
    _kept.clear()


def _constants(part: Any) -> Any:
    """The settings of a loss or a metric that are no variables."""
    return type(part).__name__, {
        name: value
        for name, value in part.get_config().items()
        if not isinstance(getattr(part, name, None), keras.Variable)
    }
