"""The data of a run: the corpus and its split for the seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from kser.corpora.labels import label_order
from kser.corpora.metadata import content_key, write_metadata
from kser.corpora.splits import (
    LEFT_OUT,
    PARTS,
    SplitScheme,
    describe_split,
    fixed_split_of_files,
    split_fingerprint,
)
from kser.errors import UserError
from kser.experiment.runs.planning import Run
from kser.experiment.runs.usable_rows import metadata_files, target_values, usable_rows
from kser.experiment.tasks.targets import Head, Targets
from kser.files import replacing, write_json
from kser.pipeline.reading import Progress, WaveformReader
from kser.pipeline.utterances import OnBadAudio, TargetArrays, Utterances

# Beside the split, where files were left out: part, path, reason.
SKIPPED_FILE = "skipped_audio.csv"


@dataclass(frozen=True)
class RunData:
    """A corpus and its split.

    Attributes:
        table: metadata, one row an utterance that is used, classes named as the model names them.
        parts: for each row "train", "validation" or "test".
        targets: columns with what is learned.
        labels: classes, or labels of which any may be right, in the order that the model gives them; none for
            numbers.
        values: float64, one column for each of the numbers or labels, index of `table`: NaN for a missing
            number, 0 or 1 for a label.
        split_fingerprint: identifies the split on every machine.
        split_scheme: how it was made, e.g. "speaker", "random", "fixed by files".
        renamed: classes that `label_map` gave another name, with it.
        left_out: how many utterances are not used, by class; "without a number"; or "by the split".
    """

    table: pd.DataFrame
    parts: pd.Series
    targets: Targets
    labels: list[str]
    values: pd.DataFrame
    split_fingerprint: str
    split_scheme: str
    renamed: dict[str, str]
    left_out: dict[str, int]

    @property
    def label_column(self) -> str | None:
        """Column of `table` with the class, if there is one."""
        return self.targets.class_column

    @property
    def head(self) -> Head:
        """What the head of a model of these data says: numbers in the units of the training part."""
        numbers = self.part_values("train")[list(self.targets.number_columns)]
        return Head(self.labels, numbers.mean().tolist(), numbers.std(ddof=0).tolist())

    @property
    def values_fingerprint(self) -> str:
        """Identifies who has which numbers or labels, in whatever order: 16 hex digits, or nothing."""
        if self.values.empty:
            return ""
        rows = zip(self.table["utterance"], self.values.to_numpy().tolist(), strict=True)
        return sha256("\n".join(sorted(f"{name}\t{row}" for name, row in rows)).encode()).hexdigest()[:16]

    def rows(self, part: str) -> pd.DataFrame:
        """The metadata of one part."""
        return self.table[self.parts == part]

    def part_values(self, part: str) -> pd.DataFrame:
        """The numbers or labels of one part, see `values`."""
        return self.values[self.parts == part]

    def utterances(
        self,
        part: str,
        reader: WaveformReader,
        on_bad_audio: OnBadAudio = "error",
        progress: Progress | None = None,
    ) -> Utterances:
        """One part as the pipeline takes it, see `Utterances.from_files`."""
        rows = self.rows(part)
        return Utterances.from_files(
            rows["path"].tolist(), self._target_arrays(part), reader, on_bad_audio, progress
        )

    def _target_arrays(self, part: str) -> TargetArrays:
        """What the objective of `targets` takes."""
        values = self.part_values(part).to_numpy(np.float32)
        if self.label_column is None:
            return values
        classes = np.asarray([self.labels.index(of) for of in self.rows(part)[self.label_column]], np.int32)
        return {"logits": classes, "values": values} if self.targets.number_columns else classes

    def lost(self, part: str, utterances: Utterances) -> list[str]:
        """Classes, or columns of numbers, of which none of those left is among a part's utterances."""
        rows, values = self.rows(part), self.part_values(part)
        left, left_values = rows.iloc[list(utterances.positions)], values.iloc[list(utterances.positions)]
        lost = []
        if self.label_column is not None:
            lost = sorted({*rows[self.label_column]} - {*left[self.label_column]})
        numbers = list(self.targets.number_columns)
        gone = values[numbers].notna().any() & ~left_values[numbers].notna().any()
        return [*lost, *gone.index[gone]]

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
        UserError: the metadata are wrong, there is one class alone, a number that the training part does not
            tell anything of, or no valid split.
    """
    targets = Targets.of(run.model)
    usable = usable_rows(run, targets)
    table, parts = _split(run, targets.class_column, usable.tables)
    used, used_parts = table[parts != LEFT_OUT], parts[parts != LEFT_OUT]
    by_the_split = int((parts == LEFT_OUT).sum())
    data = RunData(
        table=used,
        parts=used_parts,
        targets=targets,
        labels=label_order(used[targets.class_column]) if targets.class_column else [*targets.label_columns],
        values=target_values(used, targets, str(run.data_csv)),
        split_fingerprint=split_fingerprint(table, parts, targets.class_column),
        split_scheme=(
            "fixed by files" if run.config.training_dataset.split.by_files else split_scheme(run).name
        ),
        renamed=usable.renamed,
        left_out=usable.left_out | ({"by the split": by_the_split} if by_the_split else {}),
    )
    if mistakes := [*_class_mistakes(data), *_number_mistakes(data, run.seed)]:
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


def _class_mistakes(data: RunData) -> list[str]:
    if data.label_column is None or len(data.labels) > 1:
        return []
    return [f"{data.label_column}: {data.labels[0]!r} in every row; a classifier needs two classes"]


def _number_mistakes(data: RunData, seed: int) -> list[str]:
    """Numbers of which training could learn nothing, and parts in which nothing could be measured."""
    mistakes = []
    for column in data.targets.number_columns:
        training = data.part_values("train")[column].dropna()
        where = f"{column}: in the training part of seed {seed}"
        if training.empty:
            mistakes.append(f"{where} no row has a number; leave the column out")
        elif training.nunique() == 1:
            mistakes.append(
                f"{where} every row that has a number has {training.iloc[0]:g}, so that there is nothing to "
                "learn; leave the column out"
            )
    if data.targets.number_columns:
        mistakes += [
            f"{', '.join(data.targets.number_columns)}: no row of the {part} part of seed {seed} has a number"
            for part in PARTS[1:]
            if data.part_values(part)[list(data.targets.number_columns)].isna().all(axis=None)
        ]
    return mistakes


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
