"""A run whose backbone computes in bfloat16.

As a program, `python -m tests.training.mixed_precision_run FOLDER`, it trains, is interrupted and continued,
saves the model and loads it again; it fails where they differ.
"""

import contextlib
import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np

from kser.models import EmotionClassifier
from kser.training.fit import train
from tests.models.small_models import classifier, wav2vec2, waveforms
from tests.training.small_run import OBJECTIVE, PLAN, InterruptAt, InterruptionError, write_swells

SHORT = dataclasses.replace(PLAN, epochs=1, length_buckets=1, eval_steps=1, save_steps=1, learning_rate=1e-2)


def mixed_run(folder: Path, callbacks=()) -> tuple[EmotionClassifier, float]:
    """Train in a folder; the model and its best validation loss."""
    parts = [
        write_swells(folder.parent / "swells" / name, count, count) for name, count in (("t", 10), ("v", 4))
    ]
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    backbone = wav2vec2(dtype="mixed_bfloat16", strides=[50, 2, 2], dropout=0.1)
    model = classifier(backbone, labels=["slow", "fast"])
    with model.ready_made_inputs():
        result = train(
            model, *parts, SHORT, OBJECTIVE, folder / "states", folder / "log.csv", "mixed", callbacks
        )
    return model, result.best_loss


def main(folder: Path) -> None:
    """Raise `AssertionError` where a run is not what it should be."""
    model, loss = mixed_run(folder / "whole")
    assert np.isfinite(loss)
    assert model.backbone.compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    assert model.output.dtype == "float32"
    with contextlib.suppress(InterruptionError):
        mixed_run(folder / "interrupted", [InterruptAt(3)])
    again, loss_again = mixed_run(folder / "interrupted")
    assert loss_again == loss
    for weight, expected in zip(again.variables, model.variables, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (weight, expected)))
    model.save_to_preset(str(folder / "model"))
    loaded = EmotionClassifier.from_preset(str(folder / "model"))
    audio = np.stack(waveforms(4000, 4000))
    np.testing.assert_array_equal(loaded.predict(audio, verbose=0), model.predict(audio, verbose=0))
    assert loaded.backbone.compute_dtype == "bfloat16"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
