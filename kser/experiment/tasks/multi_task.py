"""The task of naming the class of an utterance and rating it at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from kser.experiment.tasks.classification import (
    CLASS_FIELDS,
    class_column_mistakes,
    class_target,
    classification_objective,
)
from kser.experiment.tasks.numbers_target import NumbersTarget
from kser.experiment.tasks.registry import register_task
from kser.experiment.tasks.regression import batch_size_mistakes
from kser.experiment.tasks.task import Task, TaskSettings
from kser.training.multi_task_objective import MultiTaskObjective
from kser.training.regression_objective import RegressionObjective


@register_task
@dataclass(frozen=True)
class MultiTask(Task):
    """The class in `output_column`, and a number for each of `regression_columns`."""

    name: ClassVar[str] = "multi-task"
    switch: ClassVar[str | None] = "regression_columns"
    fields: ClassVar[tuple[str, ...]] = (*CLASS_FIELDS, "regression_loss", "regression_weight")
    columns_field: ClassVar[str] = "regression_columns"
    shown_metric: ClassVar[str] = "accuracy"

    @classmethod
    def from_settings(cls, settings: TaskSettings) -> "MultiTask":
        columns = tuple(settings.regression_columns)
        objective = MultiTaskObjective(
            RegressionObjective(columns, settings.regression_loss),
            classification_objective(settings),
            settings.regression_weight,
        )
        return cls((class_target(settings), NumbersTarget(columns)), objective)

    @classmethod
    def field_mistakes(cls, settings: TaskSettings) -> list[str]:
        mistakes = [*super().field_mistakes(settings), *class_column_mistakes(settings)]
        return mistakes if settings.regression_columns else [*mistakes, "regression_columns: names no column"]

    def mistakes(self, settings: TaskSettings) -> list[str]:
        return [*super().mistakes(settings), *batch_size_mistakes(settings)]

    @classmethod
    def settings_of(cls, head: Mapping[str, list[str]]) -> dict[str, Any] | None:
        return {"regression_columns": head["targets"]} if set(head) == {"labels", "targets"} else None

    @property
    def model_class(self) -> type[Any]:
        from kser.models import MultiTaskEmotionModel

        return MultiTaskEmotionModel
