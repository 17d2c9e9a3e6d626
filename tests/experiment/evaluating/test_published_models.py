"""Published checkpoints with a head, and presets saved from Python, as rows of an evaluation CSV."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kser.errors import UserError
from kser.experiment.evaluating.evaluation_csv import read_evaluation_csv
from kser.experiment.evaluating.evaluator import EvaluatedRow, Evaluator
from kser.models import EmotionClassifier, EmotionRegressor
from tests.experiment.evaluated_models import (
    published_classifier,
    published_model,
    report_in,
    write_corpus,
    write_rows,
    write_test_set,
)
from tests.golden import golden_folder
from tests.parity.published_heads import HEADS

DIMENSIONS = ["arousal", "dominance", "valence"]


@pytest.fixture(scope="module")
def test_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    numbers = [str(number) for number in np.linspace(0, 1, 40)]
    write_test_set(folder, write_corpus(folder), dominance=numbers)
    return folder


def evaluated(model: Path, test_set: Path, folder: Path) -> EvaluatedRow:
    rows = write_rows(folder / "rows.csv", [("published", model, test_set, folder / "out")])
    (row,) = read_evaluation_csv(rows)
    return Evaluator().evaluate(row)


@pytest.mark.thorough
@pytest.mark.parametrize("saved_from_python", [False, True])
def test_classifier(test_set: Path, tmp_path: Path, saved_from_python: bool) -> None:
    model = published_classifier(tmp_path / "model")
    if saved_from_python:
        EmotionClassifier.from_preset(model).save_to_preset(str(tmp_path / "preset"))
        model = tmp_path / "preset"
    done = evaluated(model, test_set, tmp_path)
    report = report_in(tmp_path / "out", "classification_report")
    assert (done.is_new, report["n"], report["seed"]) == (True, 40, 0)
    expected = {"anger": "ang", "happiness": "hap", "neutral": "neu", "sadness": "sad"}
    assert report["labels_renamed"] == expected
    assert "what the model was trained on is not known, so that leaks cannot be found" in done.warnings
    assert not evaluated(model, test_set, tmp_path).is_new
    if not saved_from_python:
        weights = load_file(model / "model.safetensors")
        weights["classifier.bias"] += 1
        save_file(weights, model / "model.safetensors")
        assert evaluated(model, test_set, tmp_path).is_new


@pytest.mark.thorough
def test_regressor(test_set: Path, tmp_path: Path) -> None:
    tensors = HEADS["with tanh, out_proj"](32, 3)
    fields = {"problem_type": "regression", "pooling_mode": "mean", "id2label": dict(enumerate(DIMENSIONS))}
    model = published_model(tmp_path / "model", "layer_norm", tensors, **fields)
    assert EmotionRegressor.from_preset(model).targets == DIMENSIONS
    done = evaluated(model, test_set, tmp_path)
    report = report_in(tmp_path / "out", "regression_report")
    assert [entry["target"] for entry in report["per_target"]] == DIMENSIONS
    assert "CCC" in done.headline


def test_checkpoint_without_a_head_is_named(test_set: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"group_norm: holds no model trained by kser .*, and no trained head"
    ):
        evaluated(golden_folder("group_norm"), test_set, tmp_path)


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        ("hubert_large_superb_er", "hubert_large_superb_er"),
        ("superb/hubert-large-superb-er", "superb/hubert-large-superb-er"),
        ("hf://somebody/emotions@main", "somebody/emotions@main"),
    ],
)
def test_published_model_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text(
        f"model_name\tdataset_name\tmodel_path\teval_csv_path\nhubert\tEMOVO\t{cell}\temovo\n"
    )
    (row,) = read_evaluation_csv(tmp_path / "rows.csv")
    assert row.model_path == Path(path)
    assert row.eval_out_path == tmp_path / f"{Path(path).name}_evaluation" / "EMOVO"
    (tmp_path / cell.removeprefix("hf://")).mkdir(parents=True)
    (local,) = read_evaluation_csv(tmp_path / "rows.csv")
    assert local.model_path.is_absolute() is not cell.startswith("hf://")
