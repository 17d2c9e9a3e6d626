"""What a model JSON says of freezing, LoRA and kept features comes to be, or is told before anything runs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.evaluating.predicting import predict_outputs
from kser.experiment.execution.run_fingerprint import run_fingerprint
from kser.experiment.execution.training_run import Outcome, do_run
from kser.experiment.runs import feature_caching
from kser.experiment.runs.model_building import build_model
from kser.experiment.runs.planning import Run, plan_runs
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.trained_model import load_classifier, load_provenance
from kser.pipeline.reading import WaveformReader
from kser.training.events import TrainingStarted
from kser.training.logistic_regression import REGULARIZATIONS
from tests.experiment.conftest import write_experiment

HEAD = {"labels": ["a", "b"]}


def run_of(folder: Path, corpus: Path, model: str = "wav2vec2", experiment=None, **fields) -> Run:
    """The run of a small experiment with one model, which has these fields besides its own."""
    folder = folder / model
    path = write_experiment(folder, corpus, models=[model], **(experiment or {}))
    file = folder / "models" / f"{model}.json"
    short = {"number_of_training_epochs": 1, "per_device_batch_size": 3}
    file.write_text(json.dumps({**json.loads(file.read_text()), **short, **fields}))
    (run,) = plan_runs(load_experiment(path))
    return run


def losses(run: Run) -> np.ndarray:
    return pd.read_csv(run.paths.log)["val_loss"].dropna().to_numpy()


@pytest.mark.thorough
def test_frozen_layers_are_those_of_the_model_file(tmp_path: Path, small_corpus: Path) -> None:
    backbone = build_model(run_of(tmp_path, small_corpus, freeze_layers=1), HEAD).backbone
    assert backbone.trainable_variables == []
    backbone = build_model(run_of(tmp_path, small_corpus, freeze_layers="all"), HEAD).backbone
    assert backbone.trainable_variables == []
    backbone = build_model(run_of(tmp_path, small_corpus, "log_mel", freeze_layers=1), HEAD).backbone
    assert backbone.trainable_variables == []
    with pytest.raises(
        UserError, match=r"wav2vec2\.json: freeze_layers: must be from 0 to 1, the layers of this Wav2Vec2"
    ):
        build_model(run_of(tmp_path, small_corpus, freeze_layers=2), HEAD)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many recordings were computed each time that features were asked for."""
    counts: list[int] = []
    compute = feature_caching.compute_missing

    def counted(*arguments):
        counts.append(compute(*arguments))
        return counts[-1]

    monkeypatch.setattr(feature_caching, "compute_missing", counted)
    return counts


@pytest.mark.parametrize("value", [-1, "most", True, 1.5, None])
def test_freeze_layers_is_a_count_or_all(tmp_path: Path, small_corpus: Path, value: object) -> None:
    with pytest.raises(UserError, match='freeze_layers: should be a whole number from 0, or "all", not'):
        run_of(tmp_path, small_corpus, freeze_layers=value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lora_alpha": 4.0}, "lora_alpha: has no effect unless lora_rank is given"),
        ({"lora_targets": ["key"]}, "lora_targets: has no effect unless lora_rank is given"),
        (
            {"lora_rank": 2, "lora_targets": ["key", "key"]},
            "lora_targets: key more than once",
        ),
        ({"feature_cache": ""}, "feature_cache: string should have at least 1 character"),
        ({"lora_rank": 2, "freeze_layers": "all"}, 'freeze_layers: "all" leaves no layer for lora_rank'),
        (
            {"feature_cache": "cache", "freeze_feature_encoder": False},
            "feature_cache: requires freeze_feature_encoder: true",
        ),
    ],
)
def test_what_does_not_fit_together_is_told(tmp_path: Path, small_corpus: Path, fields, message: str) -> None:
    with pytest.raises(UserError, match=rf"wav2vec2\.json: {message}"):
        run_of(tmp_path, small_corpus, **fields)


def test_features_are_not_kept_of_audio_that_changes(tmp_path: Path, small_corpus: Path) -> None:
    augmentations = {"noise": {"module": "audiomentations", "class": "AddGaussianNoise"}}
    with pytest.raises(UserError, match=r"feature_cache: .*the experiment's augmentations change the audio"):
        run_of(tmp_path, small_corpus, experiment={"augmentations": augmentations}, feature_cache="cache")


@pytest.mark.thorough
def test_what_cannot_be_kept_stops_the_run_before_it_begins(tmp_path: Path, small_corpus: Path) -> None:
    run = run_of(tmp_path, small_corpus, "log_mel", feature_cache=str(tmp_path / "cache"))
    with pytest.raises(
        UserError, match=r"log_mel\.json: feature_cache: LogMelBackbone has no feature encoder"
    ):
        do_run(run)
    assert not run.paths.work.exists()
    run = run_of(tmp_path, small_corpus, feature_cache=str(tmp_path / "cache"))
    classifier = build_model(run, HEAD)
    waveform_format = replace(classifier.waveform_format, mask_padding=False)
    with pytest.raises(UserError, match=r"wav2vec2\.json: feature_cache: scratch:wav2vec2 takes the padding"):
        feature_caching.frozen_part(run, classifier, waveform_format)


def test_kept_features_are_another_run_wherever_they_are_kept(tmp_path: Path, small_corpus: Path) -> None:
    fingerprints = []
    for folder in (None, "here", "there"):
        run = run_of(tmp_path, small_corpus, feature_cache=folder)
        fingerprints.append(run_fingerprint(run, load_run_data(run)))
    assert fingerprints[0] != fingerprints[1] == fingerprints[2]


@pytest.mark.thorough
def test_a_frozen_backbone_is_computed_once_as_in_inference(
    tmp_path: Path, small_corpus: Path, computed: list[int]
) -> None:
    nothing = {"module": "audiomentations", "class": "Gain", "p": 0.0}
    every_epoch = {"augmentations": {"nothing": nothing}, "augmentation_mode": "compose"}
    fields = {"freeze_layers": "all", "learning_rate": 1e-2, "number_of_training_epochs": 2}
    ours, frames = {"use_weight_encoder_layers": True}, {"pooling_mode": "att_stats"}
    runs = {
        name: run_of(tmp_path / name, small_corpus, **{**fields, **more})
        for name, more in {
            "anew": {"experiment": every_epoch, **ours},
            "in memory": ours,
            "again": ours,
            "frames anew": frames,
            "frames kept": {"feature_cache": str(tmp_path / "cache"), **frames},
        }.items()
    }
    for run in runs.values():
        assert do_run(run) is Outcome.TRAINED
    data = load_run_data(runs["anew"])
    read = [len(data.rows("train")), len(data.rows("validation"))]
    # Once more for the temperature where vectors are in memory.
    assert computed == [*read, 0, 0, 0, 0, *read]
    assert np.ptp(losses(runs["anew"])) > 0
    np.testing.assert_allclose(losses(runs["in memory"]), losses(runs["anew"]), rtol=1e-5)
    np.testing.assert_array_equal(losses(runs["again"]), losses(runs["in memory"]))
    np.testing.assert_allclose(losses(runs["frames kept"]), losses(runs["frames anew"]), rtol=1e-3)
    # What is saved is whole.
    noise = np.random.default_rng(0).normal(size=(2, 16000)).astype(np.float32)
    said = [load_classifier(runs[name].paths.model).predict(noise, verbose=0) for name in ("anew", "again")]
    np.testing.assert_allclose(*said, atol=1e-5)


# The small experiment's settings of gradient descent as if they were not given.
LOGISTIC = {
    "freeze_layers": "all",
    "head_solver": "logistic_regression",
    "number_of_training_epochs": 50,
    "learning_rate": 5e-5,
    "gradient_accumulation_steps": 8,
}


@pytest.mark.thorough
def test_a_solved_head_is_a_classifier_like_any_other(tmp_path: Path, small_corpus: Path) -> None:
    run = run_of(tmp_path, small_corpus, **LOGISTIC)
    assert do_run(run) is Outcome.TRAINED
    assert do_run(run) is Outcome.ALREADY_TRAINED
    assert load_provenance(run.paths.model).training["regularization"] in REGULARIZATIONS
    model, data = load_classifier(run.paths.model), load_run_data(run)
    parts = {
        part: data.utterances(part, WaveformReader(model.waveform_format)) for part in ("train", "validation")
    }
    # What it says of audio is what the solution says of vectors, of recordings computed one by one.
    logits = predict_outputs(model, parts["validation"], 4)["logits"]
    shared = predict_outputs(model, parts["validation"], 4, shares_backbone=True)["logits"]
    np.testing.assert_allclose(logits, shared, atol=1e-4)
    predicted, true = logits.argmax(axis=1), parts["validation"].targets
    (row,) = pd.read_csv(run.paths.log).to_dict("records")
    assert row["val_accuracy"] == pytest.approx((predicted == true).mean())
    assert row["val_uar"] == pytest.approx(load_provenance(run.paths.model).training["best_value"])
    assert 0 < row["val_loss"] < 10


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"freeze_layers": 0}, "head_solver: has no effect unless freeze_layers is all"),
        (
            {"is_regression": True, "output_column": ["arousal"]},
            "head_solver: logistic_regression finds classes, and the task is regression",
        ),
        (
            {"learning_rate": 0.1},
            "learning_rate: has no effect where head_solver is logistic_regression",
        ),
        ({"continue_model_training": True}, "continue_model_training: has no effect where head_solver"),
        ({"use_weight_encoder_layers": True}, "use_weight_encoder_layers: has no effect where head_solver"),
    ],
)
def test_what_a_solved_head_cannot_have_is_told(tmp_path, small_corpus, fields, message: str) -> None:
    with pytest.raises(UserError, match=rf"wav2vec2\.json: {message}"):
        run_of(tmp_path, small_corpus, **{**LOGISTIC, **fields})


@pytest.mark.thorough
def test_a_solved_head_requires_vectors(tmp_path: Path, small_corpus: Path) -> None:
    noise = {"module": "audiomentations", "class": "AddGaussianNoise"}
    with pytest.raises(UserError, match=r"head_solver: .*the experiment's augmentations change the audio"):
        run_of(tmp_path, small_corpus, experiment={"augmentations": {"noise": noise}}, **LOGISTIC)
    run = run_of(tmp_path, small_corpus, pooling_mode="att_stats", **LOGISTIC)
    with pytest.raises(UserError, match=r"json: head_solver: .* requires a pooling without weights"):
        do_run(run)


@pytest.mark.thorough
def test_training_on_kept_features_is_training_on_audio(
    tmp_path: Path, small_corpus: Path, computed: list[int]
) -> None:
    fields = {"lora_rank": 2, "learning_rate": 1e-2}
    events = []
    plain = run_of(tmp_path / "plain", small_corpus, **fields)
    kept = run_of(tmp_path / "kept", small_corpus, feature_cache=str(tmp_path / "cache"), **fields)
    for run in (plain, kept):
        assert do_run(run, progress=events.append) is Outcome.TRAINED
    ours, theirs = (event.description for event in events if isinstance(event, TrainingStarted))
    assert ours == theirs, "the encoder that features are kept of has weights too"
    np.testing.assert_allclose(losses(kept), losses(plain), rtol=1e-3)
    assert np.ptp(losses(kept)) > 0
    data = load_run_data(kept)
    assert computed == [len(data.rows("train")), len(data.rows("validation"))]
    # A second start finds them all.
    classifier = build_model(kept, data.head)
    waveform_format = classifier.waveform_format
    frozen = feature_caching.frozen_part(kept, classifier, waveform_format)
    parts = {part: data.utterances(part, WaveformReader(waveform_format)) for part in ("train", "validation")}
    feature_caching.above_frozen_part(frozen, parts)
    assert computed[2:] == [0, 0]
    # The model that is saved is whole: it takes audio, and has what was trained.
    ours, theirs = (load_classifier(run.paths.model) for run in (kept, plain))
    assert not [weight.path for weight in ours.weights if "lora" in weight.path]
    noise = np.random.default_rng(0).normal(size=(2, 16000)).astype(np.float32)
    np.testing.assert_allclose(ours.predict(noise, verbose=0), theirs.predict(noise, verbose=0), atol=1e-3)


@pytest.mark.thorough
def test_training_on_what_frozen_layers_gave_is_training_on_audio(
    tmp_path: Path, small_corpus: Path, computed: list[int]
) -> None:
    names = ("feature_dropout", "dropout", "attention_dropout", "activation_dropout", "layer_drop")
    small = run_of(tmp_path, small_corpus).model.backbone_arguments
    nothing_random = {**small, "num_layers": 2, **dict.fromkeys(names, 0.0)}
    fields = {"freeze_layers": 1, "learning_rate": 1e-2, "backbone_arguments": nothing_random}
    plain = run_of(tmp_path / "plain", small_corpus, **fields)
    kept = run_of(tmp_path / "kept", small_corpus, feature_cache=str(tmp_path / "cache"), **fields)
    for run in (plain, kept):
        assert do_run(run) is Outcome.TRAINED
    data = load_run_data(kept)
    assert computed == [len(data.rows("train")), len(data.rows("validation"))]
    assert np.ptp(losses(kept)) > 0
    np.testing.assert_allclose(losses(kept), losses(plain), rtol=2e-3)
