"""What a user may add to kser from outside: a backbone family, a step of the head, a task; each made up.

The task is to say how strong an utterance is, a share between 0 and 1. What is entered stays for the rest
of a process, so tests run this as a program: `python -m tests.experiment.made_up_extension EXPERIMENT MODEL`.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import keras
import numpy as np
import pandas as pd
from keras import ops
from pydantic import Field

import kser
from kser import cli
from kser.evaluation.measures import Measure, computed, number_or_none
from kser.evaluation.outcomes import Outcome
from kser.evaluation.over_speakers import interval_entries, subgroup_entries
from kser.experiment.config.field_types import Count
from kser.experiment.config.head_argument import HeadArgument
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.tasks import Task, TaskSettings, register_task
from kser.experiment.tasks.evaluation import Comparison, Evaluation
from kser.experiment.tasks.numbers_target import NumbersTarget
from kser.experiment.tasks.report_kinds import ReportKind, register_report_kind
from kser.models import EmotionTask, SpeechBackbone
from kser.models.families import backbone_family
from kser.models.heads import Head, head_step
from kser.models.wav2vec2.feature_encoder import FrameMask
from kser.training.objectives import ValidationMetric

# === A backbone family ===


@backbone_family("levels")
@keras.saving.register_keras_serializable(package="made_up")
class LevelsBackbone(SpeechBackbone):
    """The level of each frame, and a dense layer on it."""

    def __init__(self, units=8, frame_length=400, dtype=None, **kwargs):
        # === Layers ===
        frame_mask_layer = FrameMask([frame_length], [frame_length], dtype=dtype, name="frame_mask")
        frames = keras.layers.AveragePooling1D(frame_length, name="frames")
        dense = keras.layers.Dense(units, activation="relu", dtype=dtype, name="dense")

        # === Functional Model ===
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
        sound = waveform * ops.cast(padding_mask, "float32")
        levels = ops.log(frames(ops.expand_dims(sound * sound, -1)) + 1e-5)
        x = dense(levels)
        super().__init__(
            inputs={"waveform": waveform, "padding_mask": padding_mask},
            outputs={"sequence_output": x, "frame_mask": frame_mask_layer(levels, padding_mask)},
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.units = units
        self.frame_length = frame_length
        self.hidden_states = (levels, x)

    @property
    def minimum_samples(self):
        return self.frame_length

    def get_config(self):
        return {**super().get_config(), "units": self.units, "frame_length": self.frame_length}


# === A step of the head, and the field of a model JSON that asks for it ===


@head_step(bottleneck_dim=None)
def bottleneck(head: Head) -> list[keras.layers.Layer]:
    """A narrow layer before the last one."""
    return [] if head.bottleneck_dim is None else [head.dense(head.bottleneck_dim, "bottleneck")]


class BottleneckModelConfig(ModelConfig):
    """A model JSON with the bottleneck."""

    bottleneck_dim: Annotated[Count | None, HeadArgument("bottleneck_dim")] = Field(
        None, description="Units of a narrow layer before the last one; unset: none."
    )


# === A task ===


@keras.saving.register_keras_serializable(package="made_up")
class StrengthModel(EmotionTask):
    """Says how strong an utterance is, as a logit."""

    new_head_arguments: ClassVar = {"strengths": ()}

    def __init__(self, backbone, strengths, preprocessor=None, **kwargs):
        super().__init__(
            backbone, lambda dense: dense(len(strengths), "strength"), preprocessor=preprocessor, **kwargs
        )
        self.strengths = strengths

    def get_config(self):
        return {**super().get_config(), "strengths": self.strengths}


@dataclass(frozen=True)
class StrengthObjective:
    """The cross-entropy of shares."""

    validation_metrics: ClassVar = [
        ValidationMetric("loss", "crossentropy", higher_is_better=False),
        ValidationMetric("error", "error", higher_is_better=False),
    ]

    def compile_arguments(self, model: Any, targets: Any) -> dict[str, Any]:
        def error(y_true, y_pred):
            return ops.mean(ops.abs(y_true - ops.sigmoid(y_pred)), axis=-1)

        crossentropy = keras.metrics.BinaryCrossentropy(name="crossentropy", from_logits=True)
        return {
            "loss": keras.losses.BinaryCrossentropy(from_logits=True),
            "weighted_metrics": [crossentropy, keras.metrics.MeanMetricWrapper(error, name="error")],
        }


MAE = Measure("mae", "MAE", lambda sums: np.divide(sums[..., 0], sums[..., 1]), higher_is_better=False)
STRENGTHS = register_report_kind(
    ReportKind(
        name="strengths",
        file="strength_report.json",
        runs_file="strengths.json",
        measures=(MAE,),
        required=("mae",),
        explanation="MAE is the mean absolute error of strengths.",
    )
)


class StrengthEvaluation(Evaluation):
    """The mean absolute error."""

    report = STRENGTHS
    answer = "a strength"

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-outputs))

    def measures(self, known: Comparison) -> dict[str, Any]:
        errors = np.abs(known.true.to_numpy() - known.predicted)
        outcome = Outcome(
            np.column_stack([errors[:, 0], np.ones(len(errors))]),
            lambda sums: computed([MAE], sums),
            np.ones(len(errors), dtype=bool),
        )
        return {
            "n": len(errors),
            "mae": number_or_none(outcome.estimates["mae"]),
            **interval_entries(outcome, known.speakers),
            **subgroup_entries(outcome, "mae", known.speakers, known.groups),
        }

    def columns(self, every: Comparison) -> pd.DataFrame:
        sides = {"true": every.true[every.names[0]], "predicted": every.predicted[:, 0].round(6)}
        return pd.DataFrame(sides, index=every.table.index)

    def write(self, known: Comparison, measures: dict[str, Any], folder: Path) -> None:
        (folder / "strengths.txt").write_text(f"{measures['mae']:.3f}\n")

    def needed_files(self, report: dict[str, Any]) -> list[str]:
        return ["strengths.txt"]

    def headline(self, report: dict[str, Any]) -> str:
        return f"MAE {report['mae']:.3f}"

    def warnings(self, report: dict[str, Any]) -> list[str]:
        return []


@dataclass(frozen=True)
class StrengthTarget(NumbersTarget):
    """A column of shares."""

    output: ClassVar[str] = "strength"

    @property
    def evaluation(self) -> Evaluation:
        return StrengthEvaluation()

    def head(self, values: pd.DataFrame, parts: pd.Series) -> dict[str, Any]:
        return self.typical_head()

    def typical_head(self) -> dict[str, Any]:
        return {"strengths": list(self.columns)}


@register_task
@dataclass(frozen=True)
class Strength(Task):
    """The share in `output_column`."""

    name: ClassVar[str] = "strength"
    shown_metric: ClassVar[str] = "error"

    @classmethod
    def from_settings(cls, settings: TaskSettings) -> "Strength":
        assert isinstance(settings.output_column, str)
        return cls((StrengthTarget((settings.output_column,)),), StrengthObjective())

    @property
    def model_class(self) -> type[StrengthModel]:
        return StrengthModel


def main(experiment_file: str, model_file: str) -> None:
    """Train, evaluate, test and report an experiment that uses all of it."""
    model = BottleneckModelConfig.model_validate_json(Path(model_file).read_text())
    study = kser.Experiment(experiment_file, models=[model]).run()
    results = study.evaluation_csv.parents[1]
    for command in ("stats", "report"):
        sys.argv = ["kser", command, str(results)]
        with suppress(SystemExit):
            cli.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
