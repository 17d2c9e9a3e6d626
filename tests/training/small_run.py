"""A training run small enough for tests, also as a program that kills itself at a given batch.

As a program: `python -m tests.training.small_run FOLDER [KILL_AT_BATCH]`; the backend is KERAS_BACKEND's.
"""

import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np
import soundfile

from kser.models import EmotionClassifier, LogMelBackbone
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat
from kser.training.fit import TrainingResult, train
from kser.training.plan import TrainingPlan

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
    use_class_weights=True,
    seed=7,
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
    """A log-mel classifier with everything that has a state of its own: batch norm, dropout."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(PLAN.seed)
    backbone = LogMelBackbone(filters=[8], kernel_sizes=[9], dropout=0.1)
    return EmotionClassifier(backbone, ["slow", "fast"], use_batch_norm=True, dropout=0.1)


class KillAt(keras.callbacks.Callback):
    """Ends the process as a power cut would, after a number of batches."""

    def __init__(self, batch: int):
        super().__init__()
        self.batches_left = batch

    def on_train_batch_end(self, batch, logs=None):
        self.batches_left -= 1
        if self.batches_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def small_run(folder: Path, callbacks=(), plan: TrainingPlan = PLAN) -> tuple[keras.Model, TrainingResult]:
    """Train the small model on the swells in `folder/../swells`, with states and log in `folder`."""
    swells = folder.parent / "swells"
    training, validation = write_swells(swells / "train", 22, 0), write_swells(swells / "validation", 9, 1)
    model = small_model()
    result = train(
        model, training, validation, plan, folder / "states", folder / "log.csv", "small", callbacks
    )
    return model, result


if __name__ == "__main__":
    run_folder = Path(sys.argv[1])
    kill_at = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    trained, outcome = small_run(run_folder, [KillAt(kill_at)] if kill_at else [])
    weights = {str(i): keras.ops.convert_to_numpy(w) for i, w in enumerate(trained.weights)}
    np.savez(run_folder / "weights.npz", **weights)
    (run_folder / "result.txt").write_text(f"{outcome.updates} {outcome.best_step} {outcome.best_loss!r}")
