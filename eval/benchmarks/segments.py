"""Long recordings: how well stretches of voice are found, and what a model says of them beside whole files.

Recordings of several emotions are joined with pauses of 0.4 to 2 s between them, each without the silence at
its ends (30 dB below its loudest frame), so that it is known where each begins and ends; white noise is added
over all. Of a model that never met the speakers, UAR is measured on files, on what is cut out of the joined
recordings where it is known to be, and on the segments that kser finds. Then hours of it are predicted by the
command, and its peak memory is measured.

    kser data prepare emodb --source FOLDER_OF_EMODB
    python eval/benchmarks/segments.py data/emodb/metadata.csv [--boundaries data/emovo/metadata.csv …]
        [--silero silero_vad.onnx] [--checkpoint openai/whisper-tiny.en] [--hours 3] [--folder FOLDER]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile as sf
import soxr
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import recall_score

import kser
from kser.audio.loading import load_audio
from kser.audio.processing import sound_between
from kser.audio.voice_activity import FRAME_S, BandPowers, VoiceSettings, voice_spans
from kser.corpora.metadata import read_metadata
from kser.markdown import markdown_table
from kser.serving.segments.segment import Segment

RATE = 16_000
NOISES_DB = (None, 30, 20, 10)
PAUSES_S = (0.4, 2.0)
JOINED_AT_A_TIME = 12
TOLERANCE_S = 0.2
LONG_FILE_RATE = 48_000
SEGMENTS: dict[str, dict[str, Any]] = {
    "voice": {"segments": "voice"},
    "windows of 2 s every 0.5 s": {"segments": "windows", "window_seconds": 2.0, "hop_seconds": 0.5},
    "windows of 4 s every 2 s": {"segments": "windows", "window_seconds": 4.0, "hop_seconds": 2.0},
}

# What the system says of a process that ended has the memory of the process that started it.
MEASURED_COMMAND = """
import time
from pathlib import Path
from kser.cli import main
try:
    main()
finally:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(status["VmHWM"].split()[0], time.process_time())
"""

Finder = Callable[[np.ndarray], list[tuple[float, float]]]
"""Start and end of each stretch of voice, seconds, in float32 (samples,) at `RATE`."""


@dataclass(frozen=True)
class Joined:
    """Recordings one after the other: float32 (samples,) at `RATE`, and start and end of each, seconds."""

    samples: np.ndarray
    spans: list[tuple[float, float]]
    labels: list[str]


def main() -> None:
    """Measure on the corpora named on the command line, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("metadata", type=Path, help="of the corpus that the model is trained on")
    parser.add_argument("--boundaries", type=Path, nargs="*", default=[], help="of further corpora")
    parser.add_argument("--silero", type=Path, help="silero_vad.onnx, to find voice with it as well")
    parser.add_argument("--checkpoint", default="openai/whisper-tiny.en")
    parser.add_argument("--hours", type=float, default=3.0, help="of the long recording; 0 leaves it out")
    parser.add_argument("--folder", type=Path, default=Path("segments"))
    arguments = parser.parse_args()
    finders: dict[str, Finder] = {"energy": by_energy}
    if arguments.silero:
        finders["silero"] = Silero(arguments.silero)
    for metadata in (arguments.metadata, *arguments.boundaries):
        found = boundaries_found(read_metadata(metadata), finders)
        print(f"\nBoundaries, {metadata.parent.name}\n\n{found}", flush=True)
    model, test_part = train(arguments.metadata, arguments.checkpoint, arguments.folder)
    print(f"\nUAR, {len(test_part)} recordings\n\n{uar_by_segments(model, test_part)}", flush=True)
    if arguments.hours:
        long = write_long(test_part, arguments.hours, arguments.folder / "long.flac")
        print(f"\n{arguments.hours:g} h\n\n{memory(model, long)}")


def train(metadata: Path, checkpoint: str, folder: Path) -> tuple[Path, pd.DataFrame]:
    """A head on the frozen encoder: its folder, and what it says of the files of its test part."""
    experiment = kser.Experiment(
        {
            "experiment_name": "segments",
            "output_path": str(folder / "runs"),
            "experiment_results_output_path": str(folder / "results"),
            "training_dataset": {"name": "corpus", "data_csv": str(metadata.absolute())},
        },
        models=[
            {
                "name": "probe",
                "model_path_or_name": checkpoint,
                "freeze_layers": "all",
                "head_solver": "logistic_regression",
                "backbone_arguments": {"pad_to_maximum": False},
                "feature_cache": str(folder / "features"),
            }
        ],
    )
    experiment.run(seeds=[0])
    (predictions,) = (folder / "results").rglob("predictions.csv")
    (model,) = (path.parent for path in (folder / "results").rglob("model/kser.json"))
    table = pd.read_csv(predictions, dtype={"true": str, "predicted": str})
    return model, table.rename(columns={"utterance": "path"})


def joined(table: pd.DataFrame, label_column: str, snr_db: float | None) -> Iterator[Joined]:
    """All recordings of a table, shuffled, some at a time; the same ones whatever the noise."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(table))
    for start in range(0, len(order), JOINED_AT_A_TIME):
        rows = table.iloc[order[start : start + JOINED_AT_A_TIME]]
        parts, spans, end = [], [], 0
        for path in rows["path"]:
            pause = np.zeros(round(rng.uniform(*PAUSES_S) * RATE), np.float32)
            waveform = load_audio(path, RATE)
            first, last = sound_between(waveform, RATE, trim_db=30)
            parts += [pause, waveform[first:last]]
            spans.append((end + len(pause), end + len(pause) + last - first))
            end = spans[-1][1]
        samples = np.concatenate([*parts, np.zeros(RATE, np.float32)])
        if snr_db is not None:
            power = np.square(np.concatenate(parts[1::2])).mean() * 10 ** (-snr_db / 10)
            samples = samples + rng.normal(0, np.sqrt(power), len(samples)).astype(np.float32)
        times = [(first / RATE, last / RATE) for first, last in spans]
        yield Joined(samples, times, rows[label_column].astype(str).tolist())


def by_energy(samples: np.ndarray) -> list[tuple[float, float]]:
    """As `kser predict --segments voice` finds it; long stretches are not cut."""
    bands = BandPowers(RATE)
    bands.add(samples)
    return [(start * FRAME_S, end * FRAME_S) for start, end in voice_spans(bands.powers)]


class Silero:
    """Silero's network in ONNX Runtime, with the thresholds of its authors and the pauses of kser's gate."""

    BLOCK, CONTEXT = 512, 64
    ABOVE, UNTIL_BELOW = 0.5, 0.35

    def __init__(self, weights: Path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(weights), options)

    def __call__(self, samples: np.ndarray) -> list[tuple[float, float]]:
        spans: list[list[float]] = []
        speaks = False
        for number, probability in enumerate(self._probabilities(samples)):
            start_s, end_s = number * self.BLOCK / RATE, (number + 1) * self.BLOCK / RATE
            speaks = probability > (self.UNTIL_BELOW if speaks else self.ABOVE)
            if speaks and spans and start_s - spans[-1][1] < VoiceSettings.min_silence_s:
                spans[-1][1] = end_s
            elif speaks:
                spans.append([start_s, end_s])
        return [(start, end) for start, end in spans if end - start >= VoiceSettings.min_speech_s]

    def _probabilities(self, samples: np.ndarray) -> Iterator[float]:
        state, context = np.zeros((2, 1, 128), np.float32), np.zeros((1, self.CONTEXT), np.float32)
        for block in np.pad(samples, (0, -len(samples) % self.BLOCK)).reshape(-1, 1, self.BLOCK):
            given = {"input": np.concatenate([context, block], 1), "state": state, "sr": np.array(RATE)}
            ((probability,),), state = self._session.run(None, given)
            context = block[:, -self.CONTEXT :]
            yield float(probability)


def boundaries_found(table: pd.DataFrame, finders: dict[str, Finder]) -> str:
    """Error, precision and recall of the boundaries of voice by what finds it and the noise."""
    rows = []
    for (name, finder), snr_db in product(finders.items(), NOISES_DB):
        errors, hits, found, true = [], 0, 0, 0
        for recording in joined(table, "path", snr_db):
            spans = np.array(finder(recording.samples)).reshape(-1, 2)
            for mine, theirs in zip(spans.T, np.array(recording.spans).T, strict=True):
                distances = np.abs(theirs[:, None] - mine)
                errors += distances.min(axis=1).tolist()
                pairs = linear_sum_assignment(np.minimum(distances, 2 * TOLERANCE_S))
                hits += int((distances[pairs] <= TOLERANCE_S).sum())
                found, true = found + len(mine), true + len(theirs)
        shares = [f"{np.mean(errors):.3f}", f"{hits / found:.3f}", f"{hits / true:.3f}"]
        rows.append([name, in_words(snr_db), str(true), str(found), *shares])
    names = ["by", "noise", "boundaries", "found", "mean error, s", "precision", "recall"]
    return markdown_table(names, rows, text_columns=2)


def uar_by_segments(folder: Path, test_part: pd.DataFrame) -> str:
    """UAR by how the model was given the recordings, and by the noise."""
    model = kser.load_model(folder)
    files = [each.label for each in model.predict(test_part["path"].tolist())]
    rows = [["files as they are", in_words(None), f"{uar(test_part['true'].tolist(), files):.3f}", "0"]]
    for snr_db in NOISES_DB:
        recordings = list(joined(test_part, "true", snr_db))
        true = [label for recording in recordings for label in recording.labels]
        cut = [
            (recording.samples[round(start * RATE) : round(end * RATE)], RATE)
            for recording in recordings
            for start, end in recording.spans
        ]
        said = [each.label for each in model.predict(cut)]
        rows.append(["cut out where they are", in_words(snr_db), f"{uar(true, said):.3f}", "0"])
        for name, settings in SEGMENTS.items():
            found = []
            for recording in recordings:
                segments = model.predict_segments((recording.samples, RATE), **settings)
                found += [label_at(segments, *span) for span in recording.spans]
            rows.append([name, in_words(snr_db), f"{uar(true, found):.3f}", str(found.count("none"))])
    return markdown_table(["recordings", "noise", "UAR", "not found"], rows, text_columns=2)


def label_at(segments: Sequence[Segment], start_s: float, end_s: float) -> str:
    """The class with the most probability within a time, each segment weighed by what it shares with it."""
    sums: dict[str, float] = {}
    for segment in segments:
        shared_s = min(segment.end_s, end_s) - max(segment.start_s, start_s)
        for label, probability in segment.probabilities.items() if shared_s > 0 else ():
            sums[label] = sums.get(label, 0.0) + shared_s * probability
    return max(sums, key=sums.__getitem__) if sums else "none"


def uar(true: Sequence[str], said: Sequence[str]) -> float:
    """Mean of the classes' recall; a recording that is not found is a mistake."""
    return float(recall_score(true, said, labels=sorted(set(true)), average="macro"))


def write_long(test_part: pd.DataFrame, hours: float, path: Path) -> Path:
    """The joined recordings again and again, in stereo at 48 kHz."""
    wanted = round(hours * 3600 * LONG_FILE_RATE)
    once = np.concatenate([each.samples for each in joined(test_part, "true", 30)])
    once = soxr.resample(once, RATE, LONG_FILE_RATE)
    with sf.SoundFile(path, "w", LONG_FILE_RATE, 2) as file:
        while wanted > 0:
            file.write(np.stack([once[:wanted], 0.5 * once[:wanted]], axis=1))
            wanted -= len(once)
    return path


def memory(model: Path, recording: Path) -> str:
    """Peak memory and time of the whole command by how the recording is cut."""
    rows = []
    for kind in ("voice", "windows"):
        output = recording.with_suffix(f".{kind}.csv")
        arguments = ["predict", str(model), str(recording), "--segments", kind, "--output", str(output)]
        figure = ["--figure", str(output.with_suffix(".png"))]
        started = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-c", MEASURED_COMMAND, *arguments, *figure],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.monotonic() - started
        peak_kb, processor_s = ended.stdout.split()[-2:]
        measured = [f"{int(peak_kb) / 1e6:.2f}", f"{seconds:.0f}", f"{float(processor_s):.0f}"]
        rows.append([kind, str(len(pd.read_csv(output))), *measured])
    return markdown_table(["segments", "rows", "peak memory, GB", "seconds", "of the processor"], rows)


def in_words(snr_db: float | None) -> str:
    return "none" if snr_db is None else f"{snr_db} dB below"


if __name__ == "__main__":
    main()
