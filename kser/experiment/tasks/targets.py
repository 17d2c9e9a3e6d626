"""What a model learns to say of an utterance: a class, numbers, both, or any number of labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kser.experiment.config.model_config import ModelConfig

Kind = Literal["class", "numbers", "class and numbers", "labels"]


@dataclass(frozen=True)
class Targets:
    """The columns of the metadata that hold what is learned.

    Attributes:
        class_column: with the class, or `None`.
        number_columns: with numbers, in the units of the corpus; an empty cell is a missing number.
        label_columns: with 0 or 1 each.
    """

    class_column: str | None = None
    number_columns: tuple[str, ...] = ()
    label_columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: "ModelConfig") -> "Targets":
        """What a model JSON asks for."""
        columns = [model.output_column] if isinstance(model.output_column, str) else model.output_column
        if model.is_regression:
            return cls(number_columns=tuple(columns))
        if model.is_multi_label:
            return cls(label_columns=tuple(columns))
        (class_column,) = columns
        return cls(class_column, number_columns=tuple(model.regression_columns))

    @property
    def kind(self) -> Kind:
        """What it is called: it decides the class of the model, its objective and its report."""
        if self.label_columns:
            return "labels"
        if self.class_column is None:
            return "numbers"
        return "class and numbers" if self.number_columns else "class"

    @property
    def columns(self) -> list[str]:
        """All of them, that of the class first."""
        of_class = [] if self.class_column is None else [self.class_column]
        return [*of_class, *self.number_columns, *self.label_columns]


@dataclass(frozen=True)
class Head:
    """What the head of a model says, beyond the columns of its `Targets`.

    Attributes:
        labels: classes, or labels of which any may be right, in the order of the logits; none for numbers.
        offsets: of each number: its mean in the training part; `None` for 0.
        scales: of each number: its standard deviation there; `None` for 1.
    """

    labels: Sequence[str] = ()
    offsets: Sequence[float] | None = None
    scales: Sequence[float] | None = None
