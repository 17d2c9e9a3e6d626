"""The task of rating an utterance with numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from kser.experiment.tasks.numbers_target import NumbersTarget
from kser.experiment.tasks.registry import register_task
from kser.experiment.tasks.task import Task, TaskSettings, output_columns
from kser.training.regression_objective import RegressionObjective


@register_task
@dataclass(frozen=True)
class Regression(Task):
    """One number for each of `output_column`."""

    name: ClassVar[str] = "regression"
    switch: ClassVar[str | None] = "is_regression"
    fields: ClassVar[tuple[str, ...]] = ("regression_loss",)
    shown_metric: ClassVar[str] = "ccc"

    @classmethod
    def from_settings(cls, settings: TaskSettings) -> "Regression":
        columns = output_columns(settings)
        return cls((NumbersTarget(columns),), RegressionObjective(columns, settings.regression_loss))

    def mistakes(self, settings: TaskSettings) -> list[str]:
        return [*super().mistakes(settings), *batch_size_mistakes(settings)]

    @classmethod
    def settings_of(cls, head: Mapping[str, list[str]]) -> dict[str, Any] | None:
        return {"is_regression": True, "output_column": head["targets"]} if set(head) == {"targets"} else None

    @property
    def model_class(self) -> type[Any]:
        from kser.models import EmotionRegressor

        return EmotionRegressor


def batch_size_mistakes(settings: TaskSettings) -> list[str]:
    """Batches from which the loss of the numbers learns nothing."""
    if settings.regression_loss != "ccc" or settings.per_device_batch_size > 1:
        return []
    return [
        "per_device_batch_size: 1: the regression_loss ccc compares the utterances of a batch, so that it "
        "learns nothing from one; give 2 or more, better 8 or more, or regression_loss: mse"
    ]
