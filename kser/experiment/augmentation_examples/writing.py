"""Examples of an experiment's augmentations, to listen to and to look at."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile as sf
from rich.console import Console

from kser.errors import UserError
from kser.experiment.augmentation_examples.spectrogram_figure import draw_spectrogram
from kser.experiment.config.definition import ExperimentDefinition
from kser.experiment.runs.augmenting import augmentation_plan, try_out
from kser.experiment.runs.model_building import build_model
from kser.experiment.runs.planning import Run, plan_runs
from kser.experiment.runs.run_data import RunData, load_run_data
from kser.files import expanded, replacing
from kser.pipeline.augmenting import AugmentationPlan
from kser.pipeline.reading import WaveformReader
from kser.progress_bar import progress_bar
from kser.spreadsheets import read_csv, write_csv

INDEX_FILE = "index.csv"
_LONGEST_NAME = 40

Variant = tuple[str, np.ndarray]
"""What was done to an utterance, in words, and what came of it, float32 (samples,)."""


def write_examples(experiment: ExperimentDefinition, n: int, output_path: Path, console: Console) -> Path:
    """Write examples of what the augmentations do to utterances of the first run's training part.

    For each of `n` utterances, drawn by the run's seed: the utterance as it is, with each augmentation by
    itself and, in the modes `compose` and `one_of`, as training has it, each as WAV (32-bit float, which
    clips nothing) with a PNG of its spectrogram. The draws are those of the first epoch.

    Args:
        experiment: validated.
        n: how many utterances; all, if there are fewer.
        output_path: folder to write: a new or empty one, or one with earlier examples, which are replaced.
        console: where progress is shown.

    Returns:
        The index: a CSV with a row for each WAV file.

    Raises:
        UserError: a mistake in the experiment, its augmentations or data; or the folder holds other files.
    """
    if n < 1:
        raise UserError(f"--n: must be at least 1, got {n}")
    folder = expanded(output_path).absolute()
    _check_folder(folder)
    run = plan_runs(experiment)[0]
    plan = augmentation_plan(experiment, run.seed)
    if plan is None:
        raise UserError(f"{experiment.source}: augmentations: has none, so there is nothing to listen to")
    data = load_run_data(run)
    reader = WaveformReader(build_model(run, data.head).waveform_format, run.audio_cache)
    rate = reader.format.sampling_rate
    rows: list[dict[str, Any]] = []
    total = min(n, len(data.rows("train")))
    with replacing(folder) as draft, progress_bar(console, "augmenting", total, "utterances") as show:
        draft.mkdir()
        for number, (place, waveform) in enumerate(_chosen(run, data, reader, n), start=1):
            if number == 1:
                try_out(experiment, plan, waveform, rate)
            variants = list(_variants(plan, waveform, rate, place))
            described = data.rows("train").iloc[place]
            source = {name: described[name] for name in ("path", *data.task.columns, "actor")}
            rows += [row | source for row in _write_variants(draft, number, variants, rate)]
            show(number)
        if not rows:
            raise UserError(f"{run.data_csv}: no recording of the training part can be used")
        write_csv(pd.DataFrame(rows), draft / INDEX_FILE)
    return folder / INDEX_FILE


def _check_folder(folder: Path) -> None:
    """What is replaced must be examples and nothing else."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file, where a folder is to be written")
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    index = folder / INDEX_FILE
    if index.is_file():
        try:
            table = read_csv(index)
            present -= {INDEX_FILE, *table["wav"], *table["spectrogram"]}
        except (KeyError, UserError):
            pass  # an index of something else
    if present:
        raise UserError(
            f"{folder}: holds {sorted(present)[0]!r}, which is not an example of an earlier run; give "
            "a new folder"
        )


def _chosen(run: Run, data: RunData, reader: WaveformReader, n: int) -> Iterator[tuple[int, np.ndarray]]:
    """Utterances of the training part: position and waveform."""
    paths = data.rows("train")["path"].tolist()
    left = n
    for place in np.random.default_rng(run.seed).permutation(len(paths)).tolist():
        if not left:
            return
        try:
            waveform = reader(paths[place])
        except UserError:
            if run.config.on_bad_audio == "error":
                raise
            continue
        yield place, waveform
        left -= 1


def _variants(
    plan: AugmentationPlan, waveform: np.ndarray, sampling_rate: int, utterance: int
) -> Iterator[Variant]:
    """The utterance as it is, with each augmentation by itself, and as the mode has it."""
    yield "original", waveform
    for number, augmenter in enumerate(plan.augmenters):
        copy = number + 1 if plan.mode == "union" else 0
        key = plan.key(number, utterance, copy, epoch=0)
        yield augmenter.spec.name, augmenter(waveform, sampling_rate, key)
    if plan.mode != "union":
        names = [plan.augmenters[number].spec.name for number in plan.numbers(utterance, copy=0, epoch=0)]
        mixed = plan.augmented(waveform, sampling_rate, utterance, copy=0, epoch=0)
        yield f"{plan.mode}: {', '.join(names)}", mixed


def _write_variants(
    folder: Path, number: int, variants: list[Variant], sampling_rate: int
) -> Iterator[dict[str, Any]]:
    """Write the variants of an utterance, original first; a row of the index for each."""
    original = variants[0][1]
    full_scale = float(np.abs(original).max()) or 1.0
    duration_s = max(len(waveform) for _, waveform in variants) / sampling_rate
    for position, (title, waveform) in enumerate(variants):
        words = re.sub(r"[^\w-]+", "_", title)[:_LONGEST_NAME]
        name = f"{number:02d}_{position}_{words}"
        with replacing(folder / f"{name}.wav") as draft:
            sf.write(draft, waveform, sampling_rate, format="WAV", subtype="FLOAT")
        figure_title = f"Utterance {number}: {title}"
        draw_spectrogram(
            waveform, sampling_rate, folder / f"{name}.png", figure_title, full_scale, duration_s
        )
        yield {
            "wav": f"{name}.wav",
            "spectrogram": f"{name}.png",
            "augmentation": title,
            "changed": not np.array_equal(waveform, original),
            "duration_s": round(len(waveform) / sampling_rate, 3),
            "peak": round(float(np.abs(waveform).max()), 3),
        }
