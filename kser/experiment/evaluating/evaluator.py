"""Evaluating trained models on test sets, row by row of an evaluation CSV."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

import kser
from kser.audio.known_sounds import known_sounds
from kser.corpora.metadata import content_keys
from kser.errors import UserError
from kser.experiment.evaluating.answers import Answers, answers_of, mean_of
from kser.experiment.evaluating.evaluation_csv import EvaluationRow
from kser.experiment.evaluating.evaluation_results import results_there, write_results
from kser.experiment.evaluating.test_sets import read_test_set
from kser.experiment.runs.long_recordings import count_long, in_words
from kser.experiment.runs.model_card import renew_model_card
from kser.experiment.runs.model_folders import model_folders
from kser.experiment.runs.published_model import model_provenance
from kser.experiment.runs.recording_keys import count_known, recording_keys
from kser.experiment.runs.run_lock import locked
from kser.experiment.runs.trained_model import PROVENANCE_FILE, Provenance, load_classifier
from kser.experiment.tasks import Task
from kser.experiment.tasks.evaluation import Evaluation, Predictions
from kser.files import read_json, write_json
from kser.grouping import grouped
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import OnBadAudio, Utterances
from kser.training.devices import devices_at_most, on_devices
from kser.training.events import ProgressListener, Working, reading_progress
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
    def which_models(self) -> str:
        """Which of the models of its name were evaluated: "seed 3", or "mean of 5 models"."""
        models = self.report.get("models")
        return f"mean of {len(models)} models" if models else f"seed {self.report['seed']}"

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
        if unknown := first.get("models_of_unknown_training"):
            lines.append(f"what {unknown} of the models learned from is not known: leaks may be more")
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
        models: where each model comes from, by its folder or name; of several a mean is taken.
        task: of the models.
        table: metadata of the test set.
        recordings: fingerprints of its audio files.
        group_columns: those columns whose groups are compared that the test set has.
        fingerprint: of the results.
    """

    row: EvaluationRow
    models: Mapping[Path, Provenance]
    task: Task
    table: pd.DataFrame
    recordings: list[str]
    group_columns: list[str]
    fingerprint: str

    @classmethod
    def of(cls, row: EvaluationRow, group_columns: Sequence[str]) -> "_Evaluand":
        models = {folder: model_provenance(folder) for folder in model_folders(row.models)}
        provenance = next(iter(models.values()))
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
            models,
            task,
            table,
            recordings,
            [column for column in group_columns if column in table],
            _evaluation_fingerprint(row, models, recordings),
        )

    @property
    def evaluations(self) -> list[Evaluation]:
        """What is evaluated, one entry a report."""
        return [target.evaluation for target in self.task.targets]

    @property
    def first(self) -> Provenance:
        """Where the first model comes from, often the only one."""
        return next(iter(self.models.values()))

    @property
    def is_ensemble(self) -> bool:
        """Whether a mean of several models is evaluated."""
        return len(self.models) > 1

    @property
    def title(self) -> str:
        """Of figures."""
        which = f"mean of {len(self.models)} models" if self.is_ensemble else f"seed {self.first.seed}"
        return f"{self.row.title}, {which}"

    @property
    def names(self) -> dict[str, Any]:
        """What reports call the model and the test set: it may change, and the results stay."""
        return {
            "model_name": self.row.model_name,
            "dataset_name": self.row.dataset_name,
            "factors": self.first.model_config.get("factors", {}),
        }

    @property
    def facts(self) -> dict[str, Any]:
        """What every report begins with."""
        unknown = sum(not any(model.recordings.values()) for model in self.models.values())
        return self.names | {
            "model_path": str(self.row.model_path),
            **({"models": list(map(str, self.models))} if self.is_ensemble else {}),
            "test_csv": str(self.row.test_csv),
            **({"columns": dict(self.row.table_format.columns)} if self.row.columns else {}),
            "seed": None if self.is_ensemble else self.first.seed,
            "evaluation_fingerprint": self.fingerprint,
            "seen_in_training": _seen_in_training(self.table["path"], self.models.values()),
            **({"models_of_unknown_training": unknown} if 0 < unknown < len(self.models) else {}),
            "n_recordings": len(self.table),
        }


class Evaluator:
    """Evaluates rows, loading a model once for all rows in sequence that use it.

    Args:
        redo: evaluate again what has been evaluated already.
        on_bad_audio: whether files that cannot be used are an error or are left out and listed.
        audio_cache: where decoded audio is kept, or `None`.
        by: columns of the test sets whose groups are compared, besides `gender`.
        progress: gets an `AudioRead` for what is read and predicted of a row, under the title of the row.
    """

    def __init__(
        self,
        redo: bool = False,
        on_bad_audio: OnBadAudio = "error",
        audio_cache: AudioCache | None = None,
        by: Sequence[str] = (),
        progress: ProgressListener | None = None,
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
        last of all, their reports. What else lies there stays. The card of a model with the folder beside it
        is written again.

        Raises:
            UserError: the model or the test set cannot be read, they do not fit together, or the model gives
                no numbers.
        """
        evaluand = _Evaluand.of(row, self.by)
        if earlier := self._evaluated_before(evaluand):
            return earlier
        with locked(row.eval_out_path):
            # Again, for another process may have done it meanwhile.
            done = self._evaluated_before(evaluand) or self._evaluate_now(evaluand)
        if not evaluand.is_ensemble:
            renew_model_card(next(iter(evaluand.models)), row.eval_out_path)
        return done

    def _evaluate_now(self, evaluand: _Evaluand) -> EvaluatedRow:
        row, task = evaluand.row, evaluand.task
        first, *others = evaluand.models
        self._begin(row, "loading the model")
        with on_devices(_devices_of(evaluand.first)):
            model = self._model(first)
        head = {name: getattr(model, name) for name in model.new_head_arguments}
        truths = [
            target.truth(evaluand.table, head, row.class_choice, str(row.test_csv)) for target in task.targets
        ]
        processing = model.waveform_format.processing
        answers = mean_of([self._answers(evaluand, folder) for folder in (first, *others)])
        self._begin(row, "judging and drawing")
        predictions = Predictions(
            evaluand.table.iloc[list(answers.recordings)],
            dict(answers.decoded),
            evaluand.group_columns,
            evaluand.title,
            dict(answers.skipped),
            {} if evaluand.is_ensemble else evaluand.first.calibration,
        )
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
            "cut_audio": answers.cut,
            "faulty_audio": known_sounds.count_faults(predictions.table["path"]),
            "left_out_audio": len(answers.left_out),
            "long_audio": count_long(predictions.table["path"], processing),
        }
        facts = evaluand.facts | {name: found for name, found in further.items() if found}
        reports = write_results(row.eval_out_path, predictions, results, facts)
        return EvaluatedRow(row, list(zip(evaluand.evaluations, reports, strict=True)), is_new=True)

    def _begin(self, row: EvaluationRow, what: str) -> None:
        if self.progress is not None:
            self.progress(Working(row.title, what))

    def _answers(self, evaluand: _Evaluand, folder: Path) -> Answers:
        provenance = evaluand.models[folder]
        with on_devices(_devices_of(provenance)):
            model = self._model(folder)
            utterances = self._utterances(evaluand.row, evaluand.table, model)
            return answers_of(
                str(folder),
                model,
                provenance,
                utterances,
                evaluand.is_ensemble,
                self.progress,
                evaluand.row.title,
            )

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
        progress = reading_progress(self.progress, row.title)
        try:
            return Utterances.from_files(
                table["path"].tolist(), [0] * len(table), reader, self.on_bad_audio, progress
            )
        except UserError as error:
            raise UserError(f"{row.test_csv}: {error}") from error

    def _model(self, folder: Path) -> Any:
        if self._loaded is None or self._loaded[0] != folder:
            self._loaded = None  # the old model's memory is free before the new one is loaded
            self._loaded = (folder, load_classifier(folder))
        return self._loaded[1]


def _devices_of(provenance: Provenance) -> int:
    """How many devices evaluate a model: those that trained it, as far as they are here."""
    return devices_at_most(provenance.training.get("devices", [1])[-1])


def _seen_in_training(tested: Iterable[str], models: Iterable[Provenance]) -> dict[str, int]:
    """How many of the test recordings were in each part that a model was made with, any of several."""
    keys = recording_keys(tested, by_sound=True)
    known = grouped((part, known) for model in models for part, known in model.recordings.items())
    return {part: count_known(keys, chain.from_iterable(lists)) for part, lists in known.items()}


def _with_names(report: dict[str, Any], names: dict[str, Any], path: Path) -> dict[str, Any]:
    """A report on disk, which takes on other names if it was made under others."""
    if report.items() >= names.items():
        return report
    write_json(path, report | names)
    return report | names


def _evaluation_fingerprint(
    row: EvaluationRow, models: Mapping[Path, Provenance], recordings: list[str]
) -> str:
    """What the results follow from: the models, the list of the test set and its recordings."""
    digest = hashlib.sha256()
    for folder, provenance in models.items():
        path = folder / PROVENANCE_FILE
        facts = read_json(path) if path.is_file() else asdict(provenance)
        for name in ("factors", "layer_curve"):  # names, which may change
            facts["model_config"].pop(name, None)
        digest.update(json.dumps(facts, sort_keys=True).encode())
    digest.update(row.test_csv.read_bytes())
    digest.update(f"{kser.__version__}\n{row.label_map}\n{row.classes}\n".encode())
    if later := f"{row.columns}{row.normalize_metadata}":
        digest.update(f"{later}\n".encode())
    digest.update("".join(recordings).encode())
    return digest.hexdigest()[:16]
