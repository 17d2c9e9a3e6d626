"""AdamW in which weights may have learning rates of their own and may join a run later."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kser.training.fused_adam import FUSED_UPDATES, Trained
from kser.training.schedules import WarmupSchedule

# What `keras.optimizers.AdamW(...)` makes; on PyTorch a subclass of it.
_AdamW: Any = type(keras.optimizers.AdamW.__new__(keras.optimizers.AdamW))


@keras.saving.register_keras_serializable(package="kser")
class GroupedAdamW(_AdamW):
    """AdamW with a factor of the learning rate for each weight; the clipped norm is that over all weights.

    What it does besides `keras.optimizers.AdamW`:

    - The learning rate and the weight decay of each weight are multiplied by its factor.
    - A weight may join after the first update. Its moments begin with zeros then, and Adam's correction of
      that bias counts from there, as in PyTorch, where each parameter counts for itself. (Keras has one count
      for all: the first steps of a late weight would be up to six times too long.)
    - Biases and the scales and shifts of norms, that is weights of less than two dimensions, do not decay.
    - The moving average of the weights advances with each update and not with each accumulated batch, and
      begins with the weights as they are at `build`. It stays beside the weights: see `swap_averages`.
    - How many updates a `WarmupSchedule` has is a variable: compiled steps of longer and shorter runs are the
      same.

    Args:
        *args: as `keras.optimizers.AdamW`, without `amsgrad`.
        factors: list of float, one for each variable that `build` gets; `None`: all 1.
        first_updates: list of int, the update at which each of them joined; `None`: all 0.
        **kwargs: as `keras.optimizers.AdamW`.

    Source: [Loshchilov & Hutter (2019)](https://arxiv.org/abs/1711.05101).
    """

    def __init__(self, *args, factors=None, first_updates=None, **kwargs):
        super().__init__(*args, **kwargs)
        if self.amsgrad:
            raise ValueError("`amsgrad` is not supported. Received: amsgrad=True")
        self.factors = None if factors is None else tuple(factors)
        self.first_updates = None if first_updates is None else tuple(first_updates)
        self._rate_factor = 1.0

    def build(self, variables):
        if self.built:
            return
        self.exclude_from_weight_decay(
            var_list=[variable for variable in variables if len(variable.shape) < 2]
        )
        super().build(variables)
        if isinstance(self._learning_rate, WarmupSchedule):
            self._span = self.add_variable((2,), name="updates_and_warmup_updates")
            self._span.assign([self._learning_rate.updates, self._learning_rate.warmup_updates])
        if self.use_ema:
            for variable, average in zip(variables, self._model_variables_moving_average, strict=True):
                average.assign(ops.copy(variable))

    def slots(self) -> dict[str, list[Any]]:
        """What it keeps for each variable of `build`, by name; together with `iterations` all its state."""
        slots = {"momentum": self._momentums, "velocity": self._velocities}
        if self.gradient_accumulation_steps:
            slots["accumulated"] = self._accumulated_gradients
        if self.use_ema:
            slots["average"] = self._model_variables_moving_average
        return slots

    @property
    def batches(self) -> Any:
        """The variable that counts batches; `iterations` counts updates."""
        return self._iterations

    def swap_averages(self) -> None:
        """Exchange weights and their moving averages; a second call exchanges them back, to the bit."""
        averages = self.slots().get("average", [])
        for variable, average in zip(self._trainable_variables, averages, strict=self.use_ema):
            weight = ops.copy(variable)
            variable.assign(average)
            average.assign(weight)

    def finalize_variable_values(self, var_list):
        # Keras would put the averages in the place of the weights whenever a `fit` ends.
        pass

    def apply(self, grads, trainable_variables=None):
        super().apply(grads, trainable_variables)
        if keras.config.backend() == "torch":
            # Keras would forget the gradients only after the next forward pass, whose peak they would raise.
            for variable in trainable_variables or self._trainable_variables:
                variable.value.grad = None

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        for (factor, first_update), group in self._groups(trainable_variables).items():
            rate = learning_rate if factor == 1.0 else learning_rate * factor
            gradients = [grads[position] for position in group]
            variables = [trainable_variables[position] for position in group]
            if update := FUSED_UPDATES.get(keras.config.backend()):
                indices = [self._get_variable_index(variable) for variable in variables]
                slots = [[kept[i] for i in indices] for kept in (self._momentums, self._velocities)]
                update(self, list(map(Trained, gradients, variables, *slots)), rate, first_update)
                continue
            if first_update:
                rate = rate * self._bias_correction(first_update) / self._bias_correction(0)
            super()._backend_update_step(gradients, variables, rate)

    def _groups(self, variables) -> dict[tuple[float, int], list[int]]:
        """Positions in a list of variables by factor and first update."""
        groups: dict[tuple[float, int], list[int]] = {}
        for position, variable in enumerate(variables):
            index = self._get_variable_index(variable)
            factor = 1.0 if self.factors is None else self.factors[index]
            first_update = 0 if self.first_updates is None else self.first_updates[index]
            groups.setdefault((factor, first_update), []).append(position)
        return groups

    def _bias_correction(self, first_update):
        """√(1 − β₂ᵗ) / (1 − β₁ᵗ) for the t-th update since one of them."""
        t = ops.cast(self.iterations + 1 - first_update, "float32")
        return ops.sqrt(1.0 - ops.power(self.beta_2, t)) / (1.0 - ops.power(self.beta_1, t))

    def _apply_weight_decay(self, variables):
        if not self.weight_decay:
            return
        decaying = [variable for variable in variables if self._use_weight_decay(variable)]
        for (factor, _), group in self._groups(decaying).items():
            self._rate_factor = factor
            super()._apply_weight_decay([decaying[position] for position in group])
        self._rate_factor = 1.0

    def _get_current_learning_rate(self):
        # Keras' weight decay asks here for the rate, in a way of its own on each backend.
        if self.built and isinstance(self._learning_rate, WarmupSchedule):
            rate = self._learning_rate.at(self._iterations, self._span[0], self._span[1])
        else:
            rate = super()._get_current_learning_rate()
        return rate if self._rate_factor == 1.0 else rate * self._rate_factor

    def _update_model_variables_moving_average(self, trainable_variables):
        if not self.use_ema:
            return
        momentum = self.ema_momentum
        if self.gradient_accumulation_steps:
            updates = ops.equal((self._iterations + 1) % self.gradient_accumulation_steps, 0)
            momentum = ops.where(updates, momentum, 1.0)
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            average.assign(momentum * average + (1.0 - momentum) * variable)

    def get_config(self):
        return {**super().get_config(), "factors": self.factors, "first_updates": self.first_updates}


def adamw(
    learning_rate: Any,
    gradient_accumulation_steps: int,
    max_grad_norm: float,
    weight_decay: float = 0.0,
    ema_momentum: float | None = None,
    factors: Sequence[float] | None = None,
    first_updates: Sequence[int] | None = None,
) -> GroupedAdamW:
    """AdamW with the constants of the original system (those of `torch.optim.AdamW`).

    Args:
        learning_rate: float or schedule.
        gradient_accumulation_steps: batches whose gradients are averaged for one update.
        max_grad_norm: longest gradient, as the norm over all weights; longer ones are scaled down.
        weight_decay: share of a weight, times the learning rate, that each update takes away.
        ema_momentum: of the moving average of the weights; `None` for no average.
        factors: see `GroupedAdamW`.
        first_updates: see `GroupedAdamW`.
    """
    return GroupedAdamW(
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        epsilon=1e-8,
        global_clipnorm=max_grad_norm,
        use_ema=ema_momentum is not None,
        ema_momentum=0.0 if ema_momentum is None else ema_momentum,
        gradient_accumulation_steps=gradient_accumulation_steps if gradient_accumulation_steps > 1 else None,
        factors=factors,
        first_updates=first_updates,
    )
