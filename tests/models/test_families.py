"""A family is known everywhere once it is entered, also from outside kser."""

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

from kser.errors import UserError
from kser.models import EmotionClassifier, SpeechAudioConverter, SpeechBackbone
from kser.models.building import build_backbone
from kser.models.families import scratch_backbones
from tests.models.outside_family import OutsideBackbone, outside_family
from tests.models.small_models import classifier, waveforms


@pytest.fixture(autouse=True)
def family() -> Iterator[None]:
    with outside_family():
        yield


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A published checkpoint of the outside family."""
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "outside-model", "channels": 3}))
    tensors = {"frames.weight": np.ones((320, 1, 3), "float32"), "frames.bias": np.zeros(3, "float32")}
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_outside_family_starts_from_random_weights() -> None:
    assert scratch_backbones()["scratch:outside"] is OutsideBackbone
    backbone = build_backbone("scratch:outside", {"hidden_dim": 2})
    assert isinstance(backbone, OutsideBackbone)
    assert backbone.hidden_dim == 2
    with pytest.raises(
        UserError, match=r"scratch:outsid: unknown architecture; known are .*scratch:outside, "
    ):
        build_backbone("scratch:outsid")
    with pytest.raises(UserError, match="OutsideBackbone has no argument hiden_dim; did you mean hidden_dim"):
        build_backbone("scratch:outside", {"hiden_dim": 2})


def test_outside_family_loads_its_published_checkpoints(checkpoint: Path) -> None:
    backbone = SpeechBackbone.from_preset(checkpoint)
    assert type(backbone) is OutsideBackbone
    waveform = np.ones((1, 700), "float32")
    outputs = backbone({"waveform": waveform, "padding_mask": np.ones((1, 700), bool)})
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(outputs["sequence_output"]), np.full((1, 2, 3), 320)
    )
    assert not SpeechAudioConverter.from_preset(checkpoint).do_normalize


def test_classifier_on_an_outside_family_is_saved_and_loaded(tmp_path: Path) -> None:
    model = classifier(OutsideBackbone())
    model.save_to_preset(str(tmp_path))
    loaded = EmotionClassifier.from_preset(tmp_path)
    utterances = waveforms(1000, 700)
    np.testing.assert_array_equal(loaded.predict_on_batch(utterances), model.predict_on_batch(utterances))
