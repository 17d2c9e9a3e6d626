"""An epoch over utterances of 2 to 6 s: kser's batches of similar length beside the Hugging Face Trainer.

    KERAS_BACKEND=jax python eval/benchmarks/epoch.py small [--utterances 64] [--batch 8] [--rounds 3]

Both fine-tune Wav2Vec 2.0 of that size (random weights, convolutions over the waveform frozen, no layer drop)
on the same WAV files of noise, each in a process of its own. The Trainer draws batches in random order, its
collator pads them to their longest utterance; kser puts utterances of similar length together and pads to one
of four lengths. After an epoch in which both compile and warm up, they are asked in turn for an epoch each;
the medians count.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from backbone_speed import CONFIGS, SAMPLING_RATE

SHORTEST_S, LONGEST_S = 2.0, 6.0
SIZES: dict[str, dict[str, Any]] = {
    **CONFIGS,
    "small": {
        "hidden_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        "conv_dim": [128] * 7,
        "num_conv_pos_embeddings": 64,
    },
}
SIDES = ("kser", "Trainer")
CLASSES = 4
BUCKETS = 4
LEARNING_RATE = 5e-5


def main() -> None:
    """Measure, and print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=list(SIZES))
    parser.add_argument("--utterances", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        serve(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(Path(folder), arguments.utterances)
        write_model(Path(folder), arguments.size)
        seconds = measured(folder, arguments)
    ratio = median(a / b for a, b in zip(*seconds.values(), strict=True))
    for side, rounds in seconds.items():
        print(f"{side}: {median(rounds):.2f} s an epoch ({', '.join(f'{s:.2f}' for s in rounds)})")
    print(f"kser takes {ratio:.2f} of the Trainer's time, round by round, the median")


def measured(folder: str, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of each epoch after the first, by side."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    environment.setdefault("KERAS_BACKEND", "jax")
    processes = {
        side: subprocess.Popen(
            [sys.executable, __file__, *sys.argv[1:], "--side", side, "--folder", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for side in SIDES
    }
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(arguments.rounds + 1):
        for side, process in processes.items():
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("epoch\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            if not answer:
                sys.exit(f"the process of {side} ended with status {process.wait()}")
            seconds[side].append(float(answer))
    for process in processes.values():
        process.communicate()
    return {side: rounds[1:] for side, rounds in seconds.items()}


def write_corpus(folder: Path, count: int) -> None:
    """Write that many WAV files of noise."""
    import soundfile

    rng = np.random.default_rng(0)
    for index, seconds in enumerate(rng.uniform(SHORTEST_S, LONGEST_S, count)):
        waveform = 0.1 * rng.normal(size=int(seconds * SAMPLING_RATE))
        soundfile.write(folder / f"{index:04}.wav", waveform, SAMPLING_RATE)


def write_model(folder: Path, size: str) -> None:
    """Let `transformers` write a model with random weights, and its feature extractor."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    torch.manual_seed(0)
    config = Wav2Vec2Config(**SIZES[size], layerdrop=0.0, num_labels=CLASSES)
    Wav2Vec2Model(config).save_pretrained(folder / "model")
    Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder / "model")


# === In a process of a side ===


def serve(arguments: argparse.Namespace) -> None:
    """Train an epoch for each line that is read, and answer with its seconds."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    epoch = (prepare_kser if arguments.side == "kser" else prepare_trainer)(arguments)
    for _ in sys.stdin:
        started = time.perf_counter()
        epoch()
        print(time.perf_counter() - started, file=answers, flush=True)


def corpus(folder: Path) -> tuple[list[str], list[int]]:
    """The files, and their classes."""
    paths = sorted(str(path) for path in folder.glob("*.wav"))
    return paths, [index % CLASSES for index in range(len(paths))]


def prepare_kser(arguments: argparse.Namespace) -> Callable[[], Any]:
    """What trains an epoch in kser: the next one, in another order."""
    from itertools import count

    from kser.startup import import_keras

    import_keras()  # as the commands do
    import keras

    from kser.models import EmotionClassifier, SpeechBackbone
    from kser.pipeline.batch_plan import ShuffledBatches
    from kser.pipeline.datasets import closed_at_the_end, training_dataset
    from kser.pipeline.reading import WaveformReader
    from kser.pipeline.utterances import Utterances
    from kser.pipeline.waveform_format import WaveformFormat
    from kser.training.fit import for_backend, shared_bucket_lengths
    from kser.training.optimisation import GroupedAdamW

    reader = WaveformReader(WaveformFormat(SAMPLING_RATE, True, True, minimum_samples=400))
    utterances = Utterances.from_files(*corpus(arguments.folder), reader)
    lengths = shared_bucket_lengths([utterances], BUCKETS)
    batches = ShuffledBatches(utterances.lengths, lengths, arguments.batch, seed=0)
    backbone = SpeechBackbone.from_preset(str(arguments.folder / "model"))
    backbone.freeze_feature_encoder()
    model = EmotionClassifier(backbone, [f"class {index}" for index in range(CLASSES)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(GroupedAdamW(LEARNING_RATE, weight_decay=0.0), loss)
    steps, epochs = batches.batches_per_epoch, count()

    def epoch() -> None:
        first = next(epochs) * steps
        data = training_dataset(utterances, batches, first, first + steps)
        with closed_at_the_end(data):
            model.fit(for_backend(data), steps_per_epoch=steps, shuffle=False, verbose=0)

    return epoch


def prepare_trainer(arguments: argparse.Namespace) -> Callable[[], Any]:
    """What trains an epoch by `transformers.Trainer`, its settings as they are but for batch and reports."""
    import soundfile
    from transformers import (
        AutoFeatureExtractor,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        Wav2Vec2ForSequenceClassification,
    )

    extractor = AutoFeatureExtractor.from_pretrained(arguments.folder / "model")
    model = Wav2Vec2ForSequenceClassification.from_pretrained(arguments.folder / "model")
    model.freeze_feature_encoder()
    paths, labels = corpus(arguments.folder)

    class Recordings:
        """Read when asked for."""

        def __len__(self) -> int:
            return len(paths)

        def __getitem__(self, index: int) -> dict[str, Any]:
            waveform, rate = soundfile.read(paths[index], dtype="float32")
            values = extractor(waveform, sampling_rate=rate)["input_values"][0]
            return {"input_values": values, "labels": labels[index]}

    settings = TrainingArguments(
        output_dir=str(arguments.folder / "trainer"),
        per_device_train_batch_size=arguments.batch,
        learning_rate=LEARNING_RATE,
        num_train_epochs=1,
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
    )

    def epoch() -> None:
        collator = DataCollatorWithPadding(extractor)
        Trainer(model, settings, data_collator=collator, train_dataset=Recordings()).train()

    return epoch


if __name__ == "__main__":
    main()
