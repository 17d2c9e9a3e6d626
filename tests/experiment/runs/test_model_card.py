"""The card of a trained model says what its run's folder says, and changes nothing that is known of it."""

import json
from dataclasses import replace

import pytest
import yaml

from kser.checkpoints.locate import local_files
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.model_card import model_card, renew_model_card, write_model_card
from kser.experiment.runs.trained_model import load_provenance
from kser.experiment.study.evaluation import evaluate
from kser.models import EmotionTask
from tests.experiment.evaluated_models import save_model, write_corpus, write_rows
from tests.experiment.runs.test_trained_model import PROVENANCE

PARTS = {"train": ("01", "02"), "validation": ("03",), "test": ("04",)}


def provenance(**fields):
    model = ModelConfig(model_path_or_name="wav2vec2_base", name="w", freeze_layers="all")
    facts = {
        "training_dataset": "EmoDB",
        "experiment_name": "study",
        "kser_version": "9.8.7",
        "model_config": model.model_dump(),
    }
    return replace(PROVENANCE, **facts | fields)


@pytest.fixture
def run(tmp_path):
    split = tmp_path / "split"
    split.mkdir()
    for part, speakers in PARTS.items():
        (split / f"{part}.csv").write_text("path,actor\n" + "".join(f"a.wav,{name}\n" for name in speakers))
    counts = [{"part": part, "utterances": len(speakers), "anger": 1} for part, speakers in PARTS.items()]
    (split / "split.json").write_text(
        json.dumps({"scheme": "speaker", "shared_speakers": 0, "parts": counts})
    )
    return tmp_path


def write_report(run, name, **fields):
    folder = run / "evaluation" / name
    folder.mkdir(parents=True)
    report = {"dataset_name": name, "n": 7, "uar": 0.5, "intervals": {"uar": [0.25, 0.75], "level": 0.95}}
    (folder / "classification_report.json").write_text(json.dumps(report | fields))


def front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


def test_the_card_has_split_settings_and_results(run):
    write_report(run, "EmoDB")
    card = model_card(provenance(), run)
    for line in (
        "- train: 01, 02",
        "- test: 04",
        "| train | 2 | 1 |",
        '| `freeze_layers` | `"all"` |',
        "| EmoDB | UAR | 0.500 | 0.250 to 0.750 (95%) | 7 |",
        "| EmoDB | WA | not defined | none | 7 |",
        "No speaker is in two parts.",
    ):
        assert line in card
    assert "kser 9.8.7" in card
    facts = front_matter(card)
    assert (facts["license"], facts["base_model"]) == ("apache-2.0", "facebook/wav2vec2-base")
    assert (facts["language"], facts["metrics"]) == (["de"], ["uar"])
    assert facts["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.5


def test_what_is_not_known_is_not_claimed(run):
    model = ModelConfig(model_path_or_name=str(run / "mine"), name="w").model_dump()
    card = model_card(provenance(model_config=model, training_dataset="ours"), run)
    assert not front_matter(card).keys() & {"license", "language", "base_model"}
    assert "`mine` (licence not known to kser)" in card
    assert str(run) not in card
    assert "has not been evaluated yet" in card


def test_the_mean_of_several_models_is_no_result_of_this_one(run):
    write_report(run, "mean", models=["a", "b"])
    assert "has not been evaluated yet" in model_card(provenance(), run)


@pytest.mark.parametrize("kind", ["class", "numbers", "class and numbers", "labels"])
def test_models_of_every_kind_have_a_card_and_still_load(tmp_path, kind):
    folder = save_model(tmp_path / "seed_0" / "model", kind)
    known = load_provenance(folder), local_files(folder)
    write_model_card(folder)
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("---\n")
    assert (load_provenance(folder), local_files(folder)) == known
    EmotionTask.from_preset(str(folder))


@pytest.mark.thorough
def test_an_evaluation_beside_the_model_renews_its_card_and_a_second_one_changes_nothing(tmp_path):
    corpus = write_corpus(tmp_path)
    folder = save_model(tmp_path / "seed_0" / "model", "class")
    for name in ("elsewhere", "seed_0/evaluation/first"):
        rows = [("m", folder, corpus, tmp_path / name)]
        evaluate(write_rows(tmp_path / "rows.csv", rows))
        assert (folder / "README.md").exists() == ("evaluation" in name)
    card = folder / "README.md"
    written = card.read_text(encoding="utf-8"), card.stat().st_mtime_ns
    assert "| made up | UAR |" in written[0]
    evaluate(tmp_path / "rows.csv", redo=True)
    renew_model_card(folder, tmp_path / "seed_0" / "evaluation" / "first")
    assert (card.read_text(encoding="utf-8"), card.stat().st_mtime_ns) == written


def test_the_readme_of_a_published_checkpoint_counts_among_its_files(tmp_path):
    for name in ("config.json", "README.md"):
        (tmp_path / name).write_text("{}")
    assert [path.name for path in local_files(tmp_path)] == ["README.md", "config.json"]
