"""From waveforms as users have them to the padded batch."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from kser.errors import UserError
from kser.models import SpeechAudioConverter, UtterancePreprocessor
from tests.golden import golden_folder
from tests.models.small_models import waveforms


def test_batch_equals_each_alone() -> None:
    utterances = [3 * wave + 2 for wave in waveforms(300, 200, 1)]
    batch = SpeechAudioConverter()(utterances)
    assert batch["waveform"].shape == batch["padding_mask"].shape == (3, 300)
    assert batch["waveform"].dtype == np.float32
    for i, utterance in enumerate(utterances):
        alone = SpeechAudioConverter()(utterance)
        assert alone["waveform"].shape == (1, len(utterance))
        np.testing.assert_array_equal(batch["waveform"][i, : len(utterance)], alone["waveform"][0])
        assert not batch["waveform"][i, len(utterance) :].any()
        np.testing.assert_array_equal(batch["padding_mask"][i], np.arange(300) < len(utterance))


def test_normalised_utterance_has_mean_zero_and_variance_one() -> None:
    (utterance,) = waveforms(5000)
    (result,) = SpeechAudioConverter()(0.01 * utterance + 4)["waveform"]
    assert result.mean() == pytest.approx(0, abs=1e-3)
    assert result.var() == pytest.approx(1, abs=1e-2)


def test_silence_stays_silence() -> None:
    assert not SpeechAudioConverter()(np.zeros(100))["waveform"].any()


def test_without_normalisation_samples_stay_as_they_are() -> None:
    (utterance,) = waveforms(300)
    batch = SpeechAudioConverter(do_normalize=False)(utterance)
    np.testing.assert_array_equal(batch["waveform"], utterance[None])


def test_padded_batch_with_its_mask_equals_the_list() -> None:
    utterances = waveforms(300, 200)
    padded = np.full((2, 300), 9.0, np.float32)  # what stands in the padding is nobody's concern
    padded[0], padded[1, :200] = utterances
    from_batch = SpeechAudioConverter()(padded, padding_mask=np.arange(300) < np.array([[300], [200]]))
    from_list = SpeechAudioConverter()(utterances)
    for name, expected in from_list.items():
        np.testing.assert_array_equal(from_batch[name], expected)


def test_forms_of_one_utterance_are_equal() -> None:
    (utterance,) = waveforms(50)
    expected = SpeechAudioConverter()(utterance)["waveform"]
    tensor = keras.ops.convert_to_tensor(utterance)
    for form in (utterance.tolist(), utterance[None], [utterance], (utterance,), tensor):
        np.testing.assert_array_equal(SpeechAudioConverter()(form)["waveform"], expected)


def test_batch_as_a_tensor_or_nested_lists_equals_the_array() -> None:
    batch = np.stack(waveforms(50, 50))
    expected = SpeechAudioConverter()(batch)["waveform"]
    for form in (batch.tolist(), keras.ops.convert_to_tensor(batch)):
        np.testing.assert_array_equal(SpeechAudioConverter()(form)["waveform"], expected)


@pytest.mark.parametrize(
    "audio",
    [
        [],
        np.zeros(0),
        np.zeros((0, 10)),
        [np.zeros(10), np.zeros(0)],
        np.zeros((1, 10, 2)),
        [np.zeros((10, 2))],
    ],
)
def test_what_is_no_utterance_is_refused(audio) -> None:
    with pytest.raises(UserError, match="at least one sample"):
        SpeechAudioConverter()(audio)


def test_preprocessor_passes_labels_and_weights_through() -> None:
    utterances, labels, weights = waveforms(300, 200), np.array([1, 0]), np.array([0.5, 1.0])
    x, y, sample_weight = UtterancePreprocessor(SpeechAudioConverter())(utterances, labels, weights)
    np.testing.assert_array_equal(x["waveform"], SpeechAudioConverter()(utterances)["waveform"])
    assert y is labels
    assert sample_weight is weights


def test_config_brings_the_converter_back() -> None:
    converter = SpeechAudioConverter(sampling_rate=8000, do_normalize=False, mask_padding=False)
    loaded = SpeechAudioConverter.from_config(converter.get_config())
    assert (loaded.sampling_rate, loaded.do_normalize, loaded.mask_padding) == (8000, False, False)


@pytest.mark.parametrize(
    ("name", "do_normalize"), [("whisper", False), ("moonshine", False), ("hubert", True)]
)
def test_normalises_as_the_published_extractor(name, do_normalize) -> None:
    assert SpeechAudioConverter.from_preset(golden_folder(name)).do_normalize is do_normalize


def checkpoint_like(variant: str, folder: Path, **files: dict[str, object]) -> Path:
    """The configuration of a golden checkpoint, and further JSON files by their names without suffix."""
    shutil.copy(golden_folder(variant) / "config.json", folder)
    for name, fields in files.items():
        (folder / f"{name}.json").write_text(json.dumps(fields))
    return folder


def test_feature_extractor_within_a_processor(tmp_path: Path) -> None:
    fields = {
        "do_normalize": False,
        "sampling_rate": 8000,
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    }
    folder = checkpoint_like("group_norm", tmp_path, processor_config={"feature_extractor": fields})
    converter = SpeechAudioConverter.from_preset(folder)
    assert (converter.sampling_rate, converter.do_normalize) == (8000, False)


@pytest.mark.parametrize(
    ("variant", "do_normalize", "says"),
    [
        ("group_norm", True, "assumed is audio at 16000 Hz, of zero mean and unit variance"),
        ("wavlm_large", True, "assumed is audio at 16000 Hz, of zero mean and unit variance"),
        ("wavlm", False, "assumed is audio at 16000 Hz, as it is"),
        ("whisper", False, "assumed is audio at 16000 Hz, as it is"),
    ],
)
def test_what_is_assumed_where_no_file_says_it_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, variant: str, do_normalize: bool, says: str
) -> None:
    folder = checkpoint_like(variant, tmp_path)
    converter = SpeechAudioConverter.from_preset(folder)
    assert (converter.sampling_rate, converter.do_normalize) == (16000, do_normalize)
    SpeechAudioConverter.from_preset(folder)
    (line,) = caplog.messages
    assert line == f"{folder}: has no preprocessor_config.json and no processor_config.json; {says}"
    caplog.clear()
    checkpoint_like(variant, tmp_path, preprocessor_config={"sampling_rate": 16000})
    SpeechAudioConverter.from_preset(folder)
    assert not caplog.messages
