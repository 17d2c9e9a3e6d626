"""Probes of one layer, each with groups that make it say what it is asked."""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd

from kser.analysis.grid import probe_table
from kser.analysis.targets import ClassTarget, NumberTarget, Target
from kser.representations.analysing.context import Context, Layer
from kser.representations.analysing.jobs import Outcome

_FEWEST_SENTENCES = 2


class Question(NamedTuple):
    """What is read from a layer.

    Attributes:
        name: a column of the metadata, or a group of features.
        kind: what it holds.
    """

    name: str
    kind: Literal["classes", "numbers", "features"]


def questions(context: Context) -> list[Question]:
    """What probes read: classes, numbers, then groups of features.

    Raises:
        UserError: a column that was asked for is missing, or has no numbers; or controls are to be dealt to
            speakers.
    """
    context.check_control()
    return [
        *(Question(name, "classes") for name in context.classes),
        *(Question(name, "numbers") for name in context.numbers),
        *(Question(group, "features") for group in context.features),
    ]


@dataclass(frozen=True)
class ProbeJob:
    """Probes that read one thing from one layer.

    Whatever is asked but the speaker is read by probes that never met the test's speakers. The speaker is
    read by probes that know all of them, from sentences that they do not know, where the metadata name
    sentences.
    """

    table: ClassVar[str] = "probes"
    layer: Layer
    question: Question

    @property
    def key(self) -> str:
        return f"{self.table} {tuple(self.layer)} {tuple(self.question)}"

    def outcome(self, context: Context) -> Outcome:
        found = Outcome()
        settings = context.settings
        chosen, values = _answers(context, self.question)
        groups, without = _groups(context, self.question, chosen)
        found.notes += without
        if not len(chosen):
            found.notes.append(f"probe of {self.question.name}: no utterance has a value")
            return found
        speakers = None if context.speakers is None else context.speakers[chosen]
        units = context.column(settings.control_by) if settings.control_by else None
        rows = found.attempt(
            f"probe of {self.question.name}",
            lambda: probe_table(
                {self.layer.number: context.vectors(self.layer, chosen)},
                _target(self.question, values),
                groups,
                speakers=speakers,
                units=None if units is None else units.iloc[chosen],
                draws=settings.control_draws,
                seeds=range(settings.seed, settings.seed + settings.probe_seeds),
            ),
            pd.DataFrame(),
        )
        found.rows = [self._row(context, row, len(chosen)) for row in rows.to_dict("records")]
        return found

    def _row(self, context: Context, row: dict, utterances: int) -> dict:
        penalties = " ".join(f"{penalty:g}" for penalty in row.pop("penalties"))
        folds_seed = row.pop("seed")
        return {
            **context.place(self.layer),
            "target": self.question.name,
            "folds_seed": folds_seed,
            "utterances": utterances,
            **{name: value for name, value in row.items() if name != "layer"},
            "penalties": penalties,
        }


def _answers(context: Context, question: Question) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the utterances that have an answer, and the answers."""
    if question.kind == "features":
        values = context.features[question.name]
        chosen = np.flatnonzero(np.isfinite(values).all(axis=1))
        columns = values[chosen]
        varied = np.ptp(columns, axis=0) > 0 if len(chosen) else np.zeros(values.shape[1], dtype=bool)
        return (chosen, columns[:, varied]) if varied.any() else (chosen[:0], columns[:0])
    cells = context.utterances.table[question.name]
    chosen = np.flatnonzero((cells != "").to_numpy())
    answers = cells.iloc[chosen]
    return chosen, (answers.astype(float) if question.kind == "numbers" else answers).to_numpy()


def _groups(context: Context, question: Question, chosen: np.ndarray) -> tuple[np.ndarray | None, list[str]]:
    """What is never in training and test at once, and what a reader must know of it."""
    settings = context.settings
    if question == Question(settings.speaker, "classes"):
        column = context.column(settings.sentence)
        if column is None or (column == "").any() or column.nunique() < _FEWEST_SENTENCES:
            return None, [
                f"probe of {question.name}: not every sentence is named (column {settings.sentence}): what "
                "was said may help it"
            ]
        return column.iloc[chosen].to_numpy(dtype=str), []
    if context.speakers is None:
        return None, [
            f"probe of {question.name}: not every speaker is named (column {settings.speaker}): it knows "
            "the voices that it is tested on"
        ]
    return context.speakers[chosen], []


def _target(question: Question, values: np.ndarray) -> Target:
    return ClassTarget.of(values) if question.kind == "classes" else NumberTarget.of(values)
