"""The data of a run: the corpus, its split for the seed, and what identifies both."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import pandas as pd

import kser
from kser.corpora.emotions import LabelMapping, map_labels
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
from kser.files import expanded, replacing, visible_files, write_json
from kser.pipeline.reading import Progress, WaveformReader
from kser.pipeline.utterances import OnBadAudio, Utterances


@dataclass(frozen=True)
class RunData:
    """A corpus and its split.

    Attributes:
        table: metadata, one row an utterance that is used, classes named as the model names them.
        parts: for each row "train", "validation" or "test".
        labels: classes in the order that the model gives them.
        label_column: column of `table` with the class.
        split_fingerprint: identifies the split on every machine.
        renamed: classes that `label_map` gave another name, with it.
        left_out: how many utterances are not used, by class; or "by the split".
    """

    table: pd.DataFrame
    parts: pd.Series
    labels: list[str]
    label_column: str
    split_fingerprint: str
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
        files = ((path, Path(path).stat()) for path in self.rows(part)["path"])
        return [_content_key(path, stat.st_size, stat.st_mtime_ns) for path, stat in files]

    def write_split(self, folder: Path, parts: Mapping[str, Utterances]) -> None:
        """Write train.csv, validation.csv, test.csv and split.json into a folder, all or nothing.

        Files that were skipped are in skipped_audio.csv, with the reason, and in none of the others.
        """
        used = pd.concat([self.rows(part).iloc[list(parts[part].positions)] for part in PARTS])
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
                pd.DataFrame(skipped).to_csv(draft / "skipped_audio.csv", index=False)
            write_json(
                draft / "split.json",
                {
                    "fingerprint": self.split_fingerprint,
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
    independent = run.model.speaker_independent_scenario
    names: dict[str, LabelMapping] = {}

    def named_table(csv_path: Path) -> pd.DataFrame:
        """A metadata table with the classes that are used, by the names they are given."""
        table = _metadata(csv_path, label_column, run.model.input_column)
        names[str(csv_path)] = mapping = map_labels(
            table[label_column], dataset.label_map, dataset.classes, source=str(csv_path)
        )
        return table.assign(**{label_column: mapping.labels})[mapping.labels.notna()]

    if dataset.split.by_files:
        files = {
            "train": run.data_csv,
            **{
                part: run.input_file(csv)
                for part, csv in (
                    ("validation", dataset.split.validation_csv),
                    ("test", dataset.split.test_csv),
                )
                if csv is not None
            },
        }
        table, parts = fixed_split_of_files(
            {part: named_table(path) for part, path in files.items()},
            run.model.train_test_split,
            run.seed,
            label_column,
            sources={part: str(path) for part, path in files.items()},
            allow_shared_speakers=not independent,
        )
    else:
        table = named_table(run.data_csv)
        parts = _scheme(run).apply(table, run.seed, label_column, source=str(run.data_csv))
    used = table[parts != LEFT_OUT]
    labels = label_order(used[label_column])
    if len(labels) == 1:
        raise UserError(
            f"{run.data_csv}: {label_column}: {labels[0]!r} in every row; a classifier needs two classes"
        )
    left_out = sum((Counter(mapping.left_out) for mapping in names.values()), Counter())
    by_the_split = int((parts == LEFT_OUT).sum())
    return RunData(
        table=used,
        parts=parts[parts != LEFT_OUT],
        labels=labels,
        label_column=label_column,
        split_fingerprint=split_fingerprint(table, parts, label_column),
        renamed={old: new for mapping in names.values() for old, new in mapping.mapped.items()},
        left_out=dict(left_out) | ({"by the split": by_the_split} if by_the_split else {}),
    )


def _scheme(run: Run) -> SplitScheme:
    """The split that data set and model ask for together."""
    split, independent = run.config.training_dataset.split, run.model.speaker_independent_scenario
    if split.scheme == "speaker" and not independent:
        return SplitScheme("random", run.model.train_test_split)
    if not independent and split.scheme not in ("random", "fixed"):
        raise UserError(
            f"{run.model_file}: speaker_independent_scenario: false contradicts the split "
            f"{split.scheme!r} of the training data set, which never shares speakers; leave one of them out"
        )
    return split.splitting(run.model.train_test_split, allow_shared_speakers=not independent)


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
        "processing": run.config.model_dump(include={"loudness_lufs", "trim_db", "on_bad_audio"}),
        "augmentation": _augmentation(run),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _metadata(csv_path: Path, label_column: str, input_column: str) -> pd.DataFrame:
    """`read_metadata`, once for all runs of a study."""
    changed_ns = csv_path.stat().st_mtime_ns if csv_path.is_file() else 0
    return _metadata_of_version(csv_path, changed_ns, label_column, input_column)


@cache
def _metadata_of_version(
    csv_path: Path, changed_ns: int, label_column: str, input_column: str
) -> pd.DataFrame:
    """The time of change sees to it that the table is up to date."""
    return read_metadata(csv_path, label_column, input_column)


def _augmentation(run: Run) -> dict[str, Any]:
    """What is done to the training data, with fingerprints of the user's own files that do it."""
    if not run.config.augmentations:
        return {}
    fields = {"augmentations", "augmentation_mode", "augmentation_draws"}
    settings = run.config.model_dump(include=fields)
    files = {name: run.input_file(name) for name in _modules(settings) if name.endswith(".py")}
    return settings | {
        "order": list(run.config.augmentations),  # that of `compose`; sorting the fields loses it
        "files": {name: content_key(path) for name, path in files.items()},
        "audiomentations": version("audiomentations"),
    }


def _modules(value: Any) -> Iterator[str]:
    """Every `module` in nested settings."""
    if isinstance(value, Mapping):
        if isinstance(value.get("module"), str):
            yield value["module"]
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for of in value:
            yield from _modules(of)


def _checkpoint_keys(name: str) -> list[str]:
    """Fingerprints of a local checkpoint's files; a hub id stands for itself."""
    folder = expanded(name)
    return [content_key(path) for path in visible_files(folder, "*")] if folder.is_dir() else []


@cache
def _content_key(path: str, size: int, mtime_ns: int) -> str:
    """`content_key`, once for all seeds; size and time of change see to it that a new file has a new key."""
    return content_key(path)
