"""Evaluating trained models on test sets, row by row of an evaluation CSV."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax

import kser
from kser.corpora.emotions import LabelMapping, map_to_model
from kser.corpora.metadata import content_key, read_metadata
from kser.errors import UserError
from kser.experiment.evaluation_csv import REPORT_FILE, EvaluationRow
from kser.experiment.evaluation_results import measures_of, results_there, write_results
from kser.experiment.trained_model import PROVENANCE_FILE, Provenance, load_classifier, load_provenance
from kser.experiment.training_run import waveform_format_of
from kser.files import read_text, write_json
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
        report: contents of classification_report.json.
        done_now: `False` when the results were there already.
    """

    row: EvaluationRow
    report: dict[str, Any]
    done_now: bool

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before believing the numbers, a line each; a leak begins with LEAK."""
        report = self.report
        lines = [
            f"LEAK: {count} of {report['n_recordings']} recordings were in the model's {part} part"
            for part, count in report["seen_in_training"].items()
            if count
        ]
        if renamed := report["labels_renamed"]:
            names = ", ".join(f"{old} → {new}" for old, new in renamed.items())
            lines.append(f"classes by the model's names: {names}")
        if unknown := report["labels_unknown_to_model"]:
            names = ", ".join(f"{of['label']} ({of['support']})" for of in unknown)
            lines.append(f"left out, the model does not know these classes: {names}")
        if left_out := report["labels_left_out"]:
            names = ", ".join(f"{label} ({count})" for label, count in left_out.items())
            lines.append(f"left out, as label_map and classes say: {names}")
        if absent := report["labels_without_samples"]:
            lines.append(f"the test set has no utterance of: {', '.join(absent)}")
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

        The folder gets what `kser.experiment.evaluation_results` writes and, last of all,
        classification_report.json. What else lies there stays.

        Raises:
            UserError: the model or the test set cannot be read.
        """
        provenance = load_provenance(row.model_path)
        label_column = provenance.label_column
        if not row.test_csv.is_file():
            raise UserError(f"{row.test_csv}: no such file; eval_csv_path is a folder that holds test.csv")
        table = read_metadata(row.test_csv, label_column, _input_column(row.test_csv, provenance))
        recordings = [content_key(path) for path in table["path"]]
        by = [column for column in self.by if column in table]
        fingerprint = _evaluation_fingerprint(row, recordings)
        report_path = row.eval_out_path / REPORT_FILE
        if not self.redo:
            report = results_there(row.eval_out_path)
            if self._still_holds(report, fingerprint, by):
                return Evaluated(row, _by_the_names_of(row, report), done_now=False)
        classifier = self._classifier(row.model_path)
        names = map_to_model(
            table[label_column],
            classifier.labels,
            row.new_names(),
            row.kept_classes(),
            source=str(row.test_csv),
        )
        utterances = self._utterances(row, table, classifier)
        probabilities = predict_probabilities(classifier, utterances, provenance.model_config["batch_size"])
        heard = _heard(table, utterances, names, probabilities, classifier.labels)
        if heard["true"].isna().all():
            raise UserError(
                f"{row.test_csv}: {label_column}: no utterance of a class that the model knows "
                f"({', '.join(classifier.labels)})"
            )
        measures = measures_of(heard, probabilities, classifier.labels, by)
        report = {
            "model_name": row.model_name,
            "dataset_name": row.dataset_name,
            "model_path": str(row.model_path),
            "test_csv": str(row.test_csv),
            "seed": provenance.seed,
            "factors": provenance.model_config.get("factors", {}),
            "evaluation_fingerprint": fingerprint,
            "seen_in_training": _seen_in_training(recordings, provenance.recordings),
            "n_recordings": len(table),
            **measures,
            "n_excluded": len(table) - measures["n"],
            **_what_became_of_labels(names),
            "skipped_audio": utterances.skipped,
        }
        title = f"{row.model_name} on {row.dataset_name}, seed {provenance.seed}"
        folder = row.eval_out_path
        write_results(folder, heard, probabilities, classifier.labels, label_column, measures, title)
        write_json(report_path, report)
        return Evaluated(row, report, done_now=True)

    def _still_holds(self, report: dict[str, Any], fingerprint: str, by: Sequence[str]) -> bool:
        """Whether results on disk are those that would come of evaluating again."""
        return (
            report.get("evaluation_fingerprint") == fingerprint
            and set(by) <= set(report["subgroups"])
            and (self.on_bad_audio == "skip" or not report["skipped_audio"])
        )

    def _utterances(self, row: EvaluationRow, table: pd.DataFrame, classifier: Any) -> Utterances:
        """The test set's recordings, read as the model was trained on them."""
        reader = WaveformReader(waveform_format_of(classifier), self.audio_cache)
        try:
            return Utterances.from_files(
                table["path"].tolist(), [0] * len(table), reader, self.on_bad_audio, self.progress
            )
        except UserError as error:
            raise UserError(f"{row.test_csv}: {error}") from error

    def _classifier(self, folder: Path) -> Any:
        if self._loaded is None or self._loaded[0] != folder:
            self._loaded = None  # the old model's memory is free before the new one is loaded
            self._loaded = (folder, load_classifier(folder))
        return self._loaded[1]


def predict_probabilities(classifier: Any, utterances: Utterances, batch_size: int) -> np.ndarray:
    """Class probabilities of recordings.

    Args:
        classifier: an `EmotionClassifier`.
        utterances: in the format of the classifier, see `waveform_format_of`.
        batch_size: utterances in a batch.

    Returns:
        float64 array (utterances, labels), in their order.
    """
    lengths = shared_bucket_lengths([utterances], LENGTH_BUCKETS)
    batches = plan_in_order(utterances.lengths, lengths, batch_size)
    dataset = for_backend(evaluation_dataset(utterances, batches, batch_size))
    with classifier.ready_made_inputs(), reader_errors():
        logits = classifier.predict(dataset, steps=len(batches), verbose=0)
    in_order = np.empty((len(utterances), logits.shape[1]))
    for number, batch in enumerate(batches):
        places = number * batch_size
        in_order[list(batch.indices)] = logits[places : places + len(batch.indices)]
    return softmax(in_order, axis=1)


def _heard(
    table: pd.DataFrame,
    utterances: Utterances,
    names: LabelMapping,
    probabilities: np.ndarray,
    labels: list[str],
) -> pd.DataFrame:
    """The rows that were heard, with the true class by the model's name (NaN: left out) and its answer."""
    heard = list(utterances.positions)
    return table.iloc[heard].assign(
        true=names.labels.iloc[heard], predicted=[labels[i] for i in probabilities.argmax(axis=1)]
    )


def _what_became_of_labels(names: LabelMapping) -> dict[str, Any]:
    unknown = {name: n for name, n in names.left_out.items() if name not in names.asked_out}
    return {
        "labels_renamed": names.mapped,
        "labels_unknown_to_model": [{"label": name, "support": n} for name, n in unknown.items()],
        "labels_left_out": {name: names.left_out[name] for name in names.asked_out},
    }


def _seen_in_training(tested: list[str], recordings: dict[str, list[str]]) -> dict[str, int]:
    """How many of the test recordings were in each part that the model was made with."""
    return {part: int(pd.Series(tested).isin(known).sum()) for part, known in recordings.items()}


def _input_column(test_csv: Path, provenance: Provenance) -> str:
    """The column with the audio: `path`, as kser writes it, else as the model's training corpus had it."""
    header = read_text(test_csv).partition("\n")[0]
    columns = [name.strip().strip('"') for name in re.split(r"[,;\t]", header)]
    return "path" if "path" in columns else provenance.model_config["input_column"]


def _by_the_names_of(row: EvaluationRow, report: dict[str, Any]) -> dict[str, Any]:
    """A report on disk, which learns the names of the row if it was made under others."""
    names = {"model_name": row.model_name, "dataset_name": row.dataset_name}
    if report.items() >= names.items():
        return report
    write_json(row.eval_out_path / REPORT_FILE, report | names)
    return report | names


def _evaluation_fingerprint(row: EvaluationRow, recordings: list[str]) -> str:
    """What the results follow from: the model, the list of the test set and its recordings."""
    digest = hashlib.sha256((row.model_path / PROVENANCE_FILE).read_bytes())
    digest.update(row.test_csv.read_bytes())
    digest.update(f"{kser.__version__}\n{row.label_map}\n{row.classes}\n".encode())
    digest.update("".join(recordings).encode())
    return digest.hexdigest()[:16]
