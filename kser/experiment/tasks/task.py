"""What a run learns, as one value: what is said of an utterance, by which model, for which objective."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import pandas as pd

from kser.experiment.tasks.target import Target
from kser.training.objectives import Objective

# Columns of the metadata with another meaning, see `kser.corpora.metadata.read_metadata`.
_NO_TARGETS = ("path", "utterance")


class TaskSettings(Protocol):
    """The fields of a model JSON that say what is learned; `ModelConfig` documents them."""

    @property
    def task_name(self) -> str | None: ...
    @property
    def input_column(self) -> str: ...
    @property
    def output_column(self) -> str | list[str]: ...
    @property
    def is_regression(self) -> bool: ...
    @property
    def is_multi_label(self) -> bool: ...
    @property
    def regression_columns(self) -> list[str]: ...
    @property
    def regression_loss(self) -> Literal["ccc", "mse"]: ...
    @property
    def regression_weight(self) -> float: ...
    @property
    def use_class_weights(self) -> bool: ...
    @property
    def label_smoothing(self) -> float: ...
    @property
    def focal_gamma(self) -> float: ...
    @property
    def use_positive_weights(self) -> bool: ...
    @property
    def best_metric(self) -> str: ...
    @property
    def per_device_batch_size(self) -> int: ...
    @property
    def model_fields_set(self) -> Set[str]: ...


@dataclass(frozen=True)
class Task(ABC):
    """One kind of thing to learn, with the settings of a model JSON.

    A further kind is a subclass with the decorator `kser.experiment.tasks.registry.register_task`; nothing
    else need know of it.

    Attributes:
        targets: what the model says of an utterance; the first decides which rows can be used.
        objective: what training optimises and measures.
    """

    targets: tuple[Target, ...]
    objective: Objective

    name: ClassVar[str]
    """As the field `task_name` of a model JSON has it."""
    switch: ClassVar[str | None] = None
    """The field that asks for the task where `task_name` is not given."""
    fields: ClassVar[tuple[str, ...]] = ()
    """Further fields of a model JSON that mean something for this task, and not for every other."""
    columns_field: ClassVar[str] = "output_column"
    """The field that names the columns of numbers or labels."""
    shown_metric: ClassVar[str]
    """The validation metric that progress shows unless the experiment names one."""

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: TaskSettings) -> "Task":
        """The task with the settings of a model JSON for which `field_mistakes` finds nothing."""

    @classmethod
    def settings_of(cls, head: Mapping[str, list[str]]) -> dict[str, Any] | None:
        """The fields of a model JSON that ask for a model with a head, of which no run's settings are known.

        Args:
            head: names of what it is for, by the arguments of the model's class.

        Returns:
            `None` where no such settings can be told, or the task has other heads.
        """
        return None

    @classmethod
    def field_mistakes(cls, settings: TaskSettings) -> list[str]:
        """Why `from_settings` cannot make a task, a line each."""
        return [] if settings.output_column else ["output_column: names no column"]

    def mistakes(self, settings: TaskSettings) -> list[str]:
        """What the settings that it was made of ask for that does not fit together, a line each."""
        return [
            *self._column_mistakes(settings.input_column),
            *metric_mistakes("best_metric", settings.best_metric, self.metrics),
        ]

    @property
    @abstractmethod
    def model_class(self) -> type[Any]:
        """The subclass of `kser.models.EmotionTask` that learns it."""

    @property
    def columns(self) -> list[str]:
        """All columns that hold what is learned."""
        return [column for target in self.targets for column in target.columns]

    @property
    def class_column(self) -> str | None:
        """The column with the class by which splits are stratified, if any."""
        return next(filter(None, (target.class_column for target in self.targets)), None)

    @property
    def metrics(self) -> list[str]:
        """Names of the validation metrics."""
        return [metric.name for metric in self.objective.validation_metrics]

    def read(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        """The values of all targets in a metadata table, see `Target.read`."""
        return pd.concat([target.read(table, source) for target in self.targets], axis=1)

    def values_by_target(self, values: pd.DataFrame) -> Iterator[tuple[Target, pd.DataFrame]]:
        """Each target with its part of the values of all targets."""
        return ((target, values[list(target.columns)]) for target in self.targets)

    def head(self, values: pd.DataFrame, parts: pd.Series) -> dict[str, Any]:
        """The head of a model that learns these values, see `Target.head`."""
        return {
            name: value
            for target, its_values in self.values_by_target(values)
            for name, value in target.head(its_values, parts).items()
        }

    def typical_head(self) -> dict[str, Any]:
        """A head as large as usual, for models whose data are not known."""
        return {name: value for target in self.targets for name, value in target.typical_head().items()}

    def encode(self, values: pd.DataFrame, head: Mapping[str, Any]) -> np.ndarray | dict[str, np.ndarray]:
        """The values as the objective takes them: one array, or several by the outputs of the model."""
        encoded = {
            target.output: target.encode(its_values, head)
            for target, its_values in self.values_by_target(values)
        }
        return encoded if len(encoded) > 1 else next(iter(encoded.values()))

    def build_model(self, backbone: Any, head: Mapping[str, Any], **arguments: Any) -> Any:
        """A new model.

        Args:
            backbone: a `SpeechBackbone`.
            head: what it is for, see `head`.
            **arguments: of `EmotionTask`.
        """
        return self.model_class(backbone, **head, **arguments)

    def _column_mistakes(self, input_column: str) -> list[str]:
        field, columns = self.columns_field, self.columns
        mistakes = []
        if repeated := sorted({name for name in columns if columns.count(name) > 1}):
            mistakes.append(f"{field}: {', '.join(map(repr, repeated))} more than once")
        numbers_or_labels = [name for name in columns if name != self.class_column]
        mistakes += [
            f"{field}: {name!r} is the column with the audio files"
            for name in numbers_or_labels
            if name in (*_NO_TARGETS, input_column)
        ]
        # They become part of the names of metrics, which are paths to Keras.
        mistakes += [
            f"{field}: {name!r}: should be a name without slash, and not empty; rename the column"
            for name in numbers_or_labels
            if not name or "/" in name
        ]
        return mistakes


def output_columns(settings: TaskSettings) -> tuple[str, ...]:
    """The columns that `output_column` names."""
    columns = settings.output_column
    return (columns,) if isinstance(columns, str) else tuple(columns)


def metric_mistakes(field: str, name: str, known: list[str], of_what: str = "") -> list[str]:
    """A line where a field names a validation metric that is none of those known."""
    if name in known:
        return []
    *others, last = map(repr, known)
    wanted = f"{', '.join(others)} or {last}" if others else last
    return [f"{field}: should be {wanted}{of_what}, not {json.dumps(name, ensure_ascii=False)}"]
