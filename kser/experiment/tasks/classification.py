"""The task of naming the class of an utterance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from kser.experiment.tasks.class_target import ClassTarget
from kser.experiment.tasks.registry import register_task
from kser.experiment.tasks.task import Task, TaskSettings, output_columns
from kser.training.objectives import ClassificationObjective

CLASS_FIELDS = ("use_class_weights", "label_smoothing", "focal_gamma")


@register_task
@dataclass(frozen=True)
class Classification(Task):
    """One class of several for each utterance."""

    name: ClassVar[str] = "classification"
    fields: ClassVar[tuple[str, ...]] = CLASS_FIELDS
    shown_metric: ClassVar[str] = "accuracy"

    @classmethod
    def from_settings(cls, settings: TaskSettings) -> "Classification":
        return cls((class_target(settings),), classification_objective(settings))

    @classmethod
    def field_mistakes(cls, settings: TaskSettings) -> list[str]:
        return super().field_mistakes(settings) or class_column_mistakes(settings)

    @classmethod
    def settings_of(cls, head: Mapping[str, list[str]]) -> dict[str, Any] | None:
        return {} if set(head) == {"labels"} else None

    @property
    def model_class(self) -> type[Any]:
        from kser.models import EmotionClassifier

        return EmotionClassifier


def class_target(settings: TaskSettings) -> ClassTarget:
    """The class in `output_column`."""
    return ClassTarget(output_columns(settings))


def class_column_mistakes(settings: TaskSettings) -> list[str]:
    """Why `class_target` cannot be made, a line each."""
    if isinstance(settings.output_column, str):
        return []
    return [
        "output_column: a list of columns requires is_regression: true (numbers) or is_multi_label: true "
        "(0 and 1); a class is in one column, and numbers beside it in regression_columns"
    ]


def classification_objective(settings: TaskSettings) -> ClassificationObjective:
    """What training optimises for the class."""
    return ClassificationObjective(settings.use_class_weights, settings.label_smoothing, settings.focal_gamma)
