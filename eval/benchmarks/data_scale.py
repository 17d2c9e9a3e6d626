"""What `kser check` and the tables of a run cost where a corpus has many recordings.

    python eval/benchmarks/data_scale.py --files 150000

Makes a corpus up in a folder of its own, which is removed afterwards: tiny WAV files (0.2 s at 8 kHz, each
another noise), speakers and classes. Every measurement is a process of its own, one after the other:

- `check`, cold: nothing is known of any file; all are decoded.
- `check`, warm: an earlier process has decoded them.
- `check`, warm, 5.8 s: the same, after what is known of each file is given an acoustic fingerprint as long as
  that of a usual recording (a stand-in for 240 hours of audio in 150,000 files).
- run: the data of a run, and its parts with the length of every file, as at the start of training.

Prints a Markdown table: seconds, and those for each 1,000 files; the most memory of the process, and by how
much that is above what it had after imports; files that were decoded; megabytes read of audio files, by
decoding or for digests of their bytes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import soundfile as sf
from scipy.signal import lfilter

from kser.audio.sound_store import SoundStore, store_path
from kser.corpora.splits import PARTS
from kser.markdown import markdown_table

RATE, SAMPLES = 8_000, 1_600
FRAMES = 288  # of a fingerprint of 5.8 s: 240 hours in 150,000 files
SMOOTHING = 0.9  # neighbouring frames of a fingerprint overlap
SPEAKERS, CLASSES = 500, ("anger", "fear", "joy", "neutral", "sadness")
FILES_PER_FOLDER = 1_000
AT_ONCE = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=150_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the corpus is made up; the temporary folder")
    parser.add_argument("--measure", choices=MEASUREMENTS, help="only this, of a corpus that is there")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured(arguments.folder / "study.json", arguments.measure)))
        return
    with tempfile.TemporaryDirectory(prefix="kser_scale_", dir=arguments.folder) as name:
        folder = Path(name)
        write_corpus(folder, arguments.files, arguments.seeds)
        os.environ["KSER_CACHE"] = str(folder / "known")
        rows = [row("check, cold", "check", folder, arguments.files)]
        rows.append(row("check, warm", "check", folder, arguments.files))
        lengthen_fingerprints(folder)
        rows.append(row("check, warm, 5.8 s", "check", folder, arguments.files))
        rows.append(row("run, warm", "run", folder, arguments.files))
    heads = ["", "s", "s per 1,000 files", "peak MB", "of it data", "decoded", "MB read of audio"]
    print(f"{arguments.files} files, {arguments.seeds} seeds, {os.cpu_count()} cores\n")
    print(markdown_table(heads, rows))


def write_corpus(folder: Path, files: int, seeds: int) -> None:
    """Recordings, their metadata, and an experiment on them."""
    rng = np.random.default_rng(0)
    rows = ["path,class_id,actor,gender"]
    for number in range(files):
        path = folder / "audio" / f"{number // FILES_PER_FOLDER:03}" / f"recording_{number:06}.wav"
        if number % FILES_PER_FOLDER == 0:
            path.parent.mkdir(parents=True)
        sf.write(path, 0.1 * rng.standard_normal(SAMPLES, np.float32), RATE)
        speaker = number % SPEAKERS
        label = CLASSES[number // SPEAKERS % len(CLASSES)]
        gender = "female" if speaker % 2 else "male"
        rows.append(f"{path.relative_to(folder)},{label},speaker_{speaker},{gender}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    model = {"model_path_or_name": "scratch:log_mel", "name": "log_mel", "number_of_training_epochs": 1}
    (folder / "model.json").write_text(json.dumps(model))
    study = {
        "experiment_name": "scale",
        "model_files": "model.json",
        "cross_validation": seeds,
        "training_dataset": {"name": "made up", "data_csv": "metadata.csv"},
        "output_path": str(folder / "runs"),
        "experiment_results_output_path": str(folder / "results"),
    }
    (folder / "study.json").write_text(json.dumps(study))


def lengthen_fingerprints(folder: Path) -> None:
    """Give every recording a fingerprint of `FRAMES` frames, in the place of what is known of it."""
    rng, store = np.random.default_rng(1), SoundStore(store_path())
    paths = sorted(str(path) for path in folder.glob("audio/*/*.wav"))
    for start in range(0, len(paths), AT_ONCE):
        known = store.read(paths[start : start + AT_ONCE])
        noise = rng.standard_normal((len(known), FRAMES, 32), np.float32)
        is_rising = lfilter([1 - SMOOTHING], [1, -SMOOTHING], noise, axis=1) > 0
        prints = np.packbits(is_rising, axis=2).view(">u4")[..., 0].astype(np.uint32)
        store.write(
            {
                path: (state, replace(facts, fingerprint=fingerprint))
                for (path, (state, facts)), fingerprint in zip(known.items(), prints, strict=True)
            }
        )


def row(name: str, measurement: str, folder: Path, files: int) -> list[str]:
    """A line of the table, measured in a process of its own."""
    command = [sys.executable, __file__, "--measure", measurement, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    seconds = found["seconds"]
    cells = [seconds, 1000 * seconds / files, found["peak_mb"], found["data_mb"]]
    return [name, *(f"{cell:.2f}" for cell in cells), str(found["decoded"]), f"{found['audio_mb']:.1f}"]


def measured(study: Path, measurement: str) -> dict[str, float]:
    """Seconds, memory and reading of audio files of one measurement, in this process."""
    from kser.experiment.checking import study_check  # imports are no part of the measurement
    from kser.models import building

    assert study_check and building
    counted = Reading()
    before_mb = peak_mb()
    started = time.perf_counter()
    MEASUREMENTS[measurement](study)
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "data_mb": peak_mb() - before_mb,
        "decoded": counted.decoded,
        "audio_mb": counted.audio_bytes / 1e6,
    }


class Reading:
    """Counts audio files that this process decodes, and the bytes of those that it opens."""

    def __init__(self) -> None:
        from kser.audio import known_sounds

        self.decoded = self.audio_bytes = 0
        decode = known_sounds.decode

        def counting(path: str) -> Any:
            self.decoded += 1
            return decode(path)

        known_sounds.decode = counting
        sys.addaudithook(self.opened)

    def opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).endswith(".wav"):
            self.audio_bytes += Path(arguments[0]).stat().st_size


def peak_mb() -> float:
    """The most memory that this process has had; `ru_maxrss` would be that of the parent, were it more."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) / 1024


def check(study: Path) -> None:
    """What `kser check` does, but for printing."""
    from kser.experiment.checking.study_check import check_study
    from kser.experiment.config.loading import load_experiment

    found = check_study(load_experiment(study))
    assert found.ok, found.mistakes


def run(study: Path) -> None:
    """What a run has in memory before its first step."""
    from kser.experiment.config.loading import load_experiment
    from kser.experiment.execution.run_fingerprint import run_settings
    from kser.experiment.runs.planning import plan_runs
    from kser.experiment.runs.run_data import load_run_data
    from kser.pipeline.reading import WaveformReader
    from kser.pipeline.waveform_format import WaveformFormat

    (first, *_) = plan_runs(load_experiment(study))
    data = load_run_data(first)
    reader = WaveformReader(WaveformFormat(16_000, True, True, minimum_samples=400))
    parts = {part: data.utterances(part, reader) for part in PARTS}
    run_settings(first, data)
    data.write_split(study.parent / "split", parts)


MEASUREMENTS = {"check": check, "run": run}

if __name__ == "__main__":
    main()
