"""How fast the data pipeline is, how much of it is padding, and whether training waits for it.

    python eval/benchmarks/data_pipeline.py ../shared/corpora/EmoDB/wav ../shared/corpora/EMOVO

For each folder of recordings:

- utterances a second of one epoch of batches, from the files and from the cache, beside a plain loop of
  `librosa.load` over the same files: at the files' own rate, and at another one (22,050 Hz), where both
  resample. The ways are tried in turn, `--rounds` times; the medians count.
- the share of the batches that is padding, and the bytes read for an epoch.
- a training run of the log-mel baseline on this machine: the share of its steps that found their batch ready
  (`next` returned within a millisecond).

Prints a Markdown table. `--workers N` reads in N processes in place of threads.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import librosa
import numpy as np
from waits import READY_S, recorded_waits, share_ready

from kser.models import EmotionClassifier, LogMelBackbone
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.batch_plan import ShuffledBatches, padding_share
from kser.pipeline.datasets import training_dataset
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat
from kser.training import fit
from kser.training.objectives import ClassificationObjective
from kser.training.plan import TrainingPlan

MODEL_RATE = 16_000
OTHER_RATE = 22_050
BATCH_SIZE = 8
BUCKETS = 4


def main() -> None:
    """Measure every folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10, help="of the training run")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, {arguments.workers or 'no'} worker processes\n")
    for folder in arguments.folders:
        paths = sorted(str(path) for path in folder.rglob("*.wav"))
        print(f"## {folder.name}: {len(paths)} recordings\n")
        for rate in (MODEL_RATE, OTHER_RATE):
            compare_reading(paths, rate, arguments.rounds, arguments.workers)
        waiting(paths, arguments.epochs, arguments.workers)


def compare_reading(paths: list[str], rate: int, rounds: int, workers: int) -> None:
    """Print utterances a second of the pipeline, its cache, and a plain loop."""
    waveform_format = WaveformFormat(rate, do_normalize=True, mask_padding=True, minimum_samples=400)
    with tempfile.TemporaryDirectory() as folder:
        plain = WaveformReader(waveform_format)
        cached = WaveformReader(waveform_format, AudioCache(Path(folder)))
        ways: dict[str, Callable[[], None]] = {
            "plain loop of librosa.load": lambda: [librosa.load(path, sr=rate) for path in paths] and None,
            "kser, from the files": epoch_of(paths, plain, workers),
            "kser, from the cache": epoch_of(paths, cached, workers),
        }
        for way in ways.values():
            way()  # imports, the file system's cache
        measured: dict[str, list[tuple[float, int]]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                measured[name].append(seconds_and_bytes(way))
        utterances = Utterances.from_files(paths, [0] * len(paths), plain)
        lengths = fit.shared_bucket_lengths([utterances], BUCKETS)
        batches = ShuffledBatches(utterances.lengths, lengths, BATCH_SIZE, seed=0)
        epoch = [batches[step] for step in range(batches.batches_per_epoch)]
    loop = median(seconds for seconds, _ in measured["plain loop of librosa.load"])
    print(f"| to {rate} Hz | utterances/s | of the plain loop | MB read |\n|---|---|---|---|")
    for name, of in measured.items():
        seconds, read = median(s for s, _ in of), median(b for _, b in of)
        print(f"| {name} | {len(paths) / seconds:.0f} | {loop / seconds:.1f} | {read / 1e6:.1f} |")
    padding = padding_share(epoch, utterances.lengths, BATCH_SIZE)
    whole = 1 - sum(utterances.lengths) / (max(utterances.lengths) * len(paths))
    print(f"\nPadding: {padding:.1%} in {len(lengths)} lengths; all padded to the longest: {whole:.1%}.\n")


def epoch_of(paths: list[str], reader: WaveformReader, workers: int) -> Callable[[], None]:
    """A function that makes every batch of one epoch."""
    utterances = Utterances.from_files(paths, [0] * len(paths), reader)
    lengths = fit.shared_bucket_lengths([utterances], BUCKETS)
    batches = ShuffledBatches(utterances.lengths, lengths, BATCH_SIZE, seed=0)

    def one_epoch() -> None:
        for _ in training_dataset(utterances, batches, 0, batches.batches_per_epoch, workers=workers):
            pass

    return one_epoch


def seconds_and_bytes(way: Callable[[], None]) -> tuple[float, int]:
    """What a way takes, and what it reads from files (of this process: not with workers)."""
    read_before, started = bytes_read(), time.perf_counter()
    way()
    return time.perf_counter() - started, bytes_read() - read_before


def bytes_read() -> int:
    """Bytes that this process has read from files so far."""
    counters = Path("/proc/self/io").read_text().split()
    return int(counters[counters.index("rchar:") + 1])


def waiting(paths: list[str], epochs: int, workers: int) -> None:
    """Train the log-mel baseline and print how many of its steps waited for data."""
    waveform_format = WaveformFormat(MODEL_RATE, True, True, minimum_samples=1024)
    reader = WaveformReader(waveform_format)
    targets = [index % 2 for index in range(len(paths))]
    held_out = len(paths) // 10
    training = Utterances.from_files(paths[held_out:], targets[held_out:], reader)
    validation = Utterances.from_files(paths[:held_out], targets[:held_out], reader)
    keras.utils.set_random_seed(0)
    plan = TrainingPlan(
        epochs=epochs,
        batch_size=BATCH_SIZE,
        evaluation_batch_size=BATCH_SIZE,
        learning_rate=1e-3,
        gradient_accumulation_steps=1,
        max_grad_norm=1.0,
        eval_steps=50,
        logging_steps=50,
        save_steps=50,
        save_total_limit=1,
        length_buckets=BUCKETS,
        seed=0,
    )
    with tempfile.TemporaryDirectory() as folder, recorded_waits() as waits:
        model = EmotionClassifier(LogMelBackbone(), ["even", "odd"])
        result = fit.train(
            model,
            training,
            validation,
            plan,
            ClassificationObjective(use_class_weights=False),
            Path(folder) / "s",
            Path(folder) / "log.csv",
            "benchmark",
            data_workers=workers,
        )
    found = share_ready(waits)
    step_ms = 1e3 * result.seconds / result.updates
    print(
        f"Training, log-mel: {len(waits)} steps of {step_ms:.0f} ms; {found:.1%} found their batch ready, "
        f"the others waited {1e3 * np.mean([w for w in waits if w > READY_S] or [0]):.0f} ms on average.\n"
    )


if __name__ == "__main__":
    main()
