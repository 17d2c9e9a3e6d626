"""Pooled hidden states are those of the backbone, alone and padded, whatever the family."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from kser.audio.decoding import Sound
from kser.audio.waveform import model_inputs
from kser.errors import UserError
from kser.models import (
    MoonshineEncoderBackbone,
    SpeechAudioConverter,
    SpeechBackbone,
    UtterancePreprocessor,
    WhisperEncoderBackbone,
)
from kser.representations.embedding.layer_states import LayerStates
from tests.golden import golden_folder
from tests.models.small_models import BACKBONES, EVERY_BACKBONE, classifier, log_mel, wav2vec2, waveforms

LENGTHS = (500, 90, 2300, 1200)
_SIZES = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32}
ENCODERS = {
    "whisper": lambda: WhisperEncoderBackbone(**_SIZES, max_frames=20),
    "whisper_no_longer_than_the_batch": lambda: WhisperEncoderBackbone(
        **_SIZES, max_frames=20, pad_to_maximum=False
    ),
    "moonshine": lambda: MoonshineEncoderBackbone(**_SIZES, rotary_dim=6),
}


def saved(folder: Path, backbone: SpeechBackbone, **settings: object) -> Path:
    preprocessor = UtterancePreprocessor(SpeechAudioConverter(**settings))
    classifier(backbone, preprocessor=preprocessor).save_to_preset(str(folder))
    return folder


def sounds(given: list[np.ndarray]) -> list[tuple[str, Sound]]:
    return [(f"recording {place}", Sound(each[:, None], 16_000)) for place, each in enumerate(given)]


def frames_alone(
    backbone: SpeechBackbone, waveform: np.ndarray, do_normalize: bool = True
) -> list[np.ndarray]:
    """Every hidden state of one waveform, (frames with sound, channels), without padding of kser's."""
    batch, mask = model_inputs([waveform], do_normalize=do_normalize, mask_padding=True)
    states = keras.Model(backbone.input, [*backbone.hidden_states, backbone.output["frame_mask"]])
    *hidden, sound = map(ops.convert_to_numpy, states({"waveform": batch, "padding_mask": mask}))
    return [each[0][sound[0]] for each in hidden]


@pytest.mark.parametrize("name", EVERY_BACKBONE)
@pytest.mark.thorough
def test_means_are_those_of_each_recording_alone(tmp_path, name):
    keras.utils.set_random_seed(1)
    backbone = BACKBONES[name]()
    given = waveforms(*LENGTHS)
    states = LayerStates(saved(tmp_path / "model", backbone))
    vectors, unusable = states.vectors(sounds(given), 3)
    assert not unusable and list(vectors) == list(range(len(backbone.hidden_states)))
    for place, waveform in enumerate(given):
        for layer, frames in enumerate(frames_alone(backbone, waveform)):
            np.testing.assert_allclose(vectors[layer][place], frames.mean(axis=0), atol=2e-5)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.thorough
def test_of_encoders_that_take_waveforms_as_they_are_too(tmp_path, name):
    """Together and one by one, of lengths that are padded to 4096 and 8192 or, by Whisper, 6400 samples."""
    keras.utils.set_random_seed(1)
    backbone = ENCODERS[name]()
    given = [0.1 * each for each in waveforms(2233, 6300)]
    states = LayerStates(saved(tmp_path / "model", backbone, do_normalize=False))
    together, unusable = states.vectors(sounds(given), 3)
    assert not unusable and list(together) == list(range(len(backbone.hidden_states)))
    for place, waveform in enumerate(given):
        alone, _ = states.vectors(sounds([waveform]), 1)
        for layer, frames in enumerate(frames_alone(backbone, waveform, do_normalize=False)):
            for vectors in (together[layer][place], alone[layer][0]):
                np.testing.assert_allclose(vectors, frames.mean(axis=0), atol=2e-5)


@pytest.mark.parametrize(
    ("pool", "of_frames"),
    [
        ("max", lambda frames: frames.max(axis=0)),
        ("first_last", lambda frames: np.concatenate([frames[0], frames[-1]])),
        ("mean+std", lambda frames: np.concatenate([frames.mean(axis=0), frames.std(axis=0)])),
    ],
)
def test_other_poolings_of_one_layer(tmp_path, pool, of_frames: Callable):
    backbone = log_mel()
    given = waveforms(*LENGTHS)
    states = LayerStates(saved(tmp_path / "model", backbone), [1], pool)
    vectors, _ = states.vectors(sounds(given), 4)
    expected = [of_frames(frames_alone(backbone, waveform)[1]) for waveform in given]
    assert list(vectors) == [1] and states.channels == {1: vectors[1].shape[1]}
    np.testing.assert_allclose(vectors[1], expected, atol=2e-5)


@pytest.mark.thorough
def test_padding_does_not_count_where_the_model_takes_it_for_sound(tmp_path):
    backbone = wav2vec2()
    (waveform,) = waveforms(700)
    states = LayerStates(saved(tmp_path / "model", backbone, mask_padding=False), [1])
    vectors, _ = states.vectors(sounds([waveform]), 2)
    samples = states.audio.padded_length(len(waveform))
    batch, mask = model_inputs([waveform], do_normalize=True, mask_padding=False, samples=samples)
    heard = keras.Model(backbone.input, backbone.hidden_states[1])({"waveform": batch, "padding_mask": mask})
    frames = len(frames_alone(backbone, waveform)[1])
    expected = ops.convert_to_numpy(heard)[0, :frames].mean(axis=0)
    assert samples > len(waveform)
    np.testing.assert_allclose(vectors[1][0], expected, atol=2e-5)


@pytest.mark.thorough
def test_recordings_are_read_as_the_model_was_trained_on_them(tmp_path):
    backbone = log_mel()
    folder = saved(tmp_path / "model", backbone, max_seconds=0.05, too_long="split", min_seconds=0.02)
    (long,) = waveforms(1600)
    vectors, unusable = LayerStates(folder).vectors(sounds([long, long[:200]]), 2)
    halves = [frames_alone(backbone, half)[-1].mean(axis=0) for half in np.split(long, 2)]
    np.testing.assert_allclose(vectors[max(vectors)], [np.mean(halves, axis=0)], atol=2e-5)
    assert "min_seconds" in str(unusable[1])


def test_a_backbone_without_head_and_a_published_checkpoint(tmp_path):
    backbone = log_mel()
    backbone.save_to_preset(str(tmp_path))
    SpeechAudioConverter().save_to_preset(str(tmp_path))
    with_head = LayerStates(saved(tmp_path / "model", backbone))
    without = LayerStates(tmp_path)
    assert without.fingerprint == with_head.fingerprint
    published = LayerStates(golden_folder("group_norm"))
    vectors, _ = published.vectors(sounds(waveforms(4000)), 1)
    assert [len(each) for each in vectors.values()] == [1] * (published.num_layers + 1)
    assert published.fingerprint != without.fingerprint


def test_other_weights_or_another_reading_have_another_fingerprint(tmp_path):
    backbone = log_mel()
    first = LayerStates(saved(tmp_path / "first", backbone)).fingerprint
    assert LayerStates(saved(tmp_path / "louder", backbone, loudness_lufs=-20)).fingerprint != first
    backbone.weights[0].assign(backbone.weights[0] * 2)
    assert LayerStates(saved(tmp_path / "other", backbone)).fingerprint != first


@pytest.mark.thorough
def test_what_fine_tuning_with_lora_changed_is_in_the_hidden_states(tmp_path):
    backbone = wav2vec2()
    backbone.enable_lora(2)
    for weight in backbone.trainable_weights:
        weight.assign(weight + 0.1)
    (waveform,) = waveforms(800)
    vectors, _ = LayerStates(saved(tmp_path / "model", backbone)).vectors(sounds([waveform]), 1)
    np.testing.assert_allclose(
        vectors[1][0], frames_alone(backbone, waveform)[1].mean(axis=0), rtol=1e-4, atol=2e-5
    )


def test_layers_and_poolings_that_are_not_there(tmp_path):
    folder = saved(tmp_path / "model", log_mel())
    with pytest.raises(UserError, match=r"layers: must be from 0 to 2, the layers of .*, got 3, 7"):
        LayerStates(folder, [0, 3, 7])
    with pytest.raises(UserError, match=r"pool: must be one of mean, max, first_last, mean\+std, got median"):
        LayerStates(folder, pool="median")
