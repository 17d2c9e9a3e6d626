"""Random classifiers written and computed by the installed `transformers`, and the head of a model card."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kser.models import EmotionClassifier, EmotionRegressor, EmotionTask
from kser.models.preset_writing import load_source, write_preset
from kser.models.verification import compare_with_transformers
from tests.parity.comparison import assert_equal_arrays

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tests.golden import inputs_of_encoders, make_golden  # noqa: E402
from tests.golden.make_encoder_golden import WHISPER  # noqa: E402

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "conv_dim": [16] * 3,
    "conv_kernel": [10, 4, 3],
    "conv_stride": [5, 4, 4],
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 12,
    "id2label": {0: "neu", 1: "hap", 2: "ang", 3: "sad"},
}
LARGE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}
CLASSIFIERS: dict[str, dict[str, Any]] = {
    "Wav2Vec2": {"use_weighted_layer_sum": True},
    "Hubert": LARGE,
    "WavLM": {"use_weighted_layer_sum": True},
    "UniSpeech": LARGE,
    "UniSpeechSat": {},
    "Data2VecAudio": {"use_weighted_layer_sum": True, "conv_pos_kernel_size": 5},
}
UTTERANCES = (8000, 5600, 3217)


def randomised(model: Any, folder: Path) -> Any:
    make_golden.randomise(model, torch.Generator().manual_seed(3))
    model.save_pretrained(folder)
    return model.eval().double()


def utterances() -> list[np.ndarray]:
    waveforms, _ = inputs_of_encoders()
    return [waveforms[:1, :length] for waveforms, length in zip([waveforms] * 3, UTTERANCES, strict=True)]


def outputs(task: EmotionTask, waveform: np.ndarray) -> np.ndarray:
    with task.ready_made_inputs():
        inputs = {"waveform": waveform, "padding_mask": np.ones(waveform.shape, bool)}
        return np.asarray(task.predict_on_batch(inputs))


def assert_equal(actual: np.ndarray, wanted: Any) -> None:
    assert_equal_arrays(actual, wanted.numpy())


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_classifier(family: str, tmp_path: Path) -> None:
    config = getattr(transformers, f"{family}Config")(**SMALL, **CLASSIFIERS[family])
    model = randomised(getattr(transformers, f"{family}ForSequenceClassification")(config), tmp_path)
    classifier = EmotionClassifier.from_preset(tmp_path)
    assert classifier.labels == ["neu", "hap", "ang", "sad"]
    waveform, *_ = utterances()
    with torch.no_grad():
        wanted = model(torch.from_numpy(waveform).double()).logits
    assert_equal(outputs(classifier, waveform), wanted)


@pytest.mark.parametrize("weighted", [False, True])
def test_whisper_classifier(weighted: bool, tmp_path: Path) -> None:
    fields = {"classifier_proj_size": 12, "use_weighted_layer_sum": weighted, "id2label": SMALL["id2label"]}
    model = transformers.WhisperForAudioClassification(transformers.WhisperConfig(**{**WHISPER, **fields}))
    model = randomised(model, tmp_path)
    extract = transformers.WhisperFeatureExtractor(
        feature_size=model.config.num_mel_bins, chunk_length=model.config.max_source_positions // 50
    )
    waveform = utterances()[1]
    features = extract(list(waveform), sampling_rate=16000, return_tensors="pt")["input_features"]
    with torch.no_grad():
        wanted = model(features.double()).logits
    assert_equal(outputs(EmotionClassifier.from_preset(tmp_path), waveform), wanted)


class RegressionHead(torch.nn.Module):
    """As in the model card of audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim, without dropout."""

    def __init__(self, config: Any):
        super().__init__()
        self.dense = torch.nn.Linear(config.hidden_size, config.hidden_size)
        self.out_proj = torch.nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, features: Any) -> Any:
        return self.out_proj(torch.tanh(self.dense(features)))


class EmotionModel(transformers.Wav2Vec2PreTrainedModel):
    """As in the same model card."""

    def __init__(self, config: Any):
        super().__init__(config)
        self.wav2vec2 = transformers.Wav2Vec2Model(config)
        self.classifier = RegressionHead(config)
        self.post_init()

    def forward(self, input_values: Any) -> Any:
        return self.classifier(self.wav2vec2(input_values).last_hidden_state.mean(dim=1))


def test_dimensional_head(tmp_path: Path) -> None:
    names = {"id2label": {0: "arousal", 1: "dominance", 2: "valence"}, "problem_type": "regression"}
    config = transformers.Wav2Vec2Config(**{**SMALL, **LARGE, **names, "pooling_mode": "mean"})
    model = randomised(EmotionModel(config), tmp_path)
    regressor = EmotionRegressor.from_preset(tmp_path)
    assert regressor.targets == ["arousal", "dominance", "valence"]
    waveform = utterances()[2]
    with torch.no_grad():
        wanted = model(torch.from_numpy(waveform).double())
    assert_equal(outputs(regressor, waveform), wanted)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("Wav2Vec2ForSequenceClassification", {**LARGE, "use_weighted_layer_sum": True}),
        (EmotionModel, {"problem_type": "regression"}),
    ],
)
def test_verification_compares_the_outputs(model: Any, fields: dict[str, Any], tmp_path: Path) -> None:
    """Also of one that normalises first and weights its layers: transformers 5 takes another last state."""
    model = getattr(transformers, model) if isinstance(model, str) else model
    source, preset = tmp_path / "source", tmp_path / "preset"
    randomised(model(transformers.Wav2Vec2Config(**{**SMALL, **fields})), source)
    loaded = load_source(str(source))
    write_preset(loaded, preset)
    *_, right = compare_with_transformers(source, preset, [waveform[0] for waveform in utterances()])
    assert right.place == "outputs of the head"
    assert right.alone.holds
    assert right.alone.magnitude > 1e-3
    assert loaded.task is not None
    kernel = loaded.task.get_layer(loaded.task.output_layer).kernel
    kernel.assign(kernel[:, ::-1])
    write_preset(loaded, tmp_path / "wrong")
    *_, wrong = compare_with_transformers(source, tmp_path / "wrong", [utterances()[0][0]])
    assert wrong.alone.deviation.relative > 1e-3
