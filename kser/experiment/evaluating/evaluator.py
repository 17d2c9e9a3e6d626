"""Evaluating trained models on test sets, row by row of an evaluation CSV."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax

import kser
from kser.corpora.metadata import content_key, read_metadata
from kser.errors import UserError
from kser.experiment.evaluating.evaluation_csv import EvaluationRow
from kser.experiment.evaluating.evaluation_results import kinds_for, results_there, write_results
from kser.experiment.runs.run_lock import filling
from kser.experiment.runs.trained_model import PROVENANCE_FILE, Provenance, load_classifier, load_provenance
from kser.experiment.tasks.evaluation_kind import EvaluationKind, Findings, Heard
from kser.files import read_json, read_text, write_json
from kser.pipeline.audio_cache import AudioCache
from kser.pipeline.batch_plan import plan_in_order
from kser.pipeline.datasets import evaluation_dataset, reader_errors
from kser.pipeline.reading import Progress, WaveformReader
from kser.pipeline.utterances import OnBadAudio, Utterances
from kser.training.fit import for_backend, shared_bucket_lengths

LENGTH_BUCKETS = 4


@dataclass(frozen=True)
class Evaluated:
    """What one row gave.

    Attributes:
        row: the row.
        parts: each kind of answer that was evaluated, with the contents of its report.
        done_now: `False` when the results were there already.
    """

    row: EvaluationRow
    parts: Sequence[tuple[EvaluationKind, dict[str, Any]]]
    done_now: bool

    @property
    def report(self) -> dict[str, Any]:
        """The first report; names, seed, leaks and groups are the same in all."""
        return self.parts[0][1]

    @property
    def headline(self) -> str:
        """The result in a few words."""
        return ", ".join(kind.headline(report) for kind, report in self.parts)

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before believing the numbers, a line each; a leak begins with LEAK."""
        report = self.report
        lines = [
            f"LEAK: {count} of {report['n_recordings']} recordings were in the model's {part} part"
            for part, count in report["seen_in_training"].items()
            if count
        ]
        lines += [line for kind, of in self.parts for line in kind.warnings(of)]
        if skipped := report["skipped_audio"]:
            lines.append(f"left out, files that cannot be used: {len(skipped)}")
        return lines


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

    def evaluate(self, row: EvaluationRow) -> Evaluated:
        """Evaluate one row and write the results to its `eval_out_path`.

        The folder gets predictions.csv, what the kinds of `evaluation_results.kinds_for`
        write and, last of all, their reports. What else lies there stays.

        Raises:
            UserError: the model or the test set cannot be read, they do not fit together, or the model gives
                no numbers.
        """
        provenance = load_provenance(row.model_path)
        kinds = kinds_for(provenance.targets)
        table = _read_test_set(row, provenance)
        recordings = [content_key(path) for path in table["path"]]
        by = [column for column in self.by if column in table]
        factors = provenance.model_config.get("factors", {})
        fingerprint = _evaluation_fingerprint(row, recordings)
        if there := self._evaluated_before(row, factors, kinds, fingerprint, by):
            return there
        with filling(row.eval_out_path):
            # Again, for another process may have done it meanwhile.
            if there := self._evaluated_before(row, factors, kinds, fingerprint, by):
                return there
            return self._evaluated_now(row, provenance, table, recordings, kinds, fingerprint, by)

    def _evaluated_now(
        self,
        row: EvaluationRow,
        provenance: Provenance,
        table: pd.DataFrame,
        recordings: list[str],
        kinds: Sequence[EvaluationKind],
        fingerprint: str,
        by: Sequence[str],
    ) -> Evaluated:
        title = f"{row.model_name} on {row.dataset_name}, seed {provenance.seed}"
        found, heard = self._findings(row, table, kinds, by, title, provenance.model_config["batch_size"])
        common = {
            "model_name": row.model_name,
            "dataset_name": row.dataset_name,
            "model_path": str(row.model_path),
            "test_csv": str(row.test_csv),
            "seed": provenance.seed,
            "factors": provenance.model_config.get("factors", {}),
            "evaluation_fingerprint": fingerprint,
            "seen_in_training": _seen_in_training(recordings, provenance.recordings),
            "n_recordings": len(table),
        }
        reports = write_results(row.eval_out_path, heard, list(zip(kinds, found, strict=True)), common)
        return Evaluated(row, list(zip(kinds, reports, strict=True)), done_now=True)

    def _evaluated_before(
        self,
        row: EvaluationRow,
        factors: dict[str, str],
        kinds: Sequence[EvaluationKind],
        fingerprint: str,
        by: Sequence[str],
    ) -> Evaluated | None:
        """The results on disk, if they are those that would come of evaluating again and may be taken."""
        reports = [] if self.redo else results_there(row.eval_out_path, kinds)
        if not self._still_holds(reports, fingerprint, by):
            return None
        named = [_by_the_names_of(row, factors, *part) for part in zip(kinds, reports, strict=True)]
        return Evaluated(row, list(zip(kinds, named, strict=True)), done_now=False)

    def _findings(
        self,
        row: EvaluationRow,
        table: pd.DataFrame,
        kinds: Sequence[EvaluationKind],
        by: Sequence[str],
        title: str,
        batch_size: int,
    ) -> tuple[list[Findings], Heard]:
        """Let the model hear the test set, and judge what it says."""
        model = self._model(row.model_path)
        truths = [kind.truth(row, table, model) for kind in kinds]
        utterances = self._utterances(row, table, model)
        outputs = predict_outputs(model, utterances, batch_size)
        _check_finite(outputs, row.model_path)
        rows = table.iloc[list(utterances.positions)]
        heard = Heard(rows, outputs, by, title, utterances.skipped)
        try:
            found = [kind.findings(truth, heard, model) for kind, truth in zip(kinds, truths, strict=True)]
        except UserError as error:
            raise UserError(f"{row.test_csv}: {error}") from error
        return found, heard

    def _still_holds(self, reports: Sequence[dict[str, Any]], fingerprint: str, by: Sequence[str]) -> bool:
        """Whether results on disk are those that would come of evaluating again."""
        return bool(reports) and all(
            report.get("evaluation_fingerprint") == fingerprint
            and set(by) <= set(report["subgroups"])
            and (self.on_bad_audio == "skip" or not report["skipped_audio"])
            for report in reports
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


def predict_probabilities(classifier: Any, utterances: Utterances, batch_size: int) -> np.ndarray:
    """Class probabilities of recordings.

    Args:
        classifier: an `EmotionClassifier`.
        utterances: in the format of the classifier, its `waveform_format`.
        batch_size: utterances in a batch.

    Returns:
        float64 array (utterances, labels), in their order.
    """
    return softmax(predict_outputs(classifier, utterances, batch_size)["logits"], axis=1)


def predict_outputs(model: Any, utterances: Utterances, batch_size: int) -> dict[str, np.ndarray]:
    """What a model says of recordings.

    Args:
        model: an `EmotionTask`.
        utterances: in the format of the model, its `waveform_format`.
        batch_size: utterances in a batch.

    Returns:
        "logits" (utterances, labels), "values" (utterances, targets), or both: float64, utterances in their
        order.
    """
    lengths = shared_bucket_lengths([utterances], LENGTH_BUCKETS)
    batches = plan_in_order(utterances.lengths, lengths, batch_size)
    dataset = for_backend(evaluation_dataset(utterances, batches, batch_size))
    with model.ready_made_inputs(), reader_errors():
        predicted = model.predict(dataset, steps=len(batches), verbose=0)
    if not isinstance(predicted, dict):
        predicted = {"logits" if hasattr(model, "labels") else "values": predicted}
    return {name: _in_order(values, batches, batch_size) for name, values in predicted.items()}


def _check_finite(outputs: Mapping[str, np.ndarray], folder: Path) -> None:
    """Every output must be a number: nothing can be judged by NaN or infinity."""
    finite = np.all([np.isfinite(values).all(axis=1) for values in outputs.values()], axis=0)
    if not finite.all():
        raise UserError(
            f"{folder}: the model gives no numbers for {(~finite).sum()} of {len(finite)} recordings"
        )


def _in_order(values: np.ndarray, batches: Sequence[Any], batch_size: int) -> np.ndarray:
    """The rows of batches, whose last places may be empty, in the order of the utterances."""
    in_order = np.empty((sum(len(batch.indices) for batch in batches), values.shape[1]))
    for number, batch in enumerate(batches):
        places = number * batch_size
        in_order[list(batch.indices)] = values[places : places + len(batch.indices)]
    return in_order


def _read_test_set(row: EvaluationRow, provenance: Provenance) -> pd.DataFrame:
    """The metadata of a test set; the class must be there, numbers and labels are read by their kinds."""
    if not row.test_csv.is_file():
        raise UserError(f"{row.test_csv}: no such file; eval_csv_path is a folder that holds test.csv")
    class_column = provenance.targets.class_column
    return read_metadata(
        row.test_csv,
        () if class_column is None else class_column,
        _input_column(row.test_csv, provenance),
    )


def _seen_in_training(tested: list[str], recordings: dict[str, list[str]]) -> dict[str, int]:
    """How many of the test recordings were in each part that the model was made with."""
    return {part: int(pd.Series(tested).isin(known).sum()) for part, known in recordings.items()}


def _input_column(test_csv: Path, provenance: Provenance) -> str:
    """The column with the audio: `path`, as kser writes it, else as the model's training corpus had it."""
    header = read_text(test_csv).partition("\n")[0]
    columns = [name.strip().strip('"') for name in re.split(r"[,;\t]", header)]
    return "path" if "path" in columns else provenance.model_config["input_column"]


def _by_the_names_of(
    row: EvaluationRow, factors: dict[str, str], kind: EvaluationKind, report: dict[str, Any]
) -> dict[str, Any]:
    """A report on disk, which learns the row's names and the model's factors if it was made under others."""
    names = {"model_name": row.model_name, "dataset_name": row.dataset_name, "factors": factors}
    if report.items() >= names.items():
        return report
    write_json(row.eval_out_path / kind.report.file, report | names)
    return report | names


def _evaluation_fingerprint(row: EvaluationRow, recordings: list[str]) -> str:
    """What the results follow from: the model, the list of the test set and its recordings."""
    facts = read_json(row.model_path / PROVENANCE_FILE)
    facts["model_config"].pop("factors", None)  # names, which may change
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(row.test_csv.read_bytes())
    digest.update(f"{kser.__version__}\n{row.label_map}\n{row.classes}\n".encode())
    digest.update("".join(recordings).encode())
    return digest.hexdigest()[:16]
