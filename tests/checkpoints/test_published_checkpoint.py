"""Reading a folder in the Hugging Face layout: prefixes, number formats, what is left over."""

import json
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError
from tests.golden import VARIANTS, golden_folder

VALUES = np.array([[0.5, -1.25], [3.0, 65504.0]], np.float32)  # float16 has them all; bfloat16 not the last


def written(folder: Path, tensors: dict[str, np.ndarray]) -> PublishedCheckpoint:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    save_file(tensors, folder / "model.safetensors")
    return PublishedCheckpoint(folder)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
def test_every_float_format_is_read_as_float32(tmp_path: Path, dtype: type) -> None:
    tensor = written(tmp_path, {"a": VALUES.astype(dtype)}).tensor("a")
    assert tensor.dtype == np.float32
    np.testing.assert_array_equal(tensor, VALUES.astype(dtype).astype(np.float32))


def test_bfloat16_is_read_where_nothing_else_has_taught_it_to_numpy(tmp_path: Path) -> None:
    written(tmp_path, {"a": VALUES.astype(ml_dtypes.bfloat16)})
    program = (
        "import sys; from kser.checkpoints.published_checkpoint import PublishedCheckpoint; "
        "assert not {'ml_dtypes', 'keras', 'jax', 'torch'} & set(sys.modules); "
        "print(PublishedCheckpoint(sys.argv[1]).tensor('a').tolist())"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(finished.stdout) == VALUES.astype(ml_dtypes.bfloat16).astype(float).tolist()


def test_first_prefix_that_has_the_probe_is_taken(tmp_path: Path) -> None:
    checkpoint = written(tmp_path, {"wav2vec2.a": VALUES, "a.head": VALUES + 1, "other": VALUES})
    checkpoint.select_prefix(["", "wav2vec2."], probe="a")
    assert checkpoint.has("a")
    assert not checkpoint.has("wav2vec2.a")
    assert not checkpoint.has("other")
    np.testing.assert_array_equal(checkpoint.tensor("a"), VALUES)


def test_prefix_stays_empty_where_the_probe_has_none(tmp_path: Path) -> None:
    checkpoint = written(tmp_path, {"a": VALUES, "wav2vec2.a": VALUES + 1})
    checkpoint.select_prefix(["", "wav2vec2."], probe="a")
    np.testing.assert_array_equal(checkpoint.tensor("a"), VALUES)


def test_probe_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    checkpoint = written(tmp_path, {"encoder.a": VALUES})
    with pytest.raises(UserError, match=r"holds no tensor a \(nor under wav2vec2\.\)"):
        checkpoint.select_prefix(["", "wav2vec2."], probe="a")


def test_tensor_that_is_missing_is_named_with_its_prefix(tmp_path: Path) -> None:
    checkpoint = written(tmp_path, {"wav2vec2.a": VALUES})
    checkpoint.select_prefix(["wav2vec2."], probe="a")
    with pytest.raises(UserError, match=r"model\.safetensors lacks the tensor wav2vec2\.b$"):
        checkpoint.tensor("b")


def test_unused_tensors_are_those_that_nobody_read(tmp_path: Path) -> None:
    checkpoint = written(tmp_path, {"wav2vec2.a": VALUES, "wav2vec2.b": VALUES, "head": VALUES})
    assert checkpoint.unused_tensors() == ["head", "wav2vec2.a", "wav2vec2.b"]
    checkpoint.select_prefix(["wav2vec2."], probe="a")
    checkpoint.has("b")  # asking is not reading
    checkpoint.tensor("a")
    assert checkpoint.unused_tensors() == ["head", "wav2vec2.b"]


def test_feature_extractor_config_is_empty_where_there_is_none(tmp_path: Path) -> None:
    checkpoint = written(tmp_path, {"a": VALUES})
    assert checkpoint.feature_extractor_config() == {}
    (tmp_path / "preprocessor_config.json").write_text('{"do_normalize": false}')
    assert checkpoint.feature_extractor_config() == {"do_normalize": False}


@pytest.mark.parametrize("field", ["feature_extractor", "audio_processor"])
def test_feature_extractor_within_a_processor_goes_first(tmp_path: Path, field: str) -> None:
    checkpoint = written(tmp_path, {"a": VALUES})
    (tmp_path / "preprocessor_config.json").write_text('{"do_normalize": false}')
    processor = tmp_path / "processor_config.json"
    processor.write_text(json.dumps({"processor_class": "Wav2Vec2Processor", field: {"sampling_rate": 8000}}))
    assert checkpoint.feature_extractor_config() == {"sampling_rate": 8000}
    processor.write_text('{"processor_class": "Wav2Vec2Processor"}')  # as before transformers 5
    assert checkpoint.feature_extractor_config() == {"do_normalize": False}


@pytest.mark.parametrize("variant", VARIANTS)
def test_golden_checkpoints_say_what_they_are(variant: str) -> None:
    checkpoint = PublishedCheckpoint(golden_folder(variant))
    families = ("hubert", "wavlm", "data2vec_audio", "unispeech_sat", "unispeech")
    family = next((family for family in families if variant.startswith(family)), "wav2vec2")
    assert checkpoint.model_type.replace("-", "_") == family
    assert checkpoint.feature_extractor_config()["sampling_rate"] == 16000
