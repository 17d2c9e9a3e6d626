"""A study on disk as `kser train` and `kser eval` leave it, made up without training anything."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

from kser.evaluation.metrics import classification_report, confusion_matrix
from kser.evaluation.multi_label import multi_label_report
from kser.evaluation.regression import regression_report
from kser.evaluation.speaker_bootstrap import Resampling
from kser.experiment.config.model_config import ModelConfig

LABELS = ("anger", "joy", "sadness")
TARGETS = ("arousal", "valence")
SPEAKERS = tuple(f"{gender}{i}" for gender in "fm" for i in range(5))
PER_CELL = 2
RATE = 8_000


def write_study(
    folder: Path,
    *,
    name: str = "study",
    models: tuple[str, ...] = ("small", "large"),
    datasets: tuple[str, ...] = ("own", "other"),
    seeds: int = 3,
    labels: tuple[str, ...] = LABELS,
    logs: bool = False,
    audio: bool = False,
    older_version: bool = False,
    answers: tuple[str, ...] = ("classes",),
    description: str = "",
) -> Path:
    """Write results/NAME, and with `logs` runs/NAME, to a folder; the first data set is the training corpus.

    Models give `answers`: "classes", "numbers", both, or "labels" (of `labels`). An `older_version` wrote
    reports without intervals, calibration and groups.
    """
    table = _recordings(folder / "corpus", labels, audio)
    for number, model in enumerate(models):
        for seed in range(seeds):
            run = folder / "results" / name / model / f"seed_{seed}"
            write_json(run / "model" / "kser.json", _provenance(model, seed, datasets[0], description))
            write_json(run / "split" / "split.json", _split(seed, labels))
            for dataset in datasets:
                rng = np.random.default_rng([number, seed, len(dataset)])
                _write_evaluation(
                    run / "evaluation" / dataset,
                    {"model_name": model, "dataset_name": dataset, "seed": seed},
                    table,
                    folder / "corpus" / "test.csv",
                    labels,
                    0.45 + 0.25 * number,
                    rng,
                    older_version,
                    answers,
                )
            if logs:
                _write_log(
                    folder / "runs" / name / model / f"seed_{seed}" / "log.csv", seed, _METRIC[answers[0]]
                )
    return folder / "results" / name


def write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def change_report(report: Path, **fields) -> None:
    """Overwrite fields of a classification_report.json; `None` takes one away."""
    value = json.loads(report.read_text(encoding="utf-8")) | fields
    write_json(report, {key: entry for key, entry in value.items() if entry is not None})


def reports_of(results: Path, model: str = "*", seed: str = "*", dataset: str = "*") -> list[Path]:
    return sorted(results.glob(f"{model}/seed_{seed}/evaluation/{dataset}/classification_report.json"))


def _recordings(folder: Path, labels, audio: bool) -> pd.DataFrame:
    rows = [
        (f"{speaker}_{c}_{take}.wav", label, speaker, "female" if speaker[0] == "f" else "male")
        for speaker in SPEAKERS
        for c, label in enumerate(labels)
        for take in range(PER_CELL)
    ]
    table = pd.DataFrame(rows, columns=["path", "class_id", "actor", "gender"])
    folder.mkdir(parents=True)
    table.to_csv(folder / "test.csv", index=False)
    if audio:
        tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(11 * RATE) / RATE)
        for i, path in enumerate(table["path"]):
            sf.write(folder / path, tone if i == 0 else tone[:RATE], RATE)
    return table


def _write_evaluation(folder, identity, table, test_csv, labels, skill, rng, older_version, answers) -> None:
    common = {
        **identity,
        "test_csv": str(test_csv),
        "factors": {},
        "seen_in_training": {"train": 0, "validation": 0},
        "n_recordings": len(table),
        "skipped_audio": {},
    }
    drawing = (
        {}
        if older_version
        else {
            "speakers": table["actor"].tolist(),
            "groups": {"gender": table["gender"].tolist()},
            "resampling": Resampling(resamples=50),
        }
    )
    tables = [table.rename(columns={"path": "utterance"})[["utterance", "actor", "gender"]]]
    for answer in answers:
        write = {"classes": _classes, "numbers": _numbers, "labels": _labels}[answer]
        tables.append(write(folder, common, drawing, table, labels, skill, rng))
    pd.concat(tables, axis=1).to_csv(folder / "predictions.csv", index=False)


def _classes(folder, common, drawing, table, labels, skill, rng) -> pd.DataFrame:
    true = table["class_id"].to_numpy()
    codes = table["class_id"].map({label: i for i, label in enumerate(labels)}).to_numpy()
    right = rng.random(len(true)) < skill
    logits = rng.normal(size=(len(true), len(labels)))
    logits[np.arange(len(true)), codes] += np.where(right, 4.0, -1.0)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    predicted = [labels[i] for i in probabilities.argmax(axis=1)]
    outcome = {"y_true": true.tolist(), "y_pred": predicted, "labels": list(labels)}
    more = {"probabilities": probabilities, **drawing} if drawing else {}
    write_json(
        folder / "classification_report.json",
        {
            **common,
            **classification_report(**outcome, **more),
            "labels_renamed": {},
            "labels_left_out": {},
        },
    )
    confusion_matrix(**outcome).to_csv(folder / "confusion_matrix.csv")
    columns = pd.DataFrame({"class_id": true, "true": true, "predicted": predicted})
    for i, label in enumerate(labels):
        columns[f"p_{label}"] = probabilities[:, i].round(6)
    return columns


def _numbers(folder, common, drawing, table, labels, skill, rng) -> pd.DataFrame:
    true = rng.uniform(1, 7, size=(len(table), len(TARGETS)))
    predicted = 4 + skill * (true - 4) + rng.normal(scale=1 - skill, size=true.shape)
    true[0, 0] = np.nan
    report = regression_report(y_true=true, y_pred=predicted, targets=TARGETS, **drawing)
    write_json(folder / "regression_report.json", {**common, **report})
    sides = {"true": true, "predicted": predicted}
    return pd.DataFrame(
        {
            f"{side}_{target}": values[:, i]
            for i, target in enumerate(TARGETS)
            for side, values in sides.items()
        }
    )


def _labels(folder, common, drawing, table, labels, skill, rng) -> pd.DataFrame:
    true = rng.random((len(table), len(labels))) < 0.4
    probabilities = np.clip(0.2 + skill * 0.6 * true + rng.uniform(0, 0.3, size=true.shape), 0, 1)
    report = multi_label_report(y_true=true, probabilities=probabilities, labels=labels, **drawing)
    write_json(folder / "multi_label_report.json", {**common, **report})
    return pd.DataFrame(probabilities, columns=[f"p_{label}" for label in labels])


_METRIC = {"classes": "val_uar", "numbers": "val_ccc", "labels": "val_f1score"}


def _write_log(path: Path, seed: int, metric: str) -> None:
    path.parent.mkdir(parents=True)
    rows = [
        f"{step},{1.2 - step / 60:.3f},{1.3 - step / 80 + seed / 50:.3f},{0.3 + step / 100:.3f}"
        for step in range(0, 40, 10)
    ]
    path.write_text("\n".join([f"step,loss,val_loss,{metric}", *rows, ""]))


def _split(seed: int, labels) -> dict:
    parts = [
        {
            "part": part,
            "utterances": count * len(labels),
            "speakers": speakers,
            "female speakers": speakers // 2,
            "male speakers": speakers // 2,
            **dict.fromkeys(labels, count),
        }
        for part, count, speakers in (("train", 40 + seed, 8), ("validation", 10, 2), ("test", 10, 2))
    ]
    return {
        "fingerprint": f"{seed:016x}",
        "scheme": "speaker",
        "shared_speakers": 0,
        "parts": parts,
        "labels_renamed": {"W": labels[0]},
        "left_out": {},
        "skipped_audio": 0,
    }


def _provenance(model: str, seed: int, corpus: str, description: str) -> dict:
    config = ModelConfig(
        name=model,
        model_path_or_name="scratch:log_mel",
        learning_rate=1e-3,
        backbone_arguments={"filters": [8, 8, 8]},
        use_batch_norm=model == "large",
    )
    return {
        "run_fingerprint": "0" * 16,
        "kser_version": "0.1.0",
        "keras_version": "3.15.1",
        "backend": "jax",
        "experiment_name": "study",
        "experiment_description": description,
        "training_dataset": corpus,
        "seed": seed,
        "model_config": config.model_dump(),
        "audio": {"sampling_rate": 16000, "channels": "mean", "loudness_lufs": -23.0, "trim_db": None},
        "augmentation": {},
        "label_column": "class_id",
        "split_fingerprint": f"{seed:016x}",
        "training": {"updates": 30, "best_step": 20 + seed, "best_loss": 0.9, "seconds": 90.0},
    }
