"""A model made ready for the next part of its run: what is trained, by which optimizer, for which loss."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from kser.training.objectives import Objective
from kser.training.optimisation import GroupedAdamW, adamw
from kser.training.plan import TrainingPlan
from kser.training.schedules import WarmupSchedule, warmup_updates
from kser.training.shared_programs import through_shared_program
from kser.training.training_state import assign_optimizer
from kser.training.unfreezing import Unfreezing


class RunCompiler:
    """Compiles the model of a run, again whenever further weights are trained.

    Args:
        model: to be trained.
        objective: the kind of target.
        targets: of the training part.
        plan: the settings.
        updates: of the whole run.
        batches_per_epoch: of the training part.
        layer_groups: see `kser.training.fit.train`.
        program: see `kser.training.fit.train`.

    Attributes:
        unfreezing: which weights are trained from when on.
    """

    def __init__(
        self,
        model: keras.Model,
        objective: Objective,
        targets: Any,
        plan: TrainingPlan,
        updates: int,
        batches_per_epoch: int,
        layer_groups: Sequence[Sequence[Any]],
        program: str | None = None,
    ):
        self.model = model
        self.objective = objective
        self.targets = targets
        self.plan = plan
        self.updates = updates
        self.program = program
        self.unfreezing = Unfreezing(
            model, layer_groups, plan.updates_per_layer(batches_per_epoch), plan.eval_steps
        )
        self._depths = {
            id(weight): depth for depth, group in enumerate(layer_groups, start=1) for weight in group
        }

    def compile(self, update: int, arrays: Mapping[str, np.ndarray]) -> keras.Model:
        """Make the model ready for what follows an update.

        Args:
            update: updates made.
            arrays: what the optimizer kept until then, see `optimizer_arrays`; empty at the beginning. The
                moving average of a weight that was not trained yet begins with the weight as it is.

        Returns:
            What to fit in its place: the model, or one whose steps are compiled already, in the same state.
        """
        self.unfreezing.apply(update)
        compile_arguments = self.objective.compile_arguments(self.model, self.targets)
        self.model.compile(optimizer=self._optimizer(), **compile_arguments)
        self.model.optimizer.build(self.model.trainable_variables)
        if arrays:
            assign_optimizer(self.model, arrays)
        if self.program is None:
            return self.model
        settings = f"{self.program} {self.objective} {replace(self.plan, seed=0)}"
        return through_shared_program(self.model, compile_arguments, settings)

    def _optimizer(self) -> GroupedAdamW:
        plan, trained = self.plan, self.model.trainable_variables
        schedule = WarmupSchedule(
            plan.lr_scheduler,
            plan.learning_rate,
            self.updates,
            warmup_updates(self.updates, plan.warmup_ratio),
            plan.gradient_accumulation_steps,
        )
        return adamw(
            schedule,
            plan.gradient_accumulation_steps,
            plan.max_grad_norm,
            plan.weight_decay,
            plan.ema_momentum,
            factors=[plan.layerwise_lr_decay ** self._depths.get(id(weight), 0) for weight in trained],
            first_updates=[self.unfreezing.first_update(weight) for weight in trained],
        )
