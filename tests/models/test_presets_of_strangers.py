"""A preset may be anybody's. It imports, runs and reads nothing of its choosing."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from kser.errors import UserError
from kser.models import EmotionClassifier, SpeechAudioConverter, SpeechBackbone, UtterancePreprocessor
from tests.models.small_models import classifier, log_mel

Change = Callable[[Path], object]
LAMBDA = {
    "class_name": "__lambda__",
    "config": {"value": pickle.dumps("code").hex(), "defaults": None, "closure": None},
}


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    classifier(log_mel()).save_to_preset(str(tmp_path / "preset"))
    return tmp_path / "preset"


def with_value(file: str, place: str, value: Any) -> Change:
    """Put a value at a place such as "config.filters" of a JSON file."""

    def change(folder: Path) -> None:
        content = json.loads((folder / file).read_text())
        inner = content
        *outer, name = place.split(".")
        for step in outer:
            inner = inner[step]
        inner[name] = value
        (folder / file).write_text(json.dumps(content))

    return change


def every_way_to_load(folder: Path) -> None:
    """Load a preset as everything that it is; the first refusal ends it."""
    SpeechBackbone.from_preset(folder)
    SpeechAudioConverter.from_preset(folder)
    UtterancePreprocessor.from_preset(folder)
    EmotionClassifier.from_preset(folder)


def assert_refused(folder: Path, says: str, load: Callable[[Path], object] = every_way_to_load) -> None:
    with pytest.raises(UserError) as refusal:
        load(folder)
    line = str(refusal.value)
    assert line.startswith(str(folder))
    assert says in line
    assert "\n" not in line
    assert len(line) < 600


def test_an_unchanged_preset_loads(preset: Path) -> None:
    every_way_to_load(preset)


@pytest.mark.parametrize(
    ("file", "place", "value", "says"),
    [
        (
            "config.json",
            "registered_name",
            "stranger>Backbone",
            'names "stranger>Backbone", which is not a class',
        ),
        ("config.json", "registered_name", 5, "names 5, which is not a class"),
        ("config.json", "config", "x", "has no object `config`"),
        ("config.json", "config.filters", "x", "the model cannot be loaded: "),
        ("config.json", "config.filters", [8, "x"], "the model cannot be loaded: "),
        ("config.json", "config.dtype", "x", "the model cannot be loaded: "),
        ("config.json", "config.hop_length", 0, "the model cannot be loaded: "),
        ("task.json", "config.labels", "text", "the model cannot be loaded: "),
        ("task.json", "config.labels", [1, 2], "the model cannot be loaded: "),
        ("task.json", "config.pooling", "none", "the model cannot be loaded: "),
        ("task.json", "config.backbone", None, "the model cannot be loaded: "),
        ("task.json", "config.labels", list("abcdefg"), "the model cannot be loaded: "),
        ("task.json", "registered_name", "kser>LogMelBackbone", "holds no EmotionClassifier"),
        ("audio_converter.json", "config.sampling_rate", "x" * 9999, "the model cannot be loaded: "),
        ("preprocessor.json", "config.audio_converter.registered_name", "a>b", 'names "a>b"'),
    ],
)
def test_what_does_not_fit(preset: Path, file: str, place: str, value: Any, says: str) -> None:
    with_value(file, place, value)(preset)
    assert_refused(preset, says)


@pytest.mark.parametrize("file", ["config.json", "task.json", "preprocessor.json", "audio_converter.json"])
def test_a_file_that_is_nested_too_deep(preset: Path, file: str) -> None:
    (preset / file).write_text('{"registered_name": "kser>LogMelBackbone", "config": ' + "[" * 99_999)
    assert_refused(preset, f"{file}: brackets nested more than 100 deep")


@pytest.mark.parametrize(
    "value",
    [
        LAMBDA,
        {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {"function": LAMBDA},
            "registered_name": None,
        },
        {
            "module": "keras.layers",
            "class_name": "TFSMLayer",
            "config": {"filepath": "/etc"},
            "registered_name": None,
        },
        {
            "module": "keras.layers",
            "class_name": "StringLookup",
            "config": {"vocabulary": "/etc/passwd"},
            "registered_name": None,
        },
        {
            "module": "keras_hub.src.tokenizers.byte_pair_tokenizer",
            "class_name": "BytePairTokenizer",
            "config": {"vocabulary": "/etc/passwd", "merges": "/etc/passwd"},
            "registered_name": "keras_hub>BytePairTokenizer",
        },
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        {"module": "keras.src.models", "class_name": "Model", "config": {}, "registered_name": "Functional"},
    ],
)
@pytest.mark.parametrize(
    ("file", "place"), [("config.json", "config.dropout"), ("task.json", "config.pooling_arguments")]
)
def test_nothing_of_its_choosing_is_made(preset: Path, file: str, place: str, value: Any) -> None:
    with_value(file, place, value)(preset)
    assert_refused(preset, f"{file}: names ")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_mel_bins": 10**9}, "config.num_mel_bins: must be at most 65536, got 1000000000"),
        ({"num_mel_bins": 34}, "`num_mel_bins` must be from 1 to 33"),
        ({"num_mel_bins": 60_000, "window_length": 60_000}, "`num_mel_bins` must be from 1 to 1024"),
        ({"window_length": 10**7}, "config.window_length: must be at most 65536, got 10000000"),
        ({"filters": [8, 10**9]}, "config.filters: must be at most 65536, got 1000000000"),
        ({"filters": [60_000, 60_000]}, "config.json describes more weights than its files can hold ("),
        ({"filters": [8] * 50_000}, "config.filters: must be at most 1000 numbers, got 50000"),
    ],
)
def test_sizes_are_bounded_before_anything_is_made(preset: Path, changes: dict[str, Any], says: str) -> None:
    for name, value in changes.items():
        with_value("config.json", f"config.{name}", value)(preset)
    assert_refused(preset, says)


def test_a_head_is_bounded_too(preset: Path) -> None:
    with_value("task.json", "config.projection_dim", 60_000)(preset)
    assert_refused(preset, "describes more weights than its files can hold (")
    load = lambda folder: EmotionClassifier.from_preset(folder, labels=["a", "b"])  # noqa: E731
    assert_refused(preset, "describes more weights than its files can hold (", load)


def test_weights_of_another_size_are_refused(preset: Path) -> None:
    with_value("config.json", "config.filters", [8, 9])(preset)
    assert_refused(preset, "the model cannot be loaded: ")


def test_what_is_wrong_with_the_callers_arguments_is_not_the_presets_fault(preset: Path) -> None:
    with pytest.raises(ValueError, match="A task has no argument `droput`"):
        EmotionClassifier.from_preset(preset, droput=0.5)


def test_a_damaged_preset_is_told_whatever_the_arguments(preset: Path) -> None:
    (preset / "model.weights.h5").write_bytes(b"HDF")
    load = lambda folder: EmotionClassifier.from_preset(folder, dropout=0.5)  # noqa: E731
    assert_refused(preset, "the model cannot be loaded: ", load)


def test_weights_in_other_files_are_not_read(preset: Path) -> None:
    weights = preset / "model.weights.h5"
    weights.rename(preset.parent / "elsewhere.h5")
    with h5py.File(weights, "w") as file, h5py.File(preset.parent / "elsewhere.h5") as elsewhere:
        for name in elsewhere:
            file[name] = h5py.ExternalLink(str(preset.parent / "elsewhere.h5"), name)
    padded = bytearray(weights.read_bytes())
    weights.write_bytes(padded + bytes(1 << 16))  # room for what the configuration describes
    assert_refused(preset, "Not allowed: H5 file with ExternalLink")


@pytest.mark.parametrize("shard", ["../elsewhere.h5", "/etc/passwd", "a\\b.h5", 5, ["x.h5", "../y.h5"]])
def test_shards_are_files_of_the_preset(preset: Path, shard: Any) -> None:
    (preset / "model.weights.h5").unlink()
    index = preset / "model.weights.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": {"/layers/a/vars": shard}}))
    assert_refused(preset, "weight_map: ")


@pytest.mark.thorough
def test_archives_are_not_unpacked(preset: Path) -> None:
    for name in ("assets.zip", "model.keras", "assets/tokenizer/vocabulary.zip", "model.tar"):
        (preset / name).parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(preset / name, "w") as archive:
            archive.writestr("../planted.py", "planted = True")
            archive.writestr("planted.py", "planted = True")
    before = sorted(preset.parent.rglob("*"))
    every_way_to_load(preset)
    assert sorted(preset.parent.rglob("*")) == before
