"""The data of a run: the corpus, its split for the seed, and what identifies both."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

import kser
from kser.corpora.labels import label_order
from kser.corpora.metadata import content_key, read_metadata, write_metadata
from kser.corpora.splits import PARTS, describe_split, random_split, speaker_split, split_fingerprint
from kser.experiment.planning import Run
from kser.files import replacing, write_json
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
        return _content_keys(tuple(self.rows(part)["path"]))

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
        kser.errors.UserError: the metadata are wrong, or no valid split exists.
    """
    label_column = run.model.output_column
    assert isinstance(label_column, str)
    table = _metadata(run.data_csv, label_column, run.model.input_column)
    split = speaker_split if run.model.speaker_independent_scenario else random_split
    parts = split(table, run.model.train_test_split, run.seed, label_column, source=str(run.data_csv))
    return RunData(
        table=table,
        parts=parts,
        labels=label_order(table[label_column]),
        label_column=label_column,
        split_fingerprint=split_fingerprint(table, parts, label_column),
    )


def run_fingerprint(run: Run, data: RunData) -> str:
    """What a run is: its settings, its audio, its split and the version of kser, as 16 hex digits.

    Two runs with one fingerprint give the same model, so that a finished one need not be repeated and an
    unfinished one may be continued.
    """
    settings = {
        "kser": kser.__version__,
        "model": run.model.model_dump(exclude={"name", "batch_size"}),
        "seed": run.seed,
        "plan": {**vars(run.training_plan), "evaluation_batch_size": None, "save_total_limit": None},
        "labels": data.labels,
        "split": data.split_fingerprint,
        "audio": [data.recordings(part) for part in ("train", "validation")],
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def _metadata(csv_path: Path, label_column: str, input_column: str) -> pd.DataFrame:
    return read_metadata(csv_path, label_column, input_column)


@lru_cache(maxsize=16)
def _content_keys(paths: Sequence[str]) -> list[str]:
    return [content_key(path) for path in paths]
