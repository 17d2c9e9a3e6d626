"""Published heads on the hidden states that `transformers` gave, computed by hand in float64, against kser's.

The tensors' names are those that `transformers` and the model cards write; test_live_heads.py has the classes
themselves.
"""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.special import softmax

from kser.errors import UserError
from kser.models import EmotionClassifier, EmotionRegressor, EmotionTagger, EmotionTask, SpeechBackbone
from tests.golden import expected, expected_of_encoder, golden_folder, inputs_of_encoders
from tests.parity.comparison import mask_of
from tests.parity.published_heads import HEADS, WithHead, linear

LABELS = {"0": "neu", "1": "hap", "2": "ang"}


@pytest.fixture(scope="module")
def with_head(tmp_path_factory: pytest.TempPathFactory) -> WithHead:
    """A function that writes a golden checkpoint with a head."""

    def write(variant: str, head: str, **fields: object) -> tuple[Path, dict[str, np.ndarray]]:
        folder = Path(shutil.copytree(golden_folder(variant), tmp_path_factory.mktemp("heads") / variant))
        config = json.loads((folder / "config.json").read_text())
        states = config.get("num_hidden_layers", config.get("encoder_layers")) + 1
        tensors = HEADS[head](config.get("hidden_size", config.get("d_model")), states)
        weights = load_file(folder / "model.safetensors")
        save_file({**weights, **tensors}, folder / "model.safetensors")
        config |= {"id2label": LABELS, "classifier_proj_size": 5, **fields}
        (folder / "config.json").write_text(json.dumps(config))
        return folder, tensors

    return write


def states_of(variant: str) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Hidden states of each utterance (layers + 1, frames, channels); the batch and its mask."""
    if variant == "whisper":
        results, (batch, lengths) = expected_of_encoder(variant), inputs_of_encoders()
    else:
        results = expected(variant)
        batch, lengths = results["features_alone"], results["lengths"]
    states = [results[f"hidden_states_unpadded_{index}"].astype(np.float64) for index in range(len(batch))]
    return states, batch, mask_of(lengths, batch.shape[1])


def outputs(task: EmotionTask, batch: np.ndarray, mask: np.ndarray) -> np.ndarray:
    with task.ready_made_inputs():
        return np.asarray(task.predict_on_batch({"waveform": batch, "padding_mask": mask}))


def assert_equal(actual: np.ndarray, wanted: list[np.ndarray]) -> None:
    assert np.linalg.norm(actual - wanted) <= 1e-5 * np.linalg.norm(wanted)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("variant", "weighted"),
    [
        ("with_head", False),
        ("group_norm", True),
        ("layer_norm", True),  # normalises first: the last state is that after the final norm
        ("hubert", False),
        ("wavlm", True),
        ("unispeech", False),
        ("unispeech_sat", True),
        ("data2vec_audio", True),
        ("whisper", False),
        ("whisper", True),
    ],
)
def test_classifiers_of_transformers(with_head: WithHead, variant: str, weighted: bool) -> None:
    folder, tensors = with_head(variant, "of transformers", use_weighted_layer_sum=weighted)
    states, batch, mask = states_of(variant)
    classifier = EmotionClassifier.from_preset(folder)
    assert classifier.labels == ["neu", "hap", "ang"]
    weights = softmax(tensors["layer_weights"]) if weighted else np.eye(len(states[0]))[-1]
    pooled = [
        linear(np.tensordot(weights, utterance, 1), tensors, "projector").mean(axis=0) for utterance in states
    ]
    assert_equal(
        outputs(classifier, batch, mask), [linear(vector, tensors, "classifier") for vector in pooled]
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("output", "pooling", "statistic"), [("out_proj", "mean", np.mean), ("output", "max", np.max)]
)
def test_regressor_of_audeering(with_head: WithHead, output: str, pooling: str, statistic) -> None:
    folder, tensors = with_head(
        "layer_norm",
        f"with tanh, {output}",
        id2label={"0": "arousal", "1": "dominance", "2": "valence"},
        problem_type="regression",
        pooling_mode=pooling,
        final_dropout=0.25,
        architectures=["Wav2Vec2ForSpeechClassification"],
    )
    states, batch, mask = states_of("layer_norm")
    regressor = EmotionTask.from_preset(folder)
    assert isinstance(regressor, EmotionRegressor)
    assert regressor.targets == ["arousal", "dominance", "valence"]
    assert regressor.head.dropout == 0.25
    dense = [
        np.tanh(linear(statistic(utterance[-1], axis=0), tensors, "classifier.dense")) for utterance in states
    ]
    assert_equal(
        outputs(regressor, batch, mask), [linear(vector, tensors, f"classifier.{output}") for vector in dense]
    )


@pytest.mark.parametrize(
    ("fields", "task", "names"),
    [
        ({"problem_type": "multi_label_classification"}, EmotionTagger, ["neu", "hap", "ang"]),
        ({"id2label": {"1": "b", "0": "a", "2": "c"}}, EmotionClassifier, ["a", "b", "c"]),
        ({"problem_type": "regression"}, EmotionRegressor, ["neu", "hap", "ang"]),
        ({"id2label": None, "num_labels": 3}, EmotionClassifier, ["LABEL_0", "LABEL_1", "LABEL_2"]),
    ],
)
def test_what_a_head_is_for(
    with_head: WithHead, fields: dict[str, object], task: type, names: list[str]
) -> None:
    folder, _ = with_head("group_norm", "of transformers", **fields)
    loaded = EmotionTask.from_preset(folder)
    assert type(loaded) is task
    (argument,) = task.new_head_arguments
    assert getattr(loaded, argument) == names


def test_new_head_in_the_place_of_a_trained_one(
    with_head: WithHead, caplog: pytest.LogCaptureFixture
) -> None:
    folder, _ = with_head("group_norm", "of transformers")
    classifier = EmotionClassifier.from_preset(folder, labels=["joy", "anger"], use_relu=True)
    assert classifier.head.projection_dim is None
    assert f"{folder}: its trained head (EmotionClassifier) is replaced by a new one" in caplog.messages
    caplog.clear()
    bare = golden_folder("group_norm")
    EmotionClassifier.from_preset(bare, labels=["joy", "anger"])
    assert not [line for line in caplog.messages if "replaced" in line]


@pytest.mark.thorough
def test_saved_again_it_is_the_same(with_head: WithHead, tmp_path: Path) -> None:
    folder, _ = with_head("whisper", "of transformers", use_weighted_layer_sum=True)
    published = EmotionClassifier.from_preset(folder, dropout=0.5)
    assert published.head.dropout == 0.5
    published.save_to_preset(str(tmp_path))
    saved = EmotionClassifier.from_preset(tmp_path)
    _, batch, mask = states_of("whisper")
    np.testing.assert_array_equal(outputs(saved, batch, mask), outputs(published, batch, mask))


def test_backbone_comes_without_its_head(with_head: WithHead, caplog: pytest.LogCaptureFixture) -> None:
    folder, _ = with_head("group_norm", "of transformers")
    with caplog.at_level(logging.INFO):
        SpeechBackbone.from_preset(folder)
    assert [line for line in caplog.messages if "without its head: classifier (2), layer_weights (1)" in line]
    caplog.clear()
    with caplog.at_level(logging.INFO):
        EmotionClassifier.from_preset(folder)
    assert not [line for line in caplog.messages if "classifier" in line]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"id2label": {"0": "a", "1": "a"}}, "config.json: id2label: must be different names by number"),
        ({"id2label": {"x": "a"}}, "config.json: id2label: must be different names by number"),
        (
            {"id2label": {"0": "a", "1": "b"}},
            "classifier.weight: has shape (5, 3), but config.json requires (5, 2)",
        ),
        ({"classifier_proj_size": 7}, "projector.weight: has shape"),
        (
            {"problem_type": "ranking"},
            "config.json: problem_type: must be one of single_label_classification",
        ),
        (
            {"problem_type": "regression"},
            "holds no EmotionClassifier but a trained EmotionRegressor; a new head",
        ),
    ],
)
def test_mistakes(with_head: WithHead, fields: dict[str, object], says: str) -> None:
    folder, _ = with_head("group_norm", "of transformers", **fields)
    with pytest.raises(UserError) as refusal:
        EmotionClassifier.from_preset(folder)
    assert says in str(refusal.value)
    assert str(refusal.value).startswith(str(folder))


def test_an_unusable_head_does_not_keep_the_backbone_from_being_used(
    with_head: WithHead, caplog: pytest.LogCaptureFixture
) -> None:
    folder, _ = with_head("group_norm", "of transformers", problem_type="ranking")
    classifier = EmotionClassifier.from_preset(folder, labels=["joy", "anger"])
    assert classifier.labels == ["joy", "anger"]
    (line,) = (line for line in caplog.messages if "replaced" in line)
    assert line.startswith(
        f"{folder}: its trained head (not usable: {folder}/config.json: problem_type: must"
    )


def test_pooling_that_the_published_code_does_not_have(with_head: WithHead) -> None:
    """Kser has an attention pooling, whose weights no such checkpoint has."""
    folder, _ = with_head("layer_norm", "with tanh, output", pooling_mode="attention")
    with pytest.raises(UserError, match=r"config\.json: pooling_mode: must be one of mean, sum, max, got '"):
        EmotionTask.from_preset(folder)


@pytest.mark.parametrize(
    ("argument", "value", "says"),
    [
        ("pooling", "max", "pooling='mean', not 'max'"),
        ("hidden_state", 1, "hidden_state=None, not 1"),
        ("use_batch_norm", True, "use_batch_norm=False, not True"),
    ],
)
def test_another_head_than_the_trained_one_is_refused(
    with_head: WithHead, argument: str, value: object, says: str
) -> None:
    folder, _ = with_head("group_norm", "of transformers")
    with pytest.raises(UserError, match=f"its trained head has {says}; leave that out"):
        EmotionClassifier.from_preset(folder, **{argument: value})


def test_head_of_x_vectors_is_none(with_head: WithHead) -> None:
    folder, _ = with_head("group_norm", "x-vector")
    with pytest.raises(UserError, match="holds no EmotionTask"):
        EmotionTask.from_preset(folder)
