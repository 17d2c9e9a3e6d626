"""Evaluating trained models on test sets, row by row of an evaluation CSV."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import kser
from kser.audio.known_sounds import known_sounds
from kser.corpora.metadata import content_keys
from kser.errors import UserError
from kser.experiment.evaluating.evaluation_csv import EvaluationRow
from kser.experiment.evaluating.evaluation_results import results_there, write_results
from kser.experiment.evaluating.predicting import predict_outputs
from kser.experiment.evaluating.test_sets import read_test_set
from kser.experiment.runs.cut_recordings import count_cut
from kser.experiment.runs.long_recordings import count_long, in_words
from kser.experiment.runs.published_model import model_provenance
from kser.experiment.runs.recording_keys import count_known, recording_keys
from kser.experiment.runs.run_lock import locked
from kser.experiment.runs.trained_model import PROVENANCE_FILE, Provenance, load_classifier
from kser.experiment.tasks import Task
from kser.experiment.tasks.evaluation import Evaluation, Predictions
from kser.files import read_json, write_json
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.reading import Progress, WaveformReader
from kser.pipeline.utterances import OnBadAudio, Utterances
from kser.words import counts_in_words


@dataclass(frozen=True)
class EvaluatedRow:
    """What the evaluation of one row gave.

    Attributes:
        row: the row.
        reports: each kind of answer that was evaluated, with the contents of its report.
        is_new: `False` if the results were on disk already.
    """

    row: EvaluationRow
    reports: Sequence[tuple[Evaluation, dict[str, Any]]]
    is_new: bool

    @property
    def report(self) -> dict[str, Any]:
        """The first report; names, seed, leaks and groups are the same in all."""
        return self.reports[0][1]

    @property
    def headline(self) -> str:
        """The result in a few words."""
        return ", ".join(evaluation.headline(report) for evaluation, report in self.reports)

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before believing the numbers, a line each; a leak begins with LEAK."""
        first = self.report
        lines = [
            f"LEAK: {count} of {first['n_recordings']} recordings were in the model's {part} part"
            for part, count in first["seen_in_training"].items()
            if count
        ]
        if not first["seen_in_training"]:
            lines.append("what the model was trained on is not known, so that leaks cannot be found")
        lines += [line for evaluation, report in self.reports for line in evaluation.warnings(report)]
        if skipped := first["skipped_audio"]:
            lines.append(f"left out, files that cannot be used: {len(skipped)}")
        if cut := first.get("cut_audio"):
            lines.append(f"longer than the model takes, only their beginning was heard: {cut} recordings")
        lines += in_words(first.get("long_audio", {}))
        if faults := first.get("faulty_audio"):
            lines.append(f"faulty recordings: {counts_in_words(faults)}; kser check names the files")
        return lines


@dataclass(frozen=True)
class _Evaluand:
    """A row with everything from which its results follow.

    Attributes:
        row: the row.
        provenance: of the model.
        task: of the model.
        table: metadata of the test set.
        recordings: fingerprints of its audio files.
        group_columns: those columns whose groups are compared that the test set has.
        fingerprint: of the results.
    """

    row: EvaluationRow
    provenance: Provenance
    task: Task
    table: pd.DataFrame
    recordings: list[str]
    group_columns: list[str]
    fingerprint: str

    @classmethod
    def of(cls, row: EvaluationRow, group_columns: Sequence[str]) -> "_Evaluand":
        provenance = model_provenance(row.model_path)
        task = provenance.task
        table = read_test_set(
            row.test_csv,
            task,
            provenance.model_config["input_column"],
            replace(row.table_format, names=tuple(group_columns)),
        ).table
        recordings = content_keys(table["path"])
        return cls(
            row,
            provenance,
            task,
            table,
            recordings,
            [column for column in group_columns if column in table],
            _evaluation_fingerprint(row, provenance, recordings),
        )

    @property
    def evaluations(self) -> list[Evaluation]:
        """What is evaluated, one entry a report."""
        return [target.evaluation for target in self.task.targets]

    @property
    def names(self) -> dict[str, Any]:
        """What reports call the model and the test set: it may change, and the results stay."""
        return {
            "model_name": self.row.model_name,
            "dataset_name": self.row.dataset_name,
            "factors": self.provenance.model_config.get("factors", {}),
        }

    @property
    def facts(self) -> dict[str, Any]:
        """What every report begins with."""
        return self.names | {
            "model_path": str(self.row.model_path),
            "test_csv": str(self.row.test_csv),
            **({"columns": dict(self.row.table_format.columns)} if self.row.columns else {}),
            "seed": self.provenance.seed,
            "evaluation_fingerprint": self.fingerprint,
            "seen_in_training": _seen_in_training(self.table["path"], self.provenance.recordings),
            "n_recordings": len(self.table),
        }


class Evaluator:
    """Evaluates rows, loading a model once for all rows in sequence that use it.

    Args:
        redo: evaluate again what has been evaluated already.
        on_bad_audio: whether files that cannot be used are an error or are left out and listed.
        audio_cache: where decoded audio is kept, or `None`.
        by: columns of the test sets whose groups are compared, besides `gender`.
        progress: shows how far the reading of all audio files is.
    """

    def __init__(
        self,
        redo: bool = False,
        on_bad_audio: OnBadAudio = "error",
        audio_cache: AudioCache | None = None,
        by: Sequence[str] = (),
        progress: Progress | None = None,
    ):
        self.redo = redo
        self.on_bad_audio = on_bad_audio
        self.audio_cache = audio_cache
        self.by = tuple(by)
        self.progress = progress
        self._loaded: tuple[Path, Any] | None = None

    def evaluate(self, row: EvaluationRow) -> EvaluatedRow:
        """Evaluate one row and write the results to its `eval_out_path`.

        The folder gets predictions.csv, the tables and figures of each `Evaluation` of the model's task and,
        last of all, their reports. What else lies there stays.

        Raises:
            UserError: the model or the test set cannot be read, they do not fit together, or the model gives
                no numbers.
        """
        evaluand = _Evaluand.of(row, self.by)
        if earlier := self._evaluated_before(evaluand):
            return earlier
        with locked(row.eval_out_path):
            # Again, for another process may have done it meanwhile.
            return self._evaluated_before(evaluand) or self._evaluate_now(evaluand)

    def _evaluate_now(self, evaluand: _Evaluand) -> EvaluatedRow:
        row, task = evaluand.row, evaluand.task
        model = self._model(row.model_path)
        head = {name: getattr(model, name) for name in model.new_head_arguments}
        truths = [
            target.truth(evaluand.table, head, row.class_choice, str(row.test_csv)) for target in task.targets
        ]
        utterances = self._utterances(row, evaluand.table, model)
        predictions = _predict(evaluand, model, utterances)
        try:
            results = [
                (
                    target.evaluation,
                    target.evaluation.evaluate(truth, predictions, target.output, target.names(head)),
                )
                for target, truth in zip(task.targets, truths, strict=True)
            ]
        except UserError as error:
            raise UserError(f"{row.test_csv}: {error}") from error
        further = {
            "cut_audio": count_cut(utterances.lengths, model.backbone),
            "faulty_audio": known_sounds.count_faults(predictions.table["path"]),
            "left_out_audio": len(utterances.left_out),
            "long_audio": count_long(predictions.table["path"], model.waveform_format.processing),
        }
        facts = evaluand.facts | {name: found for name, found in further.items() if found}
        reports = write_results(row.eval_out_path, predictions, results, facts)
        return EvaluatedRow(row, list(zip(evaluand.evaluations, reports, strict=True)), is_new=True)

    def _evaluated_before(self, evaluand: _Evaluand) -> EvaluatedRow | None:
        """The results on disk, if they are those that would come of evaluating again and may be taken."""
        evaluations, folder = evaluand.evaluations, evaluand.row.eval_out_path
        reports = [] if self.redo else results_there(folder, evaluations)
        if not reports or not all(self._still_holds(report, evaluand) for report in reports):
            return None
        renamed = [
            (evaluation, _with_names(report, evaluand.names, folder / evaluation.report.file))
            for evaluation, report in zip(evaluations, reports, strict=True)
        ]
        return EvaluatedRow(evaluand.row, renamed, is_new=False)

    def _still_holds(self, report: dict[str, Any], evaluand: _Evaluand) -> bool:
        """Whether a report on disk is the one that would come of evaluating again."""
        return (
            report.get("evaluation_fingerprint") == evaluand.fingerprint
            and set(evaluand.group_columns) <= set(report["subgroups"])
            and (
                self.on_bad_audio == "skip" or len(report["skipped_audio"]) == report.get("left_out_audio", 0)
            )
        )

    def _utterances(self, row: EvaluationRow, table: pd.DataFrame, model: Any) -> Utterances:
        """The test set's recordings, read as the model was trained on them."""
        reader = WaveformReader(model.waveform_format, self.audio_cache)
        try:
            return Utterances.from_files(
                table["path"].tolist(), [0] * len(table), reader, self.on_bad_audio, self.progress
            )
        except UserError as error:
            raise UserError(f"{row.test_csv}: {error}") from error

    def _model(self, folder: Path) -> Any:
        if self._loaded is None or self._loaded[0] != folder:
            self._loaded = None  # the old model's memory is free before the new one is loaded
            self._loaded = (folder, load_classifier(folder))
        return self._loaded[1]


def _predict(evaluand: _Evaluand, model: Any, utterances: Utterances) -> Predictions:
    row, provenance = evaluand.row, evaluand.provenance
    batch_size = provenance.model_config["batch_size"]
    outputs = predict_outputs(model, utterances, batch_size, provenance.keeps_backbone)
    _check_finite(outputs, row.model_path)
    return Predictions(
        evaluand.table.iloc[utterances.recordings],
        outputs,
        evaluand.group_columns,
        f"{row.model_name} on {row.dataset_name}, seed {provenance.seed}",
        utterances.skipped,
        provenance.calibration,
    )


def _check_finite(outputs: Mapping[str, np.ndarray], folder: Path) -> None:
    """Every output must be a number: nothing can be judged by NaN or infinity."""
    finite = np.all([np.isfinite(values).all(axis=1) for values in outputs.values()], axis=0)
    if not finite.all():
        raise UserError(
            f"{folder}: the model gives no numbers for {(~finite).sum()} of {len(finite)} recordings"
        )


def _seen_in_training(tested: Iterable[str], recordings: Mapping[str, list[str]]) -> dict[str, int]:
    """How many of the test recordings were in each part that the model was made with."""
    keys = recording_keys(tested, by_sound=True)
    return {part: count_known(keys, known) for part, known in recordings.items()}


def _with_names(report: dict[str, Any], names: dict[str, Any], path: Path) -> dict[str, Any]:
    """A report on disk, which takes on other names if it was made under others."""
    if report.items() >= names.items():
        return report
    write_json(path, report | names)
    return report | names


def _evaluation_fingerprint(row: EvaluationRow, provenance: Provenance, recordings: list[str]) -> str:
    """What the results follow from: the model, the list of the test set and its recordings."""
    path = row.model_path / PROVENANCE_FILE
    facts = read_json(path) if path.is_file() else asdict(provenance)
    for name in ("factors", "layer_curve"):  # names, which may change
        facts["model_config"].pop(name, None)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(row.test_csv.read_bytes())
    digest.update(f"{kser.__version__}\n{row.label_map}\n{row.classes}\n".encode())
    if later := f"{row.columns}{row.normalize_metadata}":
        digest.update(f"{later}\n".encode())
    digest.update("".join(recordings).encode())
    return digest.hexdigest()[:16]
