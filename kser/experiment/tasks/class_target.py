"""The class of an utterance: one of several."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from kser.corpora.emotions import LabelMapping, map_labels, map_to_model
from kser.corpora.labels import label_order
from kser.corpora.splits import thin_classes
from kser.errors import UserError
from kser.experiment.tasks.evaluation import Evaluation, Truth
from kser.experiment.tasks.target import ClassChoice, SelectedRows, Target

_USUAL_CLASSES = 7


@dataclass(frozen=True)
class ClassTarget(Target):
    """One column with the class. The head has `labels`: the classes in the order of the logits."""

    output: ClassVar[str] = "logits"

    @property
    def evaluation(self) -> Evaluation:
        from kser.experiment.tasks.class_evaluation import ClassEvaluation

        return ClassEvaluation()

    def calibration(self, outputs: np.ndarray, encoded: np.ndarray) -> dict[str, Any]:
        from kser.evaluation.temperature import temperature_report

        return temperature_report(logits=outputs, y_true=encoded)

    @property
    def class_column(self) -> str:
        (column,) = self.columns
        return column

    def read(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        """The classes; `read_metadata` has seen to it that no cell is empty."""
        return table[[self.class_column]]

    def select(self, tables: Mapping[str, pd.DataFrame], choice: ClassChoice, source: str) -> SelectedRows:
        """The rows with a class that is wanted, under its new name."""
        column = self.class_column
        joined = pd.concat([table[column] for table in tables.values()], keys=list(tables))
        names = map_labels(joined, choice.label_map, choice.classes, source, choice.normalize)
        renamed = {
            part: table.assign(**{column: names.labels[part]})[names.labels[part].notna()]
            for part, table in tables.items()
        }
        return SelectedRows(renamed, names.mapped, names.left_out)

    def head(self, values: pd.DataFrame, parts: pd.Series) -> dict[str, Any]:
        return {"labels": label_order(values[self.class_column])}

    def typical_head(self) -> dict[str, Any]:
        return {"labels": [f"class {number}" for number in range(_USUAL_CLASSES)]}

    def names(self, head: Mapping[str, Any]) -> list[str]:
        return list(head["labels"])

    def encode(self, values: pd.DataFrame, head: Mapping[str, Any]) -> np.ndarray:
        """int32 (utterances,): the position of each class among the labels."""
        positions = {label: position for position, label in enumerate(head["labels"])}
        return np.asarray([positions[name] for name in values[self.class_column]], np.int32)

    def known(self, values: pd.DataFrame) -> pd.DataFrame:
        return pd.get_dummies(values[self.class_column], dtype=bool)

    def split_mistakes(self, values: pd.DataFrame, parts: pd.Series, seed: int) -> list[str]:
        classes = values[self.class_column].unique()
        if len(classes) > 1:
            return []
        return [f"{self.class_column}: {classes[0]!r} in every row; a classifier needs two classes"]

    def thin_spots(self, values: pd.DataFrame, parts: pd.Series) -> list[str]:
        return [
            f"few utterances to judge a class by: {line}"
            for line in thin_classes(values, parts, self.class_column)
        ]

    def truth(self, table: pd.DataFrame, head: Mapping[str, Any], choice: ClassChoice, source: str) -> Truth:
        """The classes by the model's names; missing where the model does not know the class."""
        names = map_to_model(
            table[self.class_column],
            head["labels"],
            choice.label_map,
            choice.classes,
            source,
            choice.normalize,
        )
        if names.labels.isna().all():
            raise UserError(
                f"{source}: {self.class_column}: no utterance of a class that the model knows "
                f"({', '.join(head['labels'])})"
            )
        return Truth(names.labels.to_frame(self.class_column), _facts_about_names(names))

    def naming_notes(self, facts: Mapping[str, Any]) -> list[str]:
        """Classes of a test set that go by other names in the model, or that it does not know."""
        renamed = [f"{old} → {new}" for old, new in facts["labels_renamed"].items()]
        unknown = [f"{entry['label']} ({entry['support']})" for entry in facts["labels_unknown_to_model"]]
        lines = [f"classes by the model's names: {', '.join(renamed)}"] if renamed else []
        lines += [f"left out, unknown to the model: {', '.join(unknown)}"] if unknown else []
        return lines


def _facts_about_names(names: LabelMapping) -> dict[str, Any]:
    unknown = {name: count for name, count in names.left_out.items() if name not in names.asked_out}
    return {
        "labels_renamed": names.mapped,
        "labels_unknown_to_model": [{"label": name, "support": count} for name, count in unknown.items()],
        "labels_left_out": {name: names.left_out[name] for name in names.asked_out},
    }
