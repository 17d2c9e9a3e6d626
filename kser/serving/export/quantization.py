"""What weights of 8-bit integers gain and cost: size, time, probabilities, and UAR on a test set."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.audio.decoding import decode
from kser.corpora.metadata import TableFormat
from kser.errors import UserError
from kser.evaluation.class_measures import UAR, class_outcome
from kser.evaluation.labels import encode
from kser.evaluation.over_speakers import outcome_changes
from kser.experiment.evaluating.evaluation_csv import test_csv_at
from kser.experiment.evaluating.test_sets import read_test_set
from kser.experiment.tasks.target import ClassChoice, Target
from kser.serving.export.comparison import Case, ExportedFile, largest_difference, made_up
from kser.serving.loaded_model import LoadedModel

TIMED_SECONDS, REPETITIONS = 4.0, 9
_RECORDINGS_TOGETHER = 8
_SAMPLES_AT_ONCE = 16_000_000


@dataclass(frozen=True)
class ChangeOfUar:
    """What quantisation does to the answers on a test set.

    Attributes:
        test_set: its metadata.
        n: recordings.
        n_speakers: who speak them.
        uar_float32: unweighted average recall of the model in float32.
        uar: of the quantised one.
        interval: 95% interval over speakers of `uar` − `uar_float32`; `None` with one speaker.
        same_class: the share of recordings whose class stays.
    """

    test_set: str
    n: int
    n_speakers: int
    uar_float32: float
    uar: float
    interval: tuple[float, float] | None
    same_class: float


@dataclass(frozen=True)
class Quantized:
    """A quantised model beside the one in float32.

    Attributes:
        bytes_float32: of graph and weights in float32.
        bytes: quantised.
        seconds_float32: median time for one recording of 4 s on this machine.
        seconds: quantised.
        difference: largest one of a probability, see `comparison.largest_difference`.
        uar: on a test set, if one was given.
    """

    bytes_float32: int
    bytes: int
    seconds_float32: float
    seconds: float
    difference: float
    uar: ChangeOfUar | None = None

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """What a user must know, a line each."""
        size, time = self.bytes / self.bytes_float32, self.seconds / self.seconds_float32
        lines = [
            f"int8: {self.bytes / 1e6:.1f} MB, {size:.2f} times that of float32; a recording of 4 s "
            f"takes {self.seconds * 1000:.0f} ms, {time:.2f} times; its probabilities differ by "
            f"{self.difference:.2g}"
        ]
        if (found := self.uar) is None:
            lines.append(
                "of real recordings the class may change: --test-set measures how often, and what it costs"
            )
        else:
            interval = "" if found.interval is None else " ({:+.3f} to {:+.3f})".format(*found.interval)
            lines.append(
                f"UAR {found.uar_float32:.3f} → {found.uar:.3f}: {found.uar - found.uar_float32:+.3f}"
                f"{interval} on {found.n} recordings of {found.n_speakers} speakers; the class stays for "
                f"{found.same_class:.1%}"
            )
        return lines


def compare_quantized(
    float32: ExportedFile,
    quantized: ExportedFile,
    sizes: tuple[int, int],
    model: LoadedModel,
    test: "TestRecordings | None",
    report: Callable[[float, float], None] = lambda done, total: None,
) -> Quantized:
    """Compare a quantised model with the one in float32.

    Args:
        float32: the model without quantisation.
        quantized: the same with it.
        sizes: their bytes.
        model: kser's own.
        test: the test set, if one was given.
        report: gets how many of its recordings are computed, by both models, and of how many.

    Raises:
        UserError: one does not run, gives no numbers, or a recording cannot be used.
    """
    rate = model.format.sampling_rate
    timed = [Case("4 s", [made_up(round(TIMED_SECONDS * rate), rate)], REPETITIONS)]
    before, after = (float(next(each.compute(timed))["seconds"]) for each in (float32, quantized))
    difference = largest_difference(quantized, model, [Case("4 s", timed[0].waveforms)])
    if not np.isfinite(difference):
        raise UserError(f"{quantized.path.name}: not written: quantised, the model gives no numbers")
    change = None if test is None else test.change(float32, quantized, report)
    return Quantized(*sizes, before, after, difference, change)


@dataclass(frozen=True, eq=False)
class TestRecordings:
    """A test set on which UAR is measured.

    Attributes:
        source: its metadata.
        model: whose classes count.
        target: the class.
        table: the metadata, a row a recording.
        true: the right class of each by the model's name; missing where the model does not know it.
    """

    __test__ = False  # pytest takes the name for that of a test

    source: Path
    model: LoadedModel
    target: Target
    table: pd.DataFrame
    true: pd.Series

    @classmethod
    def read(cls, path: Path, model: LoadedModel) -> "TestRecordings":
        """Read a test set.

        Args:
            path: a metadata CSV, or a folder with test.csv.
            model: names a class.

        Raises:
            UserError: it cannot be read, or the model names no class.
        """
        targets = [target for target in model.task.targets if target.class_column is not None]
        if not targets:
            raise UserError(f"--test-set: {model.name} names no class, of which UAR could be measured")
        source = test_csv_at(path)
        column = model.provenance.model_config["input_column"]
        table = read_test_set(source, model.task, column, TableFormat()).table
        truth = targets[0].truth(table, model.head, ClassChoice(), str(source))
        return cls(source, model, targets[0], table, truth.values.iloc[:, 0])

    def change(
        self,
        float32: ExportedFile,
        quantized: ExportedFile,
        report: Callable[[float, float], None] = lambda done, total: None,
    ) -> ChangeOfUar:
        """How UAR changes from one exported model to the other.

        Args:
            float32, quantized: the models.
            report: see `compare_quantized`.

        Raises:
            UserError: a recording cannot be used, or none has a class that the model knows.
        """
        labels = self.model.names(self.target)
        n = len(self.table)
        report(0, 2 * n)
        predicted = [
            self._classes(float32, labels, lambda done: report(done, 2 * n)),
            self._classes(quantized, labels, lambda done: report(n + done, 2 * n)),
        ]
        before, after = (class_outcome(encode(self.true.tolist(), each, labels)) for each in predicted)
        found = outcome_changes(before, after, self.table["actor"])
        interval = found["intervals"][UAR.name]
        return ChangeOfUar(
            str(self.source),
            len(before.entries),
            found["intervals"]["n_speakers"],
            before.estimates[UAR.name],
            after.estimates[UAR.name],
            None if interval is None else (interval[0], interval[1]),
            float(np.mean(np.array(predicted[0]) == np.array(predicted[1]))),
        )

    def _classes(
        self, exported: ExportedFile, labels: Sequence[str], report: Callable[[int], None]
    ) -> list[str]:
        """The class of each recording; of one that is split, by the mean logits of its parts."""
        done: set[int] = set()
        logits = np.zeros((len(self.table), len(labels)))
        for group in self._groups():
            batches = [
                group[start : start + self._together] for start in range(0, len(group), self._together)
            ]
            outputs = exported.compute([Case("", [waveform for _, waveform in batch]) for batch in batches])
            for batch, found in zip(batches, outputs, strict=True):
                np.add.at(logits, [row for row, _ in batch], found[self.target.output])
            done.update(row for row, _ in group)
            report(len(done))
        return [labels[place] for place in logits.argmax(axis=1)]

    @property
    def _together(self) -> int:
        """Recordings of a batch: one where padding counts as sound."""
        return _RECORDINGS_TOGETHER if self.model.format.mask_padding else 1

    def _groups(self) -> Iterator[list[tuple[int, np.ndarray]]]:
        """Rows and waveforms, as many as one process is given, the shortest first."""
        group: list[tuple[int, np.ndarray]] = []
        for row, path in enumerate(self.table["path"]):
            group += [(row, waveform) for waveform in self.model.waveforms(path, decode(path))]
            if sum(len(waveform) for _, waveform in group) >= _SAMPLES_AT_ONCE:
                yield sorted(group, key=_length)
                group = []
        if group:
            yield sorted(group, key=_length)


def _length(found: tuple[int, np.ndarray]) -> int:
    return len(found[1])
