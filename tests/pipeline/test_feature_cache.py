"""Kept features are those of this recording and this encoder, whole or not at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from kser.audio.processing import AudioProcessing
from kser.errors import UserError
from kser.pipeline.batch_plan import PlannedBatch
from kser.pipeline.datasets import BatchSource, evaluation_dataset, tf_dataset
from kser.pipeline.feature_cache import SUFFIX, FeatureCache
from kser.pipeline.feature_computing import compute_missing
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat

RATE = 8000
FORMAT = WaveformFormat(RATE, do_normalize=True, mask_padding=True, minimum_samples=45)
READER = WaveformReader(FORMAT)
LENGTHS = [300, 9000, 45, 520]
CHANNELS, SAMPLES_PER_FRAME = 2, 20


def cache_in(place: Path, **differing) -> FeatureCache:
    cache = FeatureCache(place / "features", "encoder", FORMAT, CHANNELS, SAMPLES_PER_FRAME)
    return replace(cache, **differing)


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(0)
    for number, length in enumerate(LENGTHS):
        sf.write(tmp_path / f"{number}.wav", rng.uniform(-0.5, 0.5, length), RATE, subtype="FLOAT")
    return [str(tmp_path / f"{number}.wav") for number in range(len(LENGTHS))]


class Encoder:
    """First and last sample under each frame, as a convolution over 45 samples every 20 would see them."""

    def __init__(self) -> None:
        self.given: list[np.ndarray] = []

    def __call__(self, waveform: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert waveform.shape == mask.shape == (1, waveform.shape[1])
        self.given.append(waveform)
        starts = np.arange(0, waveform.shape[1] - 44, SAMPLES_PER_FRAME)
        features = np.stack([waveform[0, starts], waveform[0, starts + 44]], axis=-1)
        return features[None], mask[:, starts + 44]


def entries(cache: FeatureCache) -> list[Path]:
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


def test_features_are_kept_as_float16(tmp_path: Path, paths: list[str]) -> None:
    cache = cache_in(tmp_path)
    features = np.random.default_rng(0).normal(size=(7, CHANNELS)).astype(np.float32)
    assert cache.get(paths[0]) is None
    cache.put(paths[0], features)
    kept = cache.get(paths[0])
    assert kept is not None
    assert kept.dtype == np.float16
    np.testing.assert_allclose(kept, features, rtol=5e-4)
    assert [path.suffix for path in entries(cache)] == [SUFFIX]


def test_every_recording_encoder_and_processing_has_its_own_entry(tmp_path: Path, paths: list[str]) -> None:
    cache = cache_in(tmp_path)
    cache.put(paths[0], np.ones((3, CHANNELS)))
    assert cache.get(paths[1]) is None
    assert cache.get(f"{paths[0]}#t=0,0.02") is None
    assert replace(cache, encoder="another").get(paths[0]) is None
    for differing in ({"do_normalize": False}, {"processing": AudioProcessing(trim_db=40.0)}):
        assert replace(cache, format=replace(FORMAT, **differing)).get(paths[0]) is None
    sf.write(paths[0], np.zeros(300), RATE)
    assert cache.get(paths[0]) is None


@pytest.mark.parametrize("damage", ["cut", "changed", "another file", "empty"])
def test_a_damaged_entry_is_noticed_and_made_again(tmp_path: Path, paths: list[str], damage: str) -> None:
    cache, encoder = cache_in(tmp_path), Encoder()
    compute_missing(cache, READER, paths[:1], encoder)
    whole = cache(paths[0])
    (entry,) = entries(cache)
    content = bytearray(entry.read_bytes())
    content[-1] ^= 1
    entry.write_bytes(
        {"cut": content[:-2], "changed": content, "another file": b"RIFF" * 40, "empty": b""}[damage]
    )
    with pytest.raises(UserError, match=r"feature_cache: .*features of .*0\.wav were removed or damaged"):
        cache(paths[0])
    assert compute_missing(cache, READER, paths[:1], encoder) == 1
    np.testing.assert_array_equal(cache(paths[0]), whole)


def test_what_float16_cannot_hold_and_what_cannot_be_written_is_told(
    tmp_path: Path, paths: list[str]
) -> None:
    with pytest.raises(UserError, match=r"feature_cache: .*0\.wav do not fit into float16"):
        cache_in(tmp_path).put(paths[0], np.full((3, CHANNELS), 1e5))
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match=r"cannot be written"):
        cache_in(tmp_path, folder=tmp_path / "file").put(paths[0], np.ones((3, CHANNELS)))
    with pytest.raises(UserError, match=r"nowhere\.wav: audio file not found"):
        cache_in(tmp_path).get(str(tmp_path / "nowhere.wav"))


def test_each_recording_is_computed_once_at_a_padding_of_its_own(tmp_path: Path, paths: list[str]) -> None:
    cache, encoder = cache_in(tmp_path), Encoder()
    shown = []

    def progress(items, total):
        for item in items:
            shown.append(item)
            yield item
        assert total == len(paths)

    assert compute_missing(cache, READER, [*paths, paths[0]], encoder, progress) == len(paths)
    assert len(shown) == len(paths)
    assert [given.shape[1] for given in encoder.given] == [8192, 10240, 8192, 8192]
    for path, length in zip(paths, LENGTHS, strict=True):
        assert len(cache(path)) == cache.frames(length)
    assert compute_missing(cache, READER, paths, encoder) == 0
    # In another order and company the same is kept.
    other = cache_in(tmp_path, folder=tmp_path / "other")
    compute_missing(other, READER, paths[::-1], Encoder())
    for path in paths:
        np.testing.assert_array_equal(other(path), cache(path))


def test_what_a_model_pads_to_by_itself_is_the_only_length(tmp_path: Path, paths: list[str]) -> None:
    cache, encoder = cache_in(tmp_path, padded_samples=600), Encoder()
    compute_missing(cache, READER, paths, encoder)
    assert [given.shape[1] for given in encoder.given] == [600, 10240, 600, 600], "but of what is longer"
    for path in paths:
        assert cache_in(tmp_path).get(path) is not None, "it is no other entry"


def test_batches_hold_features_and_their_mask(tmp_path: Path, paths: list[str]) -> None:
    cache = cache_in(tmp_path)
    compute_missing(cache, READER, paths, Encoder())
    utterances = Utterances.from_files(paths, [0, 1, 2, 1], READER).with_features(cache)
    batches = [PlannedBatch((3, 0), 600), PlannedBatch((2,), 600)]
    source = BatchSource(utterances, batches, 3, 0, 2)
    inputs, targets, weights = source[0]
    assert inputs["features"].shape == (3, cache.frames(600), CHANNELS)
    assert inputs["features"].dtype == np.float16
    np.testing.assert_array_equal(inputs["frame_mask"].sum(axis=1), [cache.frames(520), cache.frames(300), 0])
    np.testing.assert_array_equal(inputs["features"][1][inputs["frame_mask"][1]], cache(paths[0]))
    assert not inputs["features"][~inputs["frame_mask"]].any()
    np.testing.assert_array_equal(targets, [1, 0, 0])
    np.testing.assert_array_equal(weights, [1.0, 1.0, 0.0])
    dataset = evaluation_dataset(utterances, batches, 3)
    (of_tf, *_) = next(tf_dataset(dataset).as_numpy_iterator())
    np.testing.assert_array_equal(of_tf["features"], inputs["features"])
    assert tf_dataset(dataset).element_spec[0]["features"].shape == (None, None, CHANNELS)


def test_frames_are_counted_as_a_stack_of_convolutions_does(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    for samples in range(1, 400):
        length = samples
        for kernel_size, stride in ((10, 5), (4, 2), (3, 2)):
            length = max(0, (length - kernel_size) // stride + 1)
        assert cache.frames(samples) == length
