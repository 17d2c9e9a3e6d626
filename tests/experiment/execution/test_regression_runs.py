"""Runs that learn numbers, labels, or a class with numbers: data, model, training, and what comes of them."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from kser.corpora.metadata import read_metadata, write_metadata
from kser.errors import UserError
from kser.experiment.checking.input_checks import read_inputs
from kser.experiment.checking.study_check import check_study
from kser.experiment.evaluating.predicting import predict_outputs
from kser.experiment.execution.run_fingerprint import run_fingerprint
from kser.experiment.execution.training_run import Outcome, do_run
from kser.experiment.runs.model_building import build_model
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData, load_run_data
from kser.experiment.runs.trained_model import load_classifier, load_provenance
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from tests.experiment.execution.on_backends import train_on
from tests.experiment.learned_numbers import DIMENSIONS, KINDS, TAGS, rated, run_over, write_rated
from tests.training.small_run import InterruptAt, InterruptionError

BACKENDS = ["tensorflow", *(["torch"] if importlib.util.find_spec("torch") else [])]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, small_corpus) -> Path:
    return write_rated(tmp_path_factory.mktemp("rated"), small_corpus)


def part(run: Run, name: str = "train") -> tuple[RunData, Utterances]:
    """The data of a run and the utterances of one part."""
    data = load_run_data(run)
    reader = WaveformReader(build_model(run, data.head).waveform_format)
    return data, data.utterances(name, reader)


def notes_about(metadata: Path, run: Run) -> list[str]:
    """What is noted of the data of a run, and not of its training."""
    return [note for note in read_inputs(run.experiment, [run]).notes if note.startswith(str(metadata))]


def ccc(true: np.ndarray, predicted: np.ndarray) -> float:
    covariance = np.cov(true, predicted, ddof=0)
    spread = covariance[0, 0] + covariance[1, 1] + (true.mean() - predicted.mean()) ** 2
    return 2 * covariance[0, 1] / spread


class TestData:
    def test_numbers_are_learned_in_the_units_of_the_training_part(self, tmp_path, corpus):
        run = run_over(tmp_path, corpus, "numbers")
        data, utterances = part(run)
        rows = data.rows("train")[DIMENSIONS].replace("", "nan").astype(float)
        assert rows["valence"].isna().any()
        assert utterances.targets.dtype == np.float32
        np.testing.assert_allclose(utterances.targets, rows.to_numpy(), rtol=1e-6)
        model = build_model(run, data.head)
        np.testing.assert_allclose(model.offsets, rows.mean())
        np.testing.assert_allclose(model.scales, rows.std(ddof=0))
        assert model.targets == DIMENSIONS

    def test_labels_are_zeros_and_ones(self, tmp_path, corpus):
        run = run_over(tmp_path, corpus, "labels")
        data, utterances = part(run)
        np.testing.assert_array_equal(utterances.targets, data.rows("train")[TAGS].astype(np.float32))
        assert utterances.targets.dtype == np.float32
        assert build_model(run, data.head).labels == data.labels == TAGS

    def test_a_class_and_numbers_are_a_dict(self, tmp_path, corpus):
        data, utterances = part(run_over(tmp_path, corpus, "class and numbers"))
        assert utterances.targets["logits"].dtype == np.int32
        classes = [data.labels[i] for i in utterances.targets["logits"]]
        assert classes == data.rows("train")["class_id"].tolist()
        np.testing.assert_array_equal(
            utterances.targets["values"],
            data.values.loc[data.parts == "train", DIMENSIONS].to_numpy(np.float32),
        )

    def test_rows_without_any_number_are_left_out_and_counted(self, tmp_path, small_corpus):
        table = rated(small_corpus)
        arousal = table["arousal"].mask(table["valence"] == "", "")
        metadata = write_rated(tmp_path, small_corpus, arousal=arousal)
        missing = int((arousal == "").sum())
        run = run_over(tmp_path / "numbers", metadata, "numbers")
        data = load_run_data(run)
        assert len(data.table) == len(table) - missing
        (note,) = notes_about(metadata, run)
        assert note == f"{metadata}: left out: without a number ({missing})"
        # Beside a class they have something to teach.
        beside = load_run_data(run_over(tmp_path / "both", metadata, "class and numbers"))
        assert len(beside.table) == len(table)

    def test_whole_speakers_are_split_without_a_class(self, tmp_path, corpus):
        data = load_run_data(run_over(tmp_path, corpus, "numbers"))
        assert (data.parts.groupby(data.table["actor"]).nunique() == 1).all()
        assert set(data.parts) == {"train", "validation", "test"}

    def test_another_number_is_another_run(self, tmp_path, small_corpus):
        arousal = rated(small_corpus)["arousal"]
        other = arousal.where(arousal.index != 7, "4.44")
        fingerprints = []
        for name, column in (("a", arousal), ("b", other), ("c", arousal)):
            metadata = write_rated(tmp_path / name, small_corpus, arousal=column)
            run = run_over(tmp_path / name, metadata, "numbers")
            fingerprints.append(run_fingerprint(run, load_run_data(run)))
        assert fingerprints[0] == fingerprints[2] != fingerprints[1]

    def test_the_order_of_the_rows_is_of_no_account(self, tmp_path, corpus):
        data = load_run_data(run_over(tmp_path / "a", corpus, "numbers"))
        shuffled = pd.read_csv(corpus, dtype=str).sample(frac=1.0, random_state=0)
        shuffled.to_csv(tmp_path / "shuffled.csv", index=False)
        again = load_run_data(run_over(tmp_path / "b", tmp_path / "shuffled.csv", "numbers"))
        assert again.values_fingerprint == data.values_fingerprint
        assert again.head["scales"] == pytest.approx(data.head["scales"])

    def test_what_training_and_tests_can_tell_little_of_is_noted(self, tmp_path, small_corpus):
        metadata = write_rated(tmp_path, small_corpus, sad="0", excited="1")
        run = run_over(tmp_path / "labels", metadata, "labels")
        assert notes_about(metadata, run) == [
            f"{metadata}, seed 0: the training part has no utterance with: sad",
            f"{metadata}, seed 0: the training part has no utterance without: excited",
        ]
        table = rated(small_corpus)
        data = load_run_data(run)
        tested = data.parts[data.parts == "test"].index
        valence = table["valence"].where(~table.index.isin(tested), "4")
        metadata = write_rated(tmp_path, small_corpus, valence=valence)
        run = run_over(tmp_path / "numbers", metadata, "numbers")
        assert notes_about(metadata, run) == [
            f"{metadata}, seed 0: too few different numbers for a CCC: test: valence (1)"
        ]


@pytest.mark.parametrize(
    ("kind", "columns", "message"),
    [
        ("numbers", {"arousal": "high"}, "arousal: row 2: 'high'; row 3: 'high'; row 4: 'high'; .* a number"),
        ("numbers", {"valence": ""}, "valence: in the training part of seed 0 no row has a number"),
        (
            "numbers",
            {"valence": "3.0"},
            "valence: in the training part of seed 0 every row .* has 3, so that",
        ),
        ("class and numbers", {"valence": "inf"}, "valence: row 2: 'inf'"),
        ("labels", {"sad": "2"}, "sad: row 2: '2'; .*: should be 0 or 1"),
        ("labels", {"sad": ""}, "sad: row 2: empty; .*: should be 0 or 1"),
    ],
)
def test_columns_that_cannot_be_learned_are_told(tmp_path, small_corpus, kind, columns, message):
    metadata = write_rated(tmp_path, small_corpus, **columns)
    run = run_over(tmp_path / "study", metadata, kind)
    (line,) = read_inputs(run.experiment, [run]).mistakes
    assert line.startswith(f"{metadata}: ")
    with pytest.raises(UserError, match=message):
        load_run_data(run)


def test_a_column_that_is_not_there_is_told(tmp_path, small_corpus):
    run = run_over(tmp_path, small_corpus, "numbers")
    with pytest.raises(UserError, match="the header lacks 'arousal', 'valence', which the model learns"):
        load_run_data(run)


def test_test_sets_are_read_before_training(tmp_path, corpus):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    pd.read_csv(corpus, dtype=str).assign(arousal="?").to_csv(folder / "test.csv", index=False)
    datasets = [{"name": "elsewhere", "eval_csv_path": str(folder)}]
    run = run_over(tmp_path / "study", corpus, "numbers", experiment={"datasets": datasets})
    (line,) = read_inputs(run.experiment, [run]).mistakes
    assert line.startswith(f"{folder / 'test.csv'}: arousal: row 2: '?'")


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_study_of_each_kind_is_checked(tmp_path, corpus, kind):
    run = run_over(tmp_path, corpus, kind)
    check = check_study(run.experiment, audio=False)
    assert check.mistakes == []
    (plan,) = check.models
    assert plan.parameters > 0


@pytest.mark.thorough
def test_numbers_are_learned(tmp_path, small_corpus):
    # Two sentences, each twice: one utterance an emotion and speaker says too little of other speakers.
    whole = read_metadata(small_corpus.parent / "corpus" / "metadata.csv")
    two_sentences = whole[whole["sentence"].isin(whole["sentence"].unique()[:2])]
    write_metadata(two_sentences, small_corpus.parent / "two_sentences.csv")
    corpus = write_rated(tmp_path / "rated", small_corpus.parent / "two_sentences.csv")
    fields = {"number_of_training_epochs": 12, "learning_rate": 1e-2, "best_metric": "ccc"}
    run = run_over(tmp_path, corpus, "numbers", experiment={"eval_steps": 25}, **fields)
    assert do_run(run) is Outcome.TRAINED
    log = pd.read_csv(run.paths.log).dropna(subset="val_loss")
    assert log["val_ccc"].max() > 0.5  # from 0
    assert log["val_loss"].to_numpy() == pytest.approx(1 - log["val_ccc"].to_numpy(), abs=1e-5)
    provenance = load_provenance(run.paths.model)
    assert provenance.label_column is None
    assert provenance.task.columns == DIMENSIONS
    assert provenance.training["best_value"] == pytest.approx(log["val_ccc"].max(), abs=1e-5)
    data, utterances = part(run)
    values = predict_outputs(load_classifier(run.paths.model), utterances, 8)["values"]
    assert ccc(data.values.loc[data.parts == "train", "arousal"].to_numpy(), values[:, 0]) > 0.8
    assert do_run(run) is Outcome.ALREADY_TRAINED


@pytest.mark.thorough
def test_interrupted_and_continued_equals_uninterrupted(tmp_path, corpus):
    fields = {"number_of_training_epochs": 2, "use_dropout": True, "experiment": {"eval_steps": 2}}
    whole = run_over(tmp_path / "whole", corpus, "numbers", **fields)
    cut = run_over(tmp_path / "cut", corpus, "numbers", **fields)
    assert do_run(whole) is Outcome.TRAINED
    with pytest.raises(InterruptionError):
        do_run(cut, [InterruptAt(3)])
    assert do_run(cut) is Outcome.TRAINED
    logs = [pd.read_csv(run.paths.log).drop(columns="seconds") for run in (whole, cut)]
    pd.testing.assert_frame_equal(*logs)
    ours, theirs = (load_classifier(run.paths.model) for run in (whole, cut))
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (one, other)))


@pytest.mark.thorough
def test_kept_features_lora_and_a_further_training(tmp_path, corpus):
    """What a model of classes can do, one of a class and numbers can, too."""
    kind = "class and numbers"
    fields = {"feature_cache": str(tmp_path / "cache"), "lora_rank": 2, "learning_rate": 1e-2}
    first = run_over(tmp_path / "first", corpus, kind, "wav2vec2", **fields)
    assert do_run(first) is Outcome.TRAINED
    losses = pd.read_csv(first.paths.log)["val_loss"].dropna()
    assert losses.iloc[-1] != losses.iloc[0]
    further = {
        "model_path_or_name": str(first.paths.model),
        "continue_model_training": True,
        "backbone_arguments": {},
    }
    second = run_over(tmp_path / "second", corpus, kind, "wav2vec2", freeze_layers="all", **further)
    model = build_model(second, load_run_data(second).head)
    trained = load_classifier(first.paths.model)
    assert (model.offsets, model.scales) == (trained.offsets, trained.scales)
    assert model.backbone.trainable_variables == []
    other = run_over(tmp_path / "other", corpus, "numbers", "wav2vec2", **further)
    with pytest.raises(UserError, match=r"is for regression, but .* was trained for multi-task"):
        build_model(other, load_run_data(other).head)


@pytest.fixture(scope="module")
def trained_elsewhere(tmp_path_factory, corpus) -> dict[str, Run]:
    """The same experiment trained and evaluated on other backends, through the command line."""
    runs = {}
    for backend in BACKENDS:
        run = run_over(tmp_path_factory.mktemp(backend), corpus, "class and numbers")
        train_on(backend, run.experiment.source)
        runs[backend] = run
    return runs


@pytest.mark.slow
def test_backends_begin_with_the_same_loss(trained_elsewhere):
    begun = [pd.read_csv(run.paths.log)["val_loss"].iloc[0] for run in trained_elsewhere.values()]
    assert begun == pytest.approx([begun[0]] * len(begun), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_of_other_backends_are_given_here_too(trained_elsewhere, backend):
    run = trained_elsewhere[backend]
    predictions = pd.read_csv(run.paths.evaluation("synthetic") / "predictions.csv")
    _, utterances = part(run, "test")
    outputs = predict_outputs(load_classifier(run.paths.model), utterances, 8)
    np.testing.assert_allclose(
        outputs["values"], predictions[[f"predicted_{name}" for name in DIMENSIONS]], atol=1e-4
    )
