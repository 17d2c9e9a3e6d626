"""`kser convert` as a user meets it, and its comparison with `transformers`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kser.checkpoints.weights import WEIGHTS_FILES
from kser.cli import convert
from kser.errors import UserError, install_extra
from kser.models import EmotionClassifier, SpeechAudioConverter, SpeechBackbone, verification
from kser.models.parity import Deviation, Parity
from kser.models.preset_writing import load_source, write_preset
from tests.checkpoints.torch_archives import write_tensors
from tests.cli.commands import Command
from tests.golden import golden_folder
from tests.models.small_models import log_mel


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A published checkpoint with a head, and its weights in a second format that nobody reads."""
    folder = Path(shutil.copytree(golden_folder("with_head"), tmp_path / "source"))
    write_tensors(folder / "pytorch_model.bin", {"a": np.zeros(1, np.float32)})
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_same_weights(one: SpeechBackbone, other: SpeechBackbone) -> None:
    pairs = list(zip(one.get_weights(), other.get_weights(), strict=True))
    assert len(pairs) > 10
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)


@pytest.mark.thorough
def test_preset_is_the_checkpoint(run: Command, source: Path, tmp_path: Path) -> None:
    preset = tmp_path / "presets" / "new"
    status, out, err = run("convert", source, preset)
    assert (status, err) == (0, "")
    assert f"{source}: wav2vec2, 0." in out
    assert "weights: model.safetensors (also found, and not read: pytorch_model.bin)" in out
    assert "head: EmotionClassifier: anger, happiness, neutrality, sadness\n" in out
    assert "without the head" not in out
    assert out.endswith(f"{preset}: written\n")
    assert list(preset.parent.iterdir()) == [preset]
    assert_same_weights(SpeechBackbone.from_preset(preset), SpeechBackbone.from_preset(source))
    converted, published = map(SpeechAudioConverter.from_preset, (preset, source))
    sound = np.random.default_rng(0).normal(size=900).astype(np.float32)
    np.testing.assert_array_equal(converted(sound)["waveform"], published(sound)["waveform"])
    classifiers = map(EmotionClassifier.from_preset, (preset, source))
    np.testing.assert_array_equal(*(classifier.predict(sound[None], verbose=0) for classifier in classifiers))
    new = EmotionClassifier.from_preset(preset, labels=["joy", "anger", "fear"])
    assert new.predict(sound[None], verbose=0).shape == (1, 3)
    facts = json.loads((preset / "source.json").read_text())
    assert facts["source"] == str(source)
    assert facts["weights_file"] == "model.safetensors"


def test_preset_of_a_preset(run: Command, tmp_path: Path) -> None:
    saved = log_mel()
    saved.save_to_preset(str(tmp_path / "bare"))
    status, _, err = run("convert", tmp_path / "bare", tmp_path / "out")
    assert status == 2
    assert err.startswith(f"kser: {tmp_path}/bare: is a KerasHub preset that lacks a file: ")
    SpeechAudioConverter(do_normalize=False).save_to_preset(str(tmp_path / "bare"))
    status, out, err = run("convert", tmp_path / "bare", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "LogMelBackbone" in out
    assert_same_weights(SpeechBackbone.from_preset(tmp_path / "out"), saved)
    assert not SpeechAudioConverter.from_preset(tmp_path / "out").do_normalize


@pytest.mark.parametrize("present", ["file", "folder", "checkpoint", "trained"])
@pytest.mark.parametrize("options", [(), ("--overwrite",)])
def test_what_is_there_stays(
    run: Command, source: Path, tmp_path: Path, present: str, options: tuple[str, ...]
) -> None:
    place = tmp_path / "place"
    if present == "file":
        place.write_text("mine")
    elif present == "checkpoint":
        shutil.copytree(source, place)
    else:
        place.mkdir()
        (place / "config.json").write_text('{"registered_name": "kser>Wav2Vec2Backbone"}')
        (place / ("task.json" if present == "trained" else "notes.txt")).write_text("mine")
    before = contents(tmp_path) | ({"place": b"mine"} if present == "file" else {})
    status, _, err = run("convert", source, place, *options)
    assert status == 2
    assert err.startswith(f"kser: {place}: is a ")
    assert err.endswith(", which is not overwritten; name a folder that does not exist yet\n")
    assert contents(tmp_path) == before


def test_converted_preset_is_replaced_only_when_asked(run: Command, source: Path, tmp_path: Path) -> None:
    preset = tmp_path / "preset"
    preset.mkdir()  # an empty folder is no loss
    assert run("convert", golden_folder("layer_norm_post"), preset)[0] == 0
    before = contents(preset)
    status, _, err = run("convert", source, preset)
    assert status == 2
    assert err == f"kser: {preset}: already holds a converted preset; --overwrite replaces it\n"
    assert contents(preset) == before
    assert run("convert", source, preset, "--overwrite")[0] == 0
    assert_same_weights(SpeechBackbone.from_preset(preset), SpeechBackbone.from_preset(source))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "convert: requires SRC and DST, e.g. kser convert wav2vec2_base presets/wav2vec2_base"),
        (("wav2vec2_base",), "convert: requires SRC and DST"),
        (("wav2vec_base", "DST"), "wav2vec_base: folder not found, and not a Hugging Face id"),
        (("/missing", "DST"), "/missing: folder not found"),
    ],
)
def test_mistakes(run: Command, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    status, _, err = run(
        "convert", *(tmp_path / argument if argument == "DST" else argument for argument in arguments)
    )
    assert status == 2
    assert err.startswith(f"kser: {says}")
    assert len(err.splitlines()) == 1
    assert not any(tmp_path.iterdir())


def test_list_names_revision_and_licence(run: Command) -> None:
    status, out, _ = run("convert", "--list")
    assert status == 0
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert "0b5b8e868d" in lines["wav2vec2_base"]
    assert "94 M" in lines["wav2vec2_base"]
    assert "cc-by-nc-4.0 (no commercial use)" in lines["mms_300m"]
    assert "facebook/mms-300m" in lines["mms_300m"]


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_verifying_without_its_libraries(
    run: Command, source: Path, tmp_path: Path, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "find_spec", lambda name: None if name == missing else name)
    status, out, err = run("convert", source, tmp_path / "preset", "--verify")
    assert status == 2
    assert out == ""
    assert f"not installed: {missing}; {install_extra('torch')}" in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "preset").exists()


class TestWithTransformers:
    """What needs the extra `torch`."""

    @pytest.fixture(autouse=True)
    def fewer_utterances(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two short ones: each length is compiled anew."""
        pytest.importorskip("torch")
        pytest.importorskip("transformers")
        utterances = convert.comparison_utterances()
        assert len({len(utterance) for utterance in utterances}) == len(utterances) == 3
        fewer = [utterances[1][2000:7000], utterances[2][3000:6000]]
        monkeypatch.setattr(convert, "comparison_utterances", lambda: fewer)

    @pytest.mark.thorough
    @pytest.mark.parametrize("variant", ["hubert_without_projection_norm", "with_head", "data2vec_audio"])
    def test_verified_conversion(self, run: Command, tmp_path: Path, variant: str) -> None:
        """Group norm without a mask, layer norm with one, and code that lets padding in."""
        preset = tmp_path / "preset"
        status, out, err = run("convert", golden_folder(variant), preset, "--verify")
        assert (status, err) == (0, "")
        rows = {line[:16].strip(): line[16:].split() for line in out.splitlines() if "." in line[16:]}
        for place in ("before layer 1", "layer 1", "layer 2"):
            alone, padded, theirs, allowed = map(float, rows[place][:4])
            assert 0 < max(alone, padded) <= allowed
            assert allowed == pytest.approx(max(5 * theirs, 5e-6), rel=0.2)  # of two digits each
        assert float(rows["audio converter"][0]) <= float(rows["audio converter"][1]) == 5e-6
        assert "\nequal but for rounding: the largest error, of " in out
        assert preset.is_dir()

    @pytest.mark.thorough
    def test_difference_is_found_and_nothing_written(self, run: Command, tmp_path: Path) -> None:
        """A preset of other weights: each of its numbers is one that a wrong conversion might give."""
        other = Path(shutil.copytree(golden_folder("hubert"), tmp_path / "other"))
        tensors = load_file(other / "model.safetensors")
        tensors["encoder.layers.1.feed_forward.output_dense.bias"][3] += 1e-3
        save_file(tensors, other / "model.safetensors")
        preset = tmp_path / "preset"
        assert run("convert", other, preset)[0] == 0
        before = contents(preset)
        status, out, err = run("convert", golden_folder("hubert"), preset, "--verify")
        assert status == 2
        assert out.startswith(f"{preset}: exists; it is compared, and nothing is written\n")
        assert "differs from transformers at layer 2, where values reach " in err
        assert contents(preset) == before
        status, _, err = run("convert", preset, tmp_path / "copy", "--verify")
        assert status == 2
        assert "only published checkpoints load in transformers" in err
        assert not (tmp_path / "copy").exists()

    @pytest.mark.thorough
    def test_another_sampling_rate_is_found(self, run: Command, tmp_path: Path) -> None:
        """No comparison of arrays would show it."""
        preset = tmp_path / "preset"
        assert run("convert", golden_folder("with_head"), preset)[0] == 0
        converter = preset / "audio_converter.json"
        converter.write_text(converter.read_text().replace('"sampling_rate": 16000', '"sampling_rate": 8000'))
        status, _, err = run("convert", golden_folder("with_head"), preset, "--verify")
        assert status == 2
        assert "sampling_rate: the feature extractor takes audio at 16000 Hz, the preset at 8000 Hz" in err

    def test_an_adapter_is_not_compared(self, run: Command, tmp_path: Path) -> None:
        """What transformers loads are the weights without it."""
        source = Path(shutil.copytree(golden_folder("hubert"), tmp_path / "source"))
        save_file({}, source / "adapter_model.safetensors")
        (source / "adapter_config.json").write_text('{"peft_type": "LORA"}')
        status, _, err = run("convert", source, tmp_path / "preset", "--verify")
        assert status == 2
        assert f"kser: {source}: has a PEFT adapter, which transformers does not merge by itself; " in err
        assert not (tmp_path / "preset").exists()

    @pytest.mark.thorough
    @pytest.mark.parametrize("family", ["whisper", "moonshine"])
    def test_encoders_of_recognisers(self, tmp_path: Path, family: str) -> None:
        save_small_recogniser(family, tmp_path / "source")
        loaded = load_source(str(tmp_path / "source"))
        assert list(loaded.left_over.expected) == ["model.decoder"]
        assert loaded.left_over.unexpected == {}
        write_preset(loaded, tmp_path / "preset")
        rows = verification.compare_with_transformers(
            tmp_path / "source", tmp_path / "preset", convert.comparison_utterances()
        )
        assert [row.place for row in rows] == ["before layer 1", "layer 1", "layer 2"]
        assert all(row.worst.holds for row in rows)
        assert min(row.worst.magnitude for row in rows) > 0.05


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Deviation(8e-6, 1e-5), "relative error 8.0e-06, 5.0e-06 is allowed; "),
        (Deviation(1e-6, 3e-2), "local error 3.0e-02, 1.0e-03 is allowed "),
        (Deviation(float("nan"), float("nan")), "relative error nan, 5.0e-06 is allowed; local error nan, "),
    ],
)
def test_failed_verification_leaves_no_preset(
    run: Command, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Deviation, says: str
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    rounding = Deviation(1e-6, 2e-5)
    right = Parity(rounding, rounding, magnitude=4.0)
    rows = [
        verification.StateComparison("layer 1", right, right),
        verification.StateComparison("layer 2", right, Parity(found, rounding, magnitude=40.0)),
    ]
    monkeypatch.setattr(verification, "compare_with_transformers", lambda *_: rows)
    status, _, err = run("convert", source, tmp_path / "preset", "--verify")
    assert status == 2
    assert "differs from transformers at layer 2, where values reach 40: relative error " in err
    assert says in err
    assert err.endswith(" is allowed (its own float32: 1.0e-06 and 2.0e-05)\n")
    assert list(tmp_path.iterdir()) == [source]


def save_small_recogniser(family: str, folder: Path) -> None:
    """A random Whisper or Moonshine of two layers, without a feature extractor."""
    import torch
    import transformers

    torch.manual_seed(0)
    tokens = {"vocab_size": 60, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    if family == "whisper":
        layers = {"encoder_layers": 2, "decoder_layers": 1, "max_source_positions": 100, "d_model": 32}
        heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
        sizes = {"encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "decoder_start_token_id": 1}
        config = transformers.WhisperConfig(**tokens, **layers, **heads, **sizes)
        transformers.WhisperForConditionalGeneration(config).save_pretrained(folder)
        return
    layers = {"encoder_num_hidden_layers": 2, "decoder_num_hidden_layers": 1, "hidden_size": 32}
    heads = {"encoder_num_attention_heads": 2, "decoder_num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.MoonshineConfig(**tokens, **layers, **heads)
    transformers.MoonshineForConditionalGeneration(config).save_pretrained(folder)


def test_shapes_that_differ_are_an_error() -> None:
    with pytest.raises(UserError, match=r"are shaped \(2, 1, 3, 4\), those of transformers \(2, 1, 3, 5\)"):
        verification.compare_states(np.zeros((2, 1, 3, 4)), np.zeros((2, 1, 3, 5)))


def test_only_valid_frames_are_compared() -> None:
    exact = np.ones((1, 2, 3, 4))
    actual = exact.copy()
    actual[0, 1, 2] = 7
    valid = np.array([[True, True, True], [True, True, False]])
    assert [parity.holds for parity in verification.compare_states(actual, exact, valid=valid)] == [True]
    assert [parity.holds for parity in verification.compare_states(actual, exact)] == [False]


@pytest.mark.parametrize("filename", WEIGHTS_FILES[1:])
def test_file_that_is_read_is_named(run: Command, tmp_path: Path, filename: str) -> None:
    folder = tmp_path / "source"
    shutil.copytree(golden_folder("hubert"), folder)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    name = filename.removesuffix(".index.json")
    part = folder / (name if name == filename else name.replace(".", "-00001-of-00001."))
    save_file(tensors, part) if part.suffix == ".safetensors" else write_tensors(part, tensors)
    if name != filename:
        index = {"weight_map": dict.fromkeys(tensors, part.name)}
        (folder / filename).write_text(json.dumps(index))
    status, out, _ = run("convert", folder, tmp_path / "preset")
    assert status == 0
    assert f"\nweights: {filename}\n" in out


def test_what_is_assumed_and_merged_is_said(run: Command, tmp_path: Path) -> None:
    source = Path(shutil.copytree(golden_folder("wavlm"), tmp_path / "source"))
    (source / "preprocessor_config.json").unlink()
    save_file({}, source / "adapter_model.safetensors")
    (source / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    status, out, _ = run("convert", source, tmp_path / "preset")
    assert status == 0
    assert "adapter: LoRA, merged into the weights" in out
    assert (
        "audio: has no preprocessor_config.json and no processor_config.json; assumed is audio at 16000"
        in out
    )
