"""Write the small study that kser 0.1.0 trained, evaluated and tested, as later versions must find it.

Run by hand with kser 0.1.0 in front of this one, on JAX:
`PYTHONPATH=CHECKOUT_OF_0_1_0 python tests/golden/make_study_0_1_0.py`. It writes `study_0_1_0.zip` beside it,
in which `{folder}` stands for the folder of the study; pictures are empty files.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "jax", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}

import numpy as np
import soundfile
import soxr

import kser
from kser.corpora.metadata import read_metadata
from kser.corpora.synthetic import write_synthetic_corpus

ARCHIVE = Path(__file__).parent / "study_0_1_0.zip"
SAMPLING_RATE, SECONDS = 8_000, 0.25
CLASSES = ("anger", "neutral", "sadness")
FURTHER_SPEAKERS = ("f5", "m5")
# Where each class lies, in the units of a questionnaire from 1 to 7.
AROUSAL = {"anger": 6.0, "neutral": 4.0, "sadness": 2.0}
VALENCE = {"anger": 2.0, "neutral": 4.5, "sadness": 2.5}

MODEL = {
    "model_path_or_name": "scratch:log_mel",
    "backbone_arguments": {"filters": [6], "kernel_sizes": [5], "num_mel_bins": 20},
    "per_device_batch_size": 4,
    "gradient_accumulation_steps": 1,
    "learning_rate": 3e-3,
    "number_of_training_epochs": 3,
}
MODELS = {
    "classes": {"use_batch_norm": True, "use_dropout": True, "factors": {"learns": "classes"}},
    "classes_and_numbers": {
        "regression_columns": ["arousal", "valence"],
        "pooling_mode": "att_stats",
        "factors": {"learns": "more"},
    },
}
# Models of the kinds that the study has not, of one seed each.
FURTHER_MODELS = {
    "labels": {"is_multi_label": True, "output_column": ["tense", "low"], "use_positive_weights": True},
    "numbers": {"is_regression": True, "output_column": ["arousal", "valence"], "use_l2_reg": True},
}


def write_corpora(folder: Path) -> None:
    """A quarter of a second of one utterance of each speaker and class, and what listeners say of it."""
    with tempfile.TemporaryDirectory() as whole:
        table = read_metadata(write_synthetic_corpus(Path(whole) / "corpus"))
        table = table[table["class_id"].isin(CLASSES)].drop_duplicates(["actor", "class_id"])
        (folder / "audio").mkdir(parents=True)
        names = []
        for row in table.itertuples():
            samples, rate = soundfile.read(row.path)
            samples = soxr.resample(samples, rate, SAMPLING_RATE)
            start = len(samples) // 3
            names.append(f"audio/{row.actor}_{row.class_id}.flac")
            soundfile.write(
                folder / names[-1],
                samples[start : start + int(SECONDS * SAMPLING_RATE)],
                SAMPLING_RATE,
                subtype="PCM_16",
            )
    rng = np.random.default_rng(0)
    table = table[["class_id", "actor", "gender"]].assign(path=names)
    arousal = table["class_id"].map(AROUSAL) + rng.normal(scale=0.5, size=len(table)).round(2)
    valence = table["class_id"].map(VALENCE) + rng.normal(scale=0.5, size=len(table)).round(2)
    table["arousal"], table["valence"] = arousal.round(2), valence.round(2).astype(str)
    table["tense"], table["low"] = (arousal > 4).astype(int), (valence < 3.5).astype(int)
    table.iloc[3, table.columns.get_loc("valence")] = ""  # nobody said
    further = table["actor"].isin(FURTHER_SPEAKERS)
    table[~further].to_csv(folder / "metadata.csv", index=False)
    (folder / "further").mkdir()
    table[further].assign(path="../" + table["path"]).to_csv(folder / "further" / "test.csv", index=False)


def write_experiment(folder: Path, name: str, models: dict, seeds: int) -> None:
    (folder / f"models_of_{name}").mkdir()
    for model, fields in models.items():
        write_json(folder / f"models_of_{name}" / f"{model}.json", MODEL | {"name": model} | fields)
    experiment = {
        "experiment_name": name,
        "output_path": "runs",
        "experiment_results_output_path": "results",
        "model_files": f"models_of_{name}",
        "training_dataset": {"name": "own", "data_csv": "metadata.csv"},
        "datasets": [{"name": "further", "eval_csv_path": "further"}],
        "cross_validation": seeds,
        "eval_steps": 2,
        "logging_steps": 1,
        "length_buckets": 1,
    }
    write_json(folder / f"{name}.json", experiment)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")


def kser_command(*arguments: str, folder: Path) -> None:
    command = [sys.executable, "-c", "from kser.cli import main; main()", *arguments]
    subprocess.run(command, cwd=folder, check=True)


def main() -> None:
    assert kser.__version__ == "0.1.0", kser.__file__
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "study"
        write_corpora(folder)
        write_experiment(folder, "study", MODELS, 2)
        write_experiment(folder, "further_kinds", FURTHER_MODELS, 1)
        for name in ("study", "further_kinds"):
            kser_command("train", "--experiment_file", f"{name}.json", folder=folder)
        kser_command("stats", "--input_path", "results/study", folder=folder)
        with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                content = path.read_bytes()
                if path.suffix in {".csv", ".json", ".md"}:
                    content = content.replace(str(folder).encode(), b"{folder}")
                elif path.suffix == ".png":
                    content = b""
                archive.writestr(path.relative_to(folder).as_posix(), content)
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
