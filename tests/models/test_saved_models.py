"""Models that kser 0.1.0 saved load, and give what they gave."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kser.models import EmotionTask, SpeechBackbone
from tests.golden import saved_model, saved_model_outputs, saved_model_utterances

KINDS = {
    "classifier": ("EmotionClassifier", "LogMelBackbone"),
    "regressor": ("EmotionRegressor", "WavLMBackbone"),
    "tagger": ("EmotionTagger", "WhisperEncoderBackbone"),
    "multi_task": ("MultiTaskEmotionModel", "MoonshineEncoderBackbone"),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(kind: str) -> EmotionTask:
    return EmotionTask.from_preset(saved_model(kind))


@pytest.mark.thorough
def test_outputs_are_those_that_the_version_gave_which_saved_it(kind: str, model: EmotionTask) -> None:
    assert (type(model).__name__, type(model.backbone).__name__) == KINDS[kind]
    outputs = model.predict_on_batch(saved_model_utterances())  # runs the preprocessor
    outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
    expected = saved_model_outputs(kind)
    assert outputs.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(outputs[name]), values, rtol=0, atol=2e-5, err_msg=name
        )


def test_saved_again_it_is_the_same_model(model: EmotionTask, tmp_path: Path) -> None:
    model.save_to_preset(str(tmp_path))
    again = EmotionTask.from_preset(tmp_path)
    assert again.get_config() == model.get_config()
    assert_same_weights(again, model)


def test_backbone_loads_without_its_head(kind: str, model: EmotionTask) -> None:
    backbone = SpeechBackbone.from_preset(saved_model(kind))
    assert backbone.get_config() == model.backbone.get_config()
    assert_same_weights(backbone, model.backbone)


def assert_same_weights(ours: keras.Model, theirs: keras.Model) -> None:
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
