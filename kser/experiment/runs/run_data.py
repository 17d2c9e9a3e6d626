"""The data of a run: the corpus and its split for the seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from kser.audio.known_sounds import known_sounds
from kser.corpora.metadata import content_keys, write_metadata
from kser.corpora.splits import (
    LEFT_OUT,
    PARTS,
    SplitScheme,
    describe_split,
    fixed_split_of_files,
    split_fingerprint,
)
from kser.errors import UserError
from kser.experiment.runs.long_recordings import count_long
from kser.experiment.runs.planning import Run
from kser.experiment.runs.usable_rows import metadata_files, usable_rows
from kser.experiment.tasks import Task
from kser.files import replacing, write_json
from kser.pipeline.reading import Progress, WaveformReader
from kser.pipeline.utterances import OnBadAudio, Utterances
from kser.spreadsheets import write_csv

# Beside the split, where files were left out: part, path, reason.
SKIPPED_FILE = "skipped_audio.csv"


@dataclass(frozen=True)
class RunData:
    """A corpus and its split.

    Attributes:
        table: metadata, one row an utterance that is used, classes named as the model names them.
        parts: for each row "train", "validation" or "test".
        task: what is learned.
        values: what is learned of each utterance, see `Task.read`, index of `table`.
        split_fingerprint: identifies the split on every machine.
        split_scheme: how it was made, e.g. "speaker", "random", "fixed by files".
        renamed: classes that `label_map` gave another name, with it.
        left_out: how many utterances are not used, by class; "without a number"; or "by the split".
        notes: what in the metadata was taken for what, a line each.
    """

    table: pd.DataFrame
    parts: pd.Series
    task: Task
    values: pd.DataFrame
    split_fingerprint: str
    split_scheme: str
    renamed: dict[str, str]
    left_out: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def class_column(self) -> str | None:
        """Column of `table` with the class, if there is one."""
        return self.task.class_column

    @property
    def head(self) -> dict[str, Any]:
        """What the head of a model of these data is for, see `Task.head`."""
        return self.task.head(self.values, self.parts)

    @property
    def labels(self) -> list[str]:
        """Classes, or labels of which any may be right, in the order of the model's logits; or none."""
        return list(self.head.get("labels", ()))

    @property
    def values_fingerprint(self) -> str:
        """Identifies who has which numbers or labels, in whatever order: 16 hex digits, or nothing."""
        values = self.values.drop(columns=self.class_column or [])
        if values.empty:
            return ""
        rows = zip(self.table["utterance"], values.to_numpy().tolist(), strict=True)
        return sha256("\n".join(sorted(f"{name}\t{row}" for name, row in rows)).encode()).hexdigest()[:16]

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
        targets = self.task.encode(self.values[self.parts == part], self.head)
        return Utterances.from_files(
            self.rows(part)["path"].tolist(), targets, reader, on_bad_audio, progress
        )

    def bad_audio_mistakes(self, source: str, bad_audio: Mapping[str, str]) -> list[str]:
        """Parts in which something to be learned has bad audio in every utterance, a line each.

        Args:
            source: of the metadata, for messages.
            bad_audio: by audio file why it cannot be used.
        """
        mistakes = []
        for part in PARTS:
            values, paths = self.values[self.parts == part], self.rows(part)["path"]
            bad = paths.isin(bad_audio)
            lost = [
                name
                for target, its_values in self.task.values_by_target(values)
                for name in target.lost(its_values, values.loc[~bad, list(target.columns)])
            ]
            if lost:
                mistakes.append(
                    f"{source}: no audio file of {', '.join(lost)} in the {part} part can be used: "
                    f"{bad_audio[paths[bad].iloc[0]]}"
                )
        return mistakes

    def split_mistakes(self, seed: int) -> list[str]:
        """What makes it impossible to learn from the split, or to measure on it, a line each."""
        return [
            line
            for target, values in self.task.values_by_target(self.values)
            for line in target.split_mistakes(values, self.parts, seed)
        ]

    @property
    def shared_speakers(self) -> int:
        """How many speakers are in more than one part."""
        return _shared_speakers(self.table, self.parts)

    def thin_spots(self) -> list[str]:
        """What the split allows and is still worth knowing, a line each."""
        return [
            line
            for target, values in self.task.values_by_target(self.values)
            for line in target.thin_spots(values, self.parts)
        ]

    def recordings(self, part: str) -> list[str]:
        """Fingerprints of the part's audio files, see `content_key`."""
        return content_keys(self.rows(part)["path"])

    def write_split(self, folder: Path, parts: Mapping[str, Utterances]) -> None:
        """Write train.csv, validation.csv, test.csv and split.json into a folder, all or nothing.

        Files that were skipped are in `SKIPPED_FILE`, with the reason, and in none of the others.
        """
        used = pd.concat([self.rows(part).iloc[parts[part].recordings] for part in PARTS])
        counts = describe_split(used, self.parts, self.class_column)
        processing = next(iter(parts.values())).format.processing
        long = count_long(used["path"], processing)
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
                write_csv(pd.DataFrame(skipped), draft / SKIPPED_FILE)
            write_json(
                draft / "split.json",
                {
                    "fingerprint": self.split_fingerprint,
                    "scheme": self.split_scheme,
                    "shared_speakers": _shared_speakers(used, self.parts),
                    "parts": counts.reset_index().to_dict("records"),
                    "labels_renamed": self.renamed,
                    **({"metadata_notes": list(self.notes)} if self.notes else {}),
                    "left_out": self.left_out,
                    "skipped_audio": len(skipped),
                    "faulty_audio": known_sounds.count_faults(used["path"]),
                    **({"long_audio": long} if long else {}),
                },
            )


def _shared_speakers(table: pd.DataFrame, parts: pd.Series) -> int:
    return int((parts[table.index].groupby(table["actor"]).nunique() > 1).sum())


def load_run_data(run: Run) -> RunData:
    """Read the corpus of a run and split it by the run's seed.

    Raises:
        UserError: the metadata are wrong, there is nothing to learn, or there is no valid split.
    """
    task = run.model.task
    usable = usable_rows(run)
    table, parts = _split(run, task.class_column, usable.tables)
    used, used_parts = table[parts != LEFT_OUT], parts[parts != LEFT_OUT]
    by_the_split = int((parts == LEFT_OUT).sum())
    data = RunData(
        table=used,
        parts=used_parts,
        task=task,
        values=task.read(used, str(run.data_csv)),
        split_fingerprint=split_fingerprint(table, parts, task.class_column),
        split_scheme=(
            "fixed by files" if run.config.training_dataset.split.by_files else split_scheme(run).name
        ),
        renamed=usable.renamed,
        left_out=usable.left_out | ({"by the split": by_the_split} if by_the_split else {}),
        notes=usable.notes,
    )
    if mistakes := data.split_mistakes(run.seed):
        raise UserError("\n".join(f"{run.data_csv}: {line}" for line in mistakes))
    return data


def _split(
    run: Run, class_column: str | None, tables: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.Series]:
    """The rows of all parts, and the part of each; "" for those left out."""
    if run.config.training_dataset.split.by_files:
        return fixed_split_of_files(
            tables,
            run.model.train_test_split,
            run.seed,
            class_column,
            sources={part: str(path) for part, path in metadata_files(run).items()},
            allow_shared_speakers=not run.model.speaker_independent_scenario,
        )
    (table,) = tables.values()
    return table, split_scheme(run).apply(table, run.seed, class_column, source=str(run.data_csv))


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
            f"{run.model_source}: speaker_independent_scenario: false contradicts the split "
            f"{split.scheme!r} of the training data set, which never shares speakers; leave one of them out"
        )
    return split.splitting(run.model.train_test_split, allow_shared_speakers=not independent)
