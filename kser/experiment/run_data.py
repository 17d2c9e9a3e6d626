"""The data of a run: the corpus, its split for the seed, and what identifies both."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import keras
import pandas as pd

import kser
from kser.corpora.labels import label_order
from kser.corpora.metadata import content_key, read_metadata, write_metadata
from kser.corpora.splits import PARTS, describe_split, random_split, speaker_split, split_fingerprint
from kser.errors import UserError
from kser.experiment.planning import Run
from kser.files import expanded, replacing, visible_files, write_json
from kser.pipeline.utterances import Utterances, WaveformFormat


@dataclass(frozen=True)
class RunData:
    """A corpus and its split.

    Attributes:
        table: metadata, one row an utterance.
        parts: for each row "train", "validation" or "test".
        labels: classes in the order that the model gives them.
        label_column: column of `table` with the class.
        split_fingerprint: identifies the split on every machine.
    """

    table: pd.DataFrame
    parts: pd.Series
    labels: list[str]
    label_column: str
    split_fingerprint: str

    def rows(self, part: str) -> pd.DataFrame:
        """The metadata of one part."""
        return self.table[self.parts == part]

    def utterances(self, part: str, waveform_format: WaveformFormat) -> Utterances:
        """One part as the pipeline takes it."""
        rows = self.rows(part)
        return Utterances.from_files(
            rows["path"].tolist(), [self.labels.index(c) for c in rows[self.label_column]], waveform_format
        )

    def recordings(self, part: str) -> list[str]:
        """Fingerprints of the part's audio files, see `content_key`."""
        files = ((path, Path(path).stat()) for path in self.rows(part)["path"])
        return [_content_key(path, stat.st_size, stat.st_mtime_ns) for path, stat in files]

    def write_split(self, folder: Path) -> None:
        """Write train.csv, validation.csv, test.csv and split.json into a folder, all or nothing."""
        counts = describe_split(self.table, self.parts, self.label_column)
        with replacing(folder) as draft:
            draft.mkdir()
            for part in PARTS:
                write_metadata(self.rows(part), draft / f"{part}.csv")
            write_json(
                draft / "split.json",
                {"fingerprint": self.split_fingerprint, "parts": counts.reset_index().to_dict("records")},
            )


def load_run_data(run: Run) -> RunData:
    """Read the corpus of a run and split it by the run's seed.

    Raises:
        UserError: the metadata are wrong, there is one class alone, or no valid split exists.
    """
    label_column = run.model.output_column
    assert isinstance(label_column, str)
    changed_ns = run.data_csv.stat().st_mtime_ns if run.data_csv.is_file() else 0
    table = _metadata(run.data_csv, changed_ns, label_column, run.model.input_column)
    labels = label_order(table[label_column])
    if len(labels) == 1:
        raise UserError(
            f"{run.data_csv}: {label_column}: {labels[0]!r} in every row; a classifier needs two classes"
        )
    split = speaker_split if run.model.speaker_independent_scenario else random_split
    parts = split(table, run.model.train_test_split, run.seed, label_column, source=str(run.data_csv))
    return RunData(
        table=table,
        parts=parts,
        labels=labels,
        label_column=label_column,
        split_fingerprint=split_fingerprint(table, parts, label_column),
    )


def run_fingerprint(run: Run, data: RunData) -> str:
    """What a run is: settings, audio, split, checkpoint, backend and versions, as 16 hex digits.

    A finished run of the same fingerprint need not be repeated, an unfinished one may be continued.
    """
    without_effect = {"evaluation_batch_size", "save_steps", "save_total_limit", "logging_steps"}
    settings = {
        "kser": kser.__version__,
        "keras": keras.__version__,
        "backend": keras.config.backend(),
        "model": run.model.model_dump(exclude={"name", "batch_size", "logging_steps"}),
        "checkpoint": _checkpoint_keys(run.model.model_path_or_name),
        "seed": run.seed,
        "plan": {
            name: value for name, value in vars(run.training_plan).items() if name not in without_effect
        },
        "labels": data.labels,
        "split": data.split_fingerprint,
        "audio": [data.recordings(part) for part in ("train", "validation")],
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _metadata(csv_path: Path, changed_ns: int, label_column: str, input_column: str) -> pd.DataFrame:
    """`read_metadata`, once for all runs of a study; the time of change sees to it that it is up to date."""
    return read_metadata(csv_path, label_column, input_column)


def _checkpoint_keys(name: str) -> list[str]:
    """Fingerprints of a local checkpoint's files; a hub id stands for itself."""
    folder = expanded(name)
    return [content_key(path) for path in visible_files(folder, "*")] if folder.is_dir() else []


@cache
def _content_key(path: str, size: int, mtime_ns: int) -> str:
    """`content_key`, once for all seeds; size and time of change see to it that a new file has a new key."""
    return content_key(path)
