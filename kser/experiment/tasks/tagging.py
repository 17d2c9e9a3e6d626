"""The task of giving an utterance any number of labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from kser.experiment.tasks.labels_target import LabelsTarget
from kser.experiment.tasks.registry import register_task
from kser.experiment.tasks.task import Task, TaskSettings, output_columns
from kser.training.multi_label_objective import MultiLabelObjective


@register_task
@dataclass(frozen=True)
class Tagging(Task):
    """Any number of the labels in `output_column`."""

    name: ClassVar[str] = "tagging"
    switch: ClassVar[str | None] = "is_multi_label"
    fields: ClassVar[tuple[str, ...]] = ("use_positive_weights",)
    shown_metric: ClassVar[str] = "f1score"

    @classmethod
    def from_settings(cls, settings: TaskSettings) -> "Tagging":
        labels = LabelsTarget(output_columns(settings))
        return cls((labels,), MultiLabelObjective(settings.use_positive_weights))

    @classmethod
    def settings_of(cls, head: Mapping[str, list[str]]) -> dict[str, Any] | None:
        return {"is_multi_label": True, "output_column": head["labels"]} if set(head) == {"labels"} else None

    @property
    def model_class(self) -> type[Any]:
        from kser.models import EmotionTagger

        return EmotionTagger
