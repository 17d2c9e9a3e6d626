"""Evaluating trained models on test sets, row by row of an evaluation CSV."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax

from kser.corpora.metadata import content_key, read_metadata
from kser.errors import UserError
from kser.evaluation.metrics import classification_report, confusion_matrix
from kser.evaluation.plots import plot_confusion_matrix
from kser.experiment.evaluation_csv import EvaluationRow
from kser.experiment.trained_model import PROVENANCE_FILE, Provenance, load_classifier, load_provenance
from kser.experiment.training_run import waveform_format_of
from kser.files import read_json, read_text, replacing, write_json
from kser.pipeline.batch_plan import plan_in_order
from kser.pipeline.datasets import evaluation_dataset, reader_errors
from kser.pipeline.utterances import Utterances
from kser.training.fit import for_backend, shared_bucket_lengths

REPORT_FILE = "classification_report.json"
LENGTH_BUCKETS = 4


@dataclass(frozen=True)
class Evaluated:
    """What one row gave.

    Attributes:
        row: the row.
        report: contents of classification_report.json.
        done_now: `False` when the results were there already.
    """

    row: EvaluationRow
    report: dict[str, Any]
    done_now: bool

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before believing the numbers, a line each."""
        report = self.report
        title = f"{self.row.model_name} on {self.row.dataset_name} ({self.row.model_path})"
        recordings = report["n"] + report["n_excluded"]
        lines = []
        for part, count in report["seen_in_training"].items():
            if count:
                lines.append(
                    f"LEAK: {title}: {count} of {recordings} recordings were in the model's {part} part"
                )
        if report["labels_unknown_to_model"]:
            names = ", ".join(f"{of['label']} ({of['support']})" for of in report["labels_unknown_to_model"])
            lines.append(f"{title}: left out, the model does not know these classes: {names}")
        if report["labels_without_samples"]:
            lines.append(
                f"{title}: the test set has no utterance of: {', '.join(report['labels_without_samples'])}"
            )
        return lines


class Evaluator:
    """Evaluates rows, loading a model once for all rows in sequence that use it.

    Args:
        redo: evaluate again what has been evaluated already.
    """

    def __init__(self, redo: bool = False):
        self.redo = redo
        self._loaded: tuple[Path, Any] | None = None

    def evaluate(self, row: EvaluationRow) -> Evaluated:
        """Evaluate one row and write the results to its `eval_out_path`.

        The folder gets predictions.csv, confusion_matrix.csv and .png, and, last of all,
        classification_report.json. What else lies there stays.

        Raises:
            UserError: the model or the test set cannot be read.
        """
        provenance = load_provenance(row.model_path)
        if not row.test_csv.is_file():
            raise UserError(f"{row.test_csv}: no such file; eval_csv_path is a folder that holds test.csv")
        label_column = provenance.label_column
        table = read_metadata(row.test_csv, label_column, _input_column(row.test_csv, provenance))
        recordings = [content_key(path) for path in table["path"]]
        fingerprint = _evaluation_fingerprint(row, recordings)
        report_path = row.eval_out_path / REPORT_FILE
        if report_path.is_file() and not self.redo:
            report = read_json(report_path)
            if isinstance(report, dict) and report.get("evaluation_fingerprint") == fingerprint:
                return Evaluated(row, report, done_now=False)
        classifier = self._classifier(row.model_path)
        labels = classifier.labels
        probabilities = predict_probabilities(
            classifier, table["path"].tolist(), provenance.model_config["batch_size"]
        )
        predicted = [labels[i] for i in probabilities.argmax(axis=1)]
        outcome = {"y_true": table[label_column], "y_pred": predicted, "labels": labels}
        try:
            measures = classification_report(**outcome)
        except UserError as error:
            raise UserError(f"{row.test_csv}: {error}") from None
        report = {
            "model_name": row.model_name,
            "dataset_name": row.dataset_name,
            "model_path": str(row.model_path),
            "test_csv": str(row.test_csv),
            "seed": provenance.seed,
            "evaluation_fingerprint": fingerprint,
            "seen_in_training": _seen_in_training(recordings, provenance.recordings),
            **measures,
        }
        matrix = confusion_matrix(**outcome)
        predictions = _predictions_table(table, label_column, predicted, probabilities, labels)
        with replacing(row.eval_out_path / "predictions.csv") as draft:
            predictions.to_csv(draft, index=False)
        with replacing(row.eval_out_path / "confusion_matrix.csv") as draft:
            matrix.to_csv(draft)
        title = f"{row.model_name} on {row.dataset_name}, seed {provenance.seed}"
        plot_confusion_matrix(matrix, row.eval_out_path / "confusion_matrix.png", title=title)
        write_json(report_path, report)
        return Evaluated(row, report, done_now=True)

    def _classifier(self, folder: Path) -> Any:
        if self._loaded is None or self._loaded[0] != folder:
            self._loaded = None  # the old model's memory is free before the new one is loaded
            self._loaded = (folder, load_classifier(folder))
        return self._loaded[1]


def predict_probabilities(classifier: Any, paths: list[str], batch_size: int) -> np.ndarray:
    """Class probabilities of audio files.

    Args:
        classifier: an `EmotionClassifier`.
        paths: audio files.
        batch_size: utterances in a batch.

    Returns:
        float64 array (files, labels), rows in the order of `paths`.
    """
    utterances = Utterances.from_files(paths, [0] * len(paths), waveform_format_of(classifier))
    lengths = shared_bucket_lengths([utterances], LENGTH_BUCKETS)
    batches = plan_in_order(utterances.lengths, lengths, batch_size)
    dataset = for_backend(evaluation_dataset(utterances, batches, batch_size))
    with classifier.ready_made_inputs(), reader_errors():
        logits = classifier.predict(dataset, steps=len(batches), verbose=0)
    in_order = np.empty((len(paths), logits.shape[1]))
    for number, batch in enumerate(batches):
        places = number * batch_size
        in_order[list(batch.indices)] = logits[places : places + len(batch.indices)]
    return softmax(in_order, axis=1)


def _predictions_table(
    table: pd.DataFrame, label_column: str, predicted: list[str], probabilities: np.ndarray, labels: list[str]
) -> pd.DataFrame:
    predictions = table[["utterance", "actor", "gender", label_column]].copy()
    predictions["predicted"] = predicted
    for position, label in enumerate(labels):
        predictions[f"p_{label}"] = probabilities[:, position].round(6)
    return predictions


def _seen_in_training(tested: list[str], recordings: dict[str, list[str]]) -> dict[str, int]:
    """How many of the test recordings were in each part that the model was made with."""
    return {part: int(pd.Series(tested).isin(known).sum()) for part, known in recordings.items()}


def _input_column(test_csv: Path, provenance: Provenance) -> str:
    """The column with the audio: `path`, as kser writes it, else as the model's training corpus had it."""
    header = read_text(test_csv).partition("\n")[0]
    columns = [name.strip().strip('"') for name in re.split(r"[,;\t]", header)]
    return "path" if "path" in columns else provenance.model_config["input_column"]


def _evaluation_fingerprint(row: EvaluationRow, recordings: list[str]) -> str:
    """What the results follow from: the model, the list of the test set and its recordings."""
    digest = hashlib.sha256((row.model_path / PROVENANCE_FILE).read_bytes())
    digest.update(row.test_csv.read_bytes())
    digest.update("".join(recordings).encode())
    return digest.hexdigest()[:16]
