"""What a run learns to say of an utterance, one task a module; importing this registers them all."""

from kser.experiment.tasks.classification import Classification
from kser.experiment.tasks.multi_task import MultiTask
from kser.experiment.tasks.registry import register_task, task_from_settings, task_mistakes, task_types
from kser.experiment.tasks.regression import Regression
from kser.experiment.tasks.tagging import Tagging
from kser.experiment.tasks.task import Task, TaskSettings, metric_mistakes

__all__ = [
    "Classification",
    "MultiTask",
    "Regression",
    "Tagging",
    "Task",
    "TaskSettings",
    "metric_mistakes",
    "register_task",
    "task_from_settings",
    "task_mistakes",
    "task_types",
]
