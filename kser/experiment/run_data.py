"""The data of a run: the corpus and its split for the seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from kser.corpora.emotions import map_labels
from kser.corpora.labels import label_order
from kser.corpora.metadata import content_key, read_metadata, write_metadata
from kser.corpora.splits import (
    LEFT_OUT,
    PARTS,
    SplitScheme,
    describe_split,
    fixed_split_of_files,
    split_fingerprint,
)
from kser.errors import UserError
from kser.experiment.planning import Run
from kser.files import is_there, replacing, write_json
from kser.pipeline.reading import Progress, WaveformReader
from kser.pipeline.utterances import OnBadAudio, Utterances

# Beside the split, where files were left out: part, path, reason.
SKIPPED_FILE = "skipped_audio.csv"


@dataclass(frozen=True)
class RunData:
    """A corpus and its split.

    Attributes:
        table: metadata, one row an utterance that is used, classes named as the model names them.
        parts: for each row "train", "validation" or "test".
        labels: classes in the order that the model gives them.
        label_column: column of `table` with the class.
        split_fingerprint: identifies the split on every machine.
        split_scheme: how it was made, e.g. "speaker", "random", "fixed by files".
        renamed: classes that `label_map` gave another name, with it.
        left_out: how many utterances are not used, by class; or "by the split".
    """

    table: pd.DataFrame
    parts: pd.Series
    labels: list[str]
    label_column: str
    split_fingerprint: str
    split_scheme: str
    renamed: dict[str, str]
    left_out: dict[str, int]

    def rows(self, part: str) -> pd.DataFrame:
        """The metadata of one part."""
        return self.table[self.parts == part]

    def utterances(
        self,
        part: str,
        reader: WaveformReader,
        on_bad_audio: OnBadAudio = "error",
        progress: Progress | None = None,
    ) -> Utterances:
        """One part as the pipeline takes it, see `Utterances.from_files`."""
        rows = self.rows(part)
        targets = [self.labels.index(c) for c in rows[self.label_column]]
        return Utterances.from_files(rows["path"].tolist(), targets, reader, on_bad_audio, progress)

    def recordings(self, part: str) -> list[str]:
        """Fingerprints of the part's audio files, see `content_key`."""
        return [content_key(path) for path in self.rows(part)["path"]]

    def write_split(self, folder: Path, parts: Mapping[str, Utterances]) -> None:
        """Write train.csv, validation.csv, test.csv and split.json into a folder, all or nothing.

        Files that were skipped are in `SKIPPED_FILE`, with the reason, and in none of the others.
        """
        used = pd.concat([self.rows(part).iloc[list(parts[part].positions)] for part in PARTS])
        shared_speakers = (self.parts[used.index].groupby(used["actor"]).nunique() > 1).sum()
        counts = describe_split(used, self.parts, self.label_column)
        skipped = [
            {"part": part, "path": path, "reason": reason}
            for part in PARTS
            for path, reason in parts[part].skipped.items()
        ]
        with replacing(folder) as draft:
            draft.mkdir()
            for part in PARTS:
                write_metadata(used[self.parts[used.index] == part], draft / f"{part}.csv")
            if skipped:
                pd.DataFrame(skipped).to_csv(draft / SKIPPED_FILE, index=False)
            write_json(
                draft / "split.json",
                {
                    "fingerprint": self.split_fingerprint,
                    "scheme": self.split_scheme,
                    "shared_speakers": int(shared_speakers),
                    "parts": counts.reset_index().to_dict("records"),
                    "labels_renamed": self.renamed,
                    "left_out": self.left_out,
                    "skipped_audio": len(skipped),
                },
            )


def load_run_data(run: Run) -> RunData:
    """Read the corpus of a run and split it by the run's seed.

    Raises:
        UserError: the metadata are wrong, there is one class alone, or no valid split exists.
    """
    label_column = run.model.output_column
    assert isinstance(label_column, str)
    dataset = run.config.training_dataset
    tables = {
        part: _metadata(path, label_column, run.model.input_column) for part, path in _csv_files(run).items()
    }
    joined = pd.concat([table[label_column] for table in tables.values()], keys=list(tables))
    names = map_labels(joined, dataset.label_map, dataset.classes, source=str(run.data_csv))
    named = {
        part: table.assign(**{label_column: names.labels[part]})[names.labels[part].notna()]
        for part, table in tables.items()
    }
    if dataset.split.by_files:
        table, parts = fixed_split_of_files(
            named,
            run.model.train_test_split,
            run.seed,
            label_column,
            sources={part: str(path) for part, path in _csv_files(run).items()},
            allow_shared_speakers=not run.model.speaker_independent_scenario,
        )
    else:
        (table,) = named.values()
        parts = split_scheme(run).apply(table, run.seed, label_column, source=str(run.data_csv))
    used = table[parts != LEFT_OUT]
    labels = label_order(used[label_column])
    if len(labels) == 1:
        raise UserError(
            f"{run.data_csv}: {label_column}: {labels[0]!r} in every row; a classifier needs two classes"
        )
    by_the_split = int((parts == LEFT_OUT).sum())
    return RunData(
        table=used,
        parts=parts[parts != LEFT_OUT],
        labels=labels,
        label_column=label_column,
        split_fingerprint=split_fingerprint(table, parts, label_column),
        split_scheme="fixed by files" if dataset.split.by_files else split_scheme(run).name,
        renamed=names.mapped,
        left_out=names.left_out | ({"by the split": by_the_split} if by_the_split else {}),
    )


def _csv_files(run: Run) -> dict[str, Path]:
    """The metadata of the corpus by part; where the parts have no files of their own, all as train."""
    split = run.config.training_dataset.split
    further = {"validation": split.validation_csv, "test": split.test_csv}
    return {"train": run.data_csv} | {
        part: run.input_file(csv) for part, csv in further.items() if csv is not None
    }


def split_scheme(run: Run) -> SplitScheme:
    """The split that data set and model ask for together; not for parts in files of their own.

    Raises:
        UserError: they contradict each other.
    """
    split, independent = run.config.training_dataset.split, run.model.speaker_independent_scenario
    if split.scheme == "speaker" and not independent:
        return SplitScheme("random", run.model.train_test_split)
    if not independent and split.scheme not in ("random", "fixed"):
        raise UserError(
            f"{run.model_file}: speaker_independent_scenario: false contradicts the split "
            f"{split.scheme!r} of the training data set, which never shares speakers; leave one of them out"
        )
    return split.splitting(run.model.train_test_split, allow_shared_speakers=not independent)


def _metadata(csv_path: Path, label_column: str, input_column: str) -> pd.DataFrame:
    """`read_metadata`, once for all runs of a study."""
    changed_ns = csv_path.stat().st_mtime_ns if is_there(csv_path) else 0
    return _metadata_of_version(csv_path, changed_ns, label_column, input_column)


@cache
def _metadata_of_version(
    csv_path: Path, changed_ns: int, label_column: str, input_column: str
) -> pd.DataFrame:
    """The time of change sees to it that the table is up to date."""
    return read_metadata(csv_path, label_column, input_column)
