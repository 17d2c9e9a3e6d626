"""A training run small enough for tests, also as a program that kills itself at a given batch.

As a program: `python -m tests.training.small_run FOLDER [KILL_AT_BATCH]`; the backend is KERAS_BACKEND's. It
does the plan `COMBINED`, which has most to save.
"""

import dataclasses
import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np
import soundfile

from kser.models import EmotionClassifier, LogMelBackbone
from kser.models.standardization import Standardization
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat
from kser.training.fit import train
from kser.training.objectives import ClassificationObjective, Objective
from kser.training.plan import TrainingPlan
from kser.training.training_result import TrainingResult

FORMAT = WaveformFormat(sampling_rate=16000, do_normalize=True, mask_padding=True, minimum_samples=512)
PLAN = TrainingPlan(
    epochs=8,
    batch_size=4,
    evaluation_batch_size=4,
    learning_rate=1e-2,
    gradient_accumulation_steps=2,
    max_grad_norm=1.0,
    eval_steps=4,
    logging_steps=2,
    save_steps=4,
    save_total_limit=2,
    length_buckets=2,
    seed=7,
)
OBJECTIVE = ClassificationObjective(use_class_weights=True)
# Averages, windows of batches, layers that join, rates of their own, decay, a warm-up and early stopping.
COMBINED = dataclasses.replace(
    PLAN,
    epochs=4,
    length_buckets=1,
    eval_steps=2,
    save_steps=2,
    learning_rate=2e-2,
    ema_momentum=0.5,
    gradual_unfreezing_epochs=1,
    layerwise_lr_decay=0.5,
    weight_decay=0.05,
    lr_scheduler="cosine",
    warmup_ratio=0.2,
    best_metric="f1score",
    early_stopping_patience=3,
)


def write_swells(folder: Path, count: int, seed: int) -> Utterances:
    """Noise that swells slowly or fast, of different lengths: two classes that can be told apart."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    paths, targets = [], []
    for number in range(count):
        target = number % 2
        samples = int(rng.integers(4000, 12000))
        swell_hz = 4.0 + 16.0 * target
        level = 0.5 + 0.5 * np.sin(2 * np.pi * swell_hz * np.arange(samples) / 16000)
        path = folder / f"{number}.wav"
        soundfile.write(path, 0.1 * level * rng.normal(size=samples), 16000)
        paths.append(str(path))
        targets.append(target)
    return Utterances.from_files(paths, targets, WaveformReader(FORMAT))


def small_model() -> keras.Model:
    """A log-mel classifier with everything that has a state: standardisation, batch norm, dropout."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(PLAN.seed)
    backbone = LogMelBackbone(filters=[8], kernel_sizes=[9], dropout=0.1)
    head = {"use_standardization": True, "use_batch_norm": True, "dropout": 0.1}
    return EmotionClassifier(backbone, ["slow", "fast"], **head)


def tiny_model() -> keras.Model:
    """The same kinds of state in a model that compiles fast, for runs that compile it often."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(PLAN.seed)
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
    x = keras.ops.expand_dims(waveform * keras.ops.cast(padding_mask, "float32"), -1)
    x = keras.ops.log(0.01 + keras.layers.AveragePooling1D(100)(x * x))
    x = keras.layers.Conv1D(8, 9, name="lower", activation="relu")(x)
    x = keras.layers.BatchNormalization(momentum=0.5, name="norm")(x)
    x = keras.layers.Conv1D(8, 9, name="upper", activation="relu")(x)
    x = Standardization(name="standardization")(keras.layers.GlobalAveragePooling1D()(x))
    x = keras.layers.Dropout(0.1)(x)
    return keras.Model(
        {"waveform": waveform, "padding_mask": padding_mask}, keras.layers.Dense(2, name="logits")(x)
    )


def layer_groups(model: keras.Model) -> list:
    """The weights of a model's layers as `train` takes them; of `small_model` and of `tiny_model`."""
    if hasattr(model, "backbone"):
        return model.backbone.layer_groups()
    return [
        [weight for name in group for weight in model.get_layer(name).weights]
        for group in (["upper"], ["norm", "lower"])
    ]


class KillAt(keras.callbacks.Callback):
    """Ends the process as a power cut would, after a number of batches."""

    def __init__(self, batch: int):
        super().__init__()
        self.batches_left = batch

    def on_train_batch_end(self, batch, logs=None):
        self.batches_left -= 1
        if self.batches_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class InterruptionError(Exception):
    """The interruption of a test."""


class InterruptAt(keras.callbacks.Callback):
    """Ends a run by an exception after a number of batches."""

    def __init__(self, batch: int):
        super().__init__()
        self.batches_left = batch

    def on_train_batch_end(self, batch, logs=None):
        self.batches_left -= 1
        if self.batches_left == 0:
            raise InterruptionError


def small_run(
    folder: Path, callbacks=(), plan: TrainingPlan = PLAN, objective: Objective = OBJECTIVE, **further
) -> tuple[keras.Model, TrainingResult]:
    """Train on the swells in `folder/../swells`, with states and log in `folder`; tiny for one bucket."""
    swells = folder.parent / "swells"
    training, validation = write_swells(swells / "train", 22, 0), write_swells(swells / "validation", 9, 1)
    model = small_model() if plan.length_buckets > 1 else tiny_model()
    result = train(
        model,
        training,
        validation,
        plan,
        objective,
        folder / "states",
        folder / "log.csv",
        "small",
        callbacks,
        layer_groups=layer_groups(model),
        **further,
    )
    return model, result


if __name__ == "__main__":
    run_folder = Path(sys.argv[1])
    kill_at = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    trained, outcome = small_run(run_folder, [KillAt(kill_at)] if kill_at else [], COMBINED)
    weights = {str(i): keras.ops.convert_to_numpy(w) for i, w in enumerate(trained.weights)}
    np.savez(run_folder / "weights.npz", **weights)
    (run_folder / "result.txt").write_text(f"{outcome.updates} {outcome.best_step} {outcome.best_value!r}")
