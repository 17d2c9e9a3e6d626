"""What it saves to keep the features of a frozen convolutional encoder: a training step from each.

    python eval/benchmarks/feature_cache.py [--batch 4] [--seconds 4] [--rounds 5]

One classifier on Wav2Vec 2.0 base with random weights, its feature encoder frozen, AdamW. Its training step
is timed from waveforms and from the features that `feature_cache` would have kept (float16), by turns; the
medians count. Prints a Markdown table, with what the kept features take on disk.
"""

import argparse
import os
import time
from statistics import median

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

from kser.models import EmotionClassifier, Wav2Vec2Backbone
from kser.models.feature_split import feature_model, model_from_features

LABELS = ["anger", "fear", "joy", "sadness"]
SAMPLING_RATE = 16_000


def main() -> None:
    """Measure on this machine, with the running backend."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4, help="utterances")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each utterance")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    steps = training_steps(arguments.batch, round(arguments.seconds * SAMPLING_RATE))
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()  # compiles
    for _ in range(arguments.rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - started)
    medians = {name: median(of) for name, of in seconds.items()}
    print(f"{keras.config.backend()}, {os.cpu_count()} cores, {arguments.batch} × {arguments.seconds:g} s\n")
    print("| training step from | median, s | ratio |\n|---|---:|---:|")
    for name, of in medians.items():
        print(f"| {name} | {of:.2f} | {of / medians['waveforms']:.2f} |")


def training_steps(batch: int, samples: int) -> dict:
    """A function that does a training step, from waveforms and from kept features."""
    keras.utils.set_random_seed(0)
    backbone = Wav2Vec2Backbone()
    backbone.freeze_feature_encoder()
    classifier = EmotionClassifier(backbone, LABELS)
    rng = np.random.default_rng(0)
    waveforms = {
        "waveform": rng.standard_normal((batch, samples), np.float32),
        "padding_mask": np.ones((batch, samples), bool),
    }
    targets = rng.integers(len(LABELS), size=batch)
    computed = feature_model(backbone).predict_on_batch(waveforms)
    kept = {**computed, "features": computed["features"].astype("float16")}
    print(
        f"kept features: {kept['features'].nbytes / batch / samples * SAMPLING_RATE / 1000:.0f} kB a second"
    )
    models = {
        "waveforms": (keras.Model(classifier.input, classifier.output), waveforms),
        "kept features": (model_from_features(classifier), kept),
    }
    for model, _ in models.values():
        model.compile(
            optimizer=keras.optimizers.AdamW(5e-5, global_clipnorm=1.0),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
    return {name: lambda m=m, x=x: m.train_on_batch(x, targets) for name, (m, x) in models.items()}


if __name__ == "__main__":
    main()
