"""A trained model is trained further: backbone, head and preprocessing, and what it has already heard."""

import json

import keras
import numpy as np
import pytest

from kser.errors import UserError
from kser.experiment.checking.input_checks import checked_inputs
from kser.experiment.config.head_argument import head_fields
from kser.experiment.config.loading import load_experiment
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.model_building import build_model
from kser.experiment.runs.planning import plan_runs
from kser.experiment.runs.recording_keys import all_keys
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.trained_model import load_classifier, load_provenance
from kser.experiment.study.study import train_experiment
from kser.models import EmotionClassifier, EmotionRegressor, EmotionTagger, MultiTaskEmotionModel
from tests.experiment.conftest import write_experiment
from tests.experiment.evaluated_models import published_classifier
from tests.golden import golden_folder
from tests.models.small_models import log_mel


@pytest.fixture(scope="module")
def first(tmp_path_factory, small_corpus):
    """The folder of a trained model, brought to a loudness."""
    folder = tmp_path_factory.mktemp("first")
    path = write_experiment(
        folder, small_corpus, models=["log_mel"], loudness_lufs=-23.0, run_eval=False, eval_steps=2
    )
    train_experiment(load_experiment(path))
    return folder / "results" / "small" / "log_mel" / "seed_0" / "model"


def further_run(folder, corpus, model, fields=None, experiment=None):
    """A run with another split that begins with a trained model."""
    path = write_experiment(folder, corpus, models=["log_mel"], run_eval=False, **(experiment or {}))
    file = folder / "models" / "log_mel.json"
    given = {"model_path_or_name": str(model), "continue_model_training": True, "seed": 1}
    file.write_text(json.dumps(json.loads(file.read_text()) | given | (fields or {})))
    (run,) = plan_runs(load_experiment(path))
    return run


@pytest.mark.thorough
def test_begins_with_backbone_head_and_preprocessing_of_the_trained_model(tmp_path, small_corpus, first):
    run = further_run(tmp_path, small_corpus, first, {"use_dropout": True, "dropout_rate": 0.25})
    classifier = build_model(run, load_run_data(run).head)
    expected = load_classifier(first)
    for weight, before in zip(classifier.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (weight, before)))
    assert classifier.preprocessor.audio_converter.processing.loudness_lufs == -23.0
    assert (expected.head.dropout, classifier.head.dropout) == (0.0, 0.25)


@pytest.mark.thorough
@pytest.mark.parametrize("keeps_head", [True, False])
def test_what_the_trained_model_has_heard_stays_known(tmp_path, small_corpus, first, keeps_head):
    run = further_run(
        tmp_path,
        small_corpus,
        first,
        {"continue_model_training": keeps_head, "number_of_training_epochs": 1},
        {"loudness_lufs": -23.0},
    )
    train_experiment(run.experiment)
    known = load_provenance(run.paths.model).recordings
    earlier, data = load_provenance(first).recordings, load_run_data(run)
    for part in ("train", "validation"):
        assert set(known[part]) == {*earlier[part], *all_keys(data.rows(part)["path"])}
        assert len(known[part]) > len(data.recordings(part))


def test_held_out_recordings_that_the_trained_model_learned_are_told_before(tmp_path, small_corpus, first):
    learned = set(load_provenance(first).recordings["train"])
    run = further_run(tmp_path, small_corpus, first)
    data = load_run_data(run)
    notes = "\n".join(checked_inputs(run.experiment, [run]).notes)
    for part in ("validation", "test"):
        recordings = data.recordings(part)
        count = len(learned.intersection(recordings))
        assert count > 0
        assert f"{count} of {len(recordings)} recordings of the {part} part were in the training" in notes
    again = further_run(tmp_path, small_corpus, first, {"seed": 0})
    assert not any("in the training of" in note for note in checked_inputs(again.experiment, [again]).notes)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fields", "experiment", "said"),
    [
        ({"pooling_mode": "max"}, {}, "log_mel.json: pooling_mode: 'max', but the model whose training"),
        (
            {"backbone_arguments": {"filters": [4]}},
            {},
            "log_mel.json: backbone_arguments.filters: [4], but the model whose training",
        ),
        (
            {"use_weight_encoder_layers": True},
            {},
            "log_mel.json: use_weight_encoder_layers: True, but the model whose training is to be continued "
            "has layer_weighting None; leave it out",
        ),
        ({}, {"loudness_lufs": -30.0}, "experiment.json: loudness_lufs: -30, but the model whose training"),
    ],
)
def test_files_that_say_something_else_are_told(tmp_path, small_corpus, first, fields, experiment, said):
    run = further_run(tmp_path, small_corpus, first, fields, experiment)
    with pytest.raises(UserError) as error:
        build_model(run, load_run_data(run).head)
    (line,) = str(error.value).splitlines()
    assert said in line


@pytest.mark.thorough
def test_other_classes_are_told(tmp_path, small_corpus, first):
    run = further_run(tmp_path, small_corpus, first)
    with pytest.raises(UserError, match=r"labels: joy, rage, but .*seed_0/model has anger"):
        build_model(run, {"labels": ["joy", "rage"]})


@pytest.mark.thorough
def test_a_checkpoint_without_a_head_is_told(tmp_path, small_corpus, first):
    plain = tmp_path / "plain"
    load_classifier(first).backbone.save_to_preset(str(plain))
    run = further_run(tmp_path, small_corpus, plain)
    with pytest.raises(UserError, match=r"continue_model_training: .*plain: holds no .* no trained head"):
        build_model(run, load_run_data(run).head)


@pytest.mark.thorough
def test_a_published_head_goes_on_with_the_names_and_the_order_of_the_corpus(tmp_path, small_corpus):
    folder = published_classifier(tmp_path / "published")
    run = further_run(tmp_path, small_corpus, folder, {"backbone_arguments": {}, "use_batch_norm": False})
    labels = ["anger", "joy", "neutral", "sadness"]
    continued = build_model(run, {"labels": labels})
    published = EmotionClassifier.from_preset(folder)
    assert (continued.labels, published.labels) == (labels, ["neu", "hap", "ang", "sad"])
    wave = np.random.default_rng(0).normal(size=(1, 1600)).astype(np.float32)
    ours, theirs = (model.predict(wave, verbose=0) for model in (continued, published))
    np.testing.assert_allclose(ours, theirs[:, [2, 1, 0, 3]], rtol=1e-5)
    with pytest.raises(UserError, match=r"labels: anger, joy, but .*published has neu, hap, ang, sad"):
        build_model(run, {"labels": ["anger", "joy"]})


def test_a_head_that_is_replaced_is_told(tmp_path, small_corpus, caplog):
    fields = {"continue_model_training": False, "backbone_arguments": {}}
    run = further_run(tmp_path, small_corpus, golden_folder("with_head"), fields)
    for _ in range(2):
        build_model(run, {"labels": ["anger", "joy"]})
    (line,) = [message for message in caplog.messages if "replaced" in message]
    assert line.endswith("is replaced by a new one; continue_model_training: true goes on with it")


@pytest.mark.parametrize("task", [EmotionClassifier, EmotionRegressor, EmotionTagger, MultiTaskEmotionModel])
def test_every_argument_of_a_model_is_compared_or_may_differ(task):
    may_differ = {
        "name": "says nothing of what the model is",
        "trainable": "freezing is a setting of the training",
        "dtype": "precision is a setting of the training",
        "backbone": "compared argument by argument",
        "preprocessor": "its processing of audio is compared",
        "labels": "compared with those of the data",
        "targets": "compared with the columns of the model file",
        "offsets": "numbers keep the units of the earlier training part",
        "scales": "numbers keep the units of the earlier training part",
    }
    names = {"labels": ["a", "b"], "targets": ["arousal"]}
    model = task(log_mel(), **{name: names[name] for name in task.new_head_arguments})
    from_the_json = {field.argument.name for field in head_fields(ModelConfig)}
    assert set(model.get_config()) - from_the_json <= set(may_differ)
    assert from_the_json <= set(model.get_config())
