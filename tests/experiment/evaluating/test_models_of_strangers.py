"""A model folder names modules in its records; none of them is imported, whatever the model is used for."""

import json
from pathlib import Path

import pytest

from kser.experiment.config.loading import load_experiment
from kser.experiment.study.evaluation import evaluate
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment
from tests.experiment.evaluated_models import save_model, write_corpus, write_rows, write_test_set


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model whose records name a module that writes a file when it is imported."""
    folder = save_model(tmp_path / "model", "class")
    (folder / "planted.py").write_text(
        f"open({str(tmp_path / 'imported')!r}, 'w').close()\nclass Noise: pass\n"
    )
    augmentation = {"augmentations": {"noise": {"module": str(folder / "planted.py"), "class": "Noise"}}}
    facts = json.loads((folder / "kser.json").read_text())
    facts |= {"augmentation": augmentation, "settings": augmentation}
    facts["model_config"] |= {"factors": {"module": str(folder / "planted.py")}}
    (folder / "kser.json").write_text(json.dumps(facts))
    return folder


@pytest.mark.thorough
def test_when_it_is_evaluated(model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    write_test_set(tmp_path / "set", write_corpus(corpus))
    evaluate(write_rows(tmp_path / "rows.csv", [("m", model, tmp_path / "set", tmp_path / "out")]))
    assert (tmp_path / "out" / "classification_report.json").is_file()
    assert not (tmp_path / "imported").exists()


@pytest.mark.thorough
def test_when_its_training_is_continued(model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    experiment = write_experiment(tmp_path, write_corpus(corpus), ["log_mel"], run_eval=False)
    continued = {"model_path_or_name": str(model), "continue_model_training": True}
    fields = {"name": "continued", "number_of_training_epochs": 1}
    (tmp_path / "models" / "log_mel.json").write_text(json.dumps(fields | continued))
    train_experiment(load_experiment(experiment))
    assert (tmp_path / "results" / "small" / "continued" / "seed_0" / "model" / "kser.json").is_file()
    assert not (tmp_path / "imported").exists()
