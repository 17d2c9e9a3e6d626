"""Exported models say what kser says; what does not is not left."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from kser.audio.processing import AudioProcessing
from kser.errors import UserError, install_extra
from kser.models import EmotionTask
from kser.serving.export import exporting
from kser.serving.export.comparison import Case, cases, check_difference
from kser.serving.export.exporting import export_model
from kser.serving.export.formats import FORMATS
from kser.serving.export.quantization import Quantized
from kser.serving.loaded_model import LoadedModel
from tests.experiment.evaluated_models import (
    DIMENSIONS,
    LABELS,
    TAGS,
    save_model,
    write_corpus,
    write_test_set,
)

needs_onnx = pytest.mark.skipif(find_spec("tf2onnx") is None, reason="the extra export is not installed")
INSTALLED = {name: all(map(find_spec, form.packages)) for name, form in FORMATS.items()}


def formats(*names: str):
    """Those formats as parameters of a test, skipped where an extra is not installed."""
    missing = {name: pytest.mark.skipif(not INSTALLED[name], reason="extra not installed") for name in names}
    return [pytest.param(name, marks=mark) for name, mark in missing.items()]


OUTPUTS = {
    "class": {"logits": LABELS},
    "numbers": {"values": DIMENSIONS},
    "class and numbers": {"logits": LABELS, "values": DIMENSIONS},
    "labels": {"logits": TAGS},
}


def calibrated(folder: Path, kind: str, temperature: float = 2.0) -> Path:
    """A model of a kind whose logits are divided by a temperature."""
    facts = json.loads((save_model(folder, kind) / "kser.json").read_text())
    facts["calibration"] = {"logits": {"temperature": temperature, "threshold": 0.4}}
    (folder / "kser.json").write_text(json.dumps(facts))
    return folder


@pytest.mark.thorough
def test_a_saved_model_says_what_kser_says(tmp_path):
    model = calibrated(tmp_path / "model", "class and numbers")
    exported = export_model(model, tmp_path / "emotion", "saved_model")
    assert exported.difference < 1e-5 and exported.path == tmp_path / "emotion"
    assert (tmp_path / "emotion/1/saved_model.pb").is_file()
    facts = json.loads((tmp_path / "emotion/1/assets.extra/kser_export.json").read_text())
    assert facts["outputs"] == OUTPUTS["class and numbers"]
    assert facts["temperature"] == {"logits": 2.0} and facts["sampling_rate"] == 16000
    # Again to the same place, but never over a folder of something else.
    (tmp_path / "notes").mkdir()
    with pytest.raises(UserError, match="exists and is no exported model"):
        export_model(model, tmp_path / "notes", "saved_model")


def test_another_version_is_not_replaced(tmp_path):
    facts = tmp_path / "emotion/1/assets.extra/kser_export.json"
    facts.parent.mkdir(parents=True)
    facts.write_text("{}")
    with pytest.raises(UserError, match="none: "):  # the folder may be replaced, the model is looked for
        export_model(tmp_path / "none", tmp_path / "emotion", "saved_model")
    (tmp_path / "emotion/2").mkdir()
    with pytest.raises(UserError, match="or holds more than one"):
        export_model(tmp_path / "none", tmp_path / "emotion", "saved_model")


@pytest.mark.thorough
@needs_onnx
def test_an_onnx_file_says_what_kser_says_and_what_it_is(tmp_path):
    import onnxruntime

    model = calibrated(tmp_path / "model", "class")
    exported = export_model(model, tmp_path / "emotion.onnx", "onnx")
    assert exported.difference < 1e-5
    session = onnxruntime.InferenceSession(str(exported.path), providers=["CPUExecutionProvider"])
    facts = json.loads(session.get_modelmeta().custom_metadata_map["kser"])
    assert facts == json.loads((tmp_path / "emotion.json").read_text())
    assert facts["outputs"] == OUTPUTS["class"]
    assert [value.shape for value in session.get_inputs()] == [["batch"], ["batch", "samples"]]
    waveform = np.random.default_rng(0).normal(size=(2, 9000)).astype(np.float32)
    waveform[1, 4000:] = 0
    logits, probabilities = session.run(
        ["logits", "probabilities"], {"waveform": waveform, "lengths": np.array([9000, 4000], np.int32)}
    )
    np.testing.assert_allclose(probabilities, softmax(logits / 2, axis=1), atol=1e-6)
    ours = LoadedModel.load(model).decoded([[waveform[0]], [waveform[1, :4000]]], 2)["logits"]
    np.testing.assert_allclose(probabilities, ours, atol=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize("form", formats("litert", "openvino"))
def test_other_formats_say_what_kser_says(tmp_path, form):
    model = calibrated(tmp_path / "model", "class")
    path = tmp_path / f"emotion{FORMATS[form].suffix}"
    exported = export_model(model, path, form)
    assert exported.difference < 1e-5 and exported.bytes >= path.stat().st_size > 0
    assert json.loads((tmp_path / "emotion.json").read_text())["outputs"] == OUTPUTS["class"]
    # As its own runtime loads it from where it was moved to.
    waveform = np.random.default_rng(0).normal(size=(1, 9000)).astype(np.float32)
    outputs = FORMATS[form].load(path)(waveform, np.array([9000], np.int32))
    ours = LoadedModel.load(model).decoded([[waveform[0]]], 1)["logits"]
    np.testing.assert_allclose(outputs["probabilities"], ours, atol=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize("form", formats("onnx", "litert"))
def test_what_8_bit_integers_cost_is_measured(tmp_path, form, monkeypatch):
    monkeypatch.setattr("kser.serving.export.formats.onnx.FEWEST_WEIGHTS", 16)
    model = save_model(tmp_path / "model", "class")
    table = write_test_set(tmp_path / "set", write_corpus(tmp_path))
    path = tmp_path / f"emotion{FORMATS[form].suffix}"
    said, reports = [], []
    exported = export_model(
        model, path, form, said.append, "int8", tmp_path / "set", lambda *report: reports.append(report)
    )
    assert [line.split()[0] for line in said] == [f"[{number}/5]" for number in range(1, 6)]
    assert reports == [(done * len(table), 2 * len(table)) for done in range(3)]
    found = exported.quantized
    assert exported.difference < 1e-5 and 0 < found.difference < 0.2
    assert found.bytes == exported.bytes != found.bytes_float32 and found.seconds > 0
    assert (found.uar.n, found.uar.n_speakers) == (len(table), table["actor"].nunique())
    low, high = found.uar.interval
    assert low <= found.uar.uar - found.uar.uar_float32 <= high
    assert 0.5 <= found.uar.same_class <= 1
    assert json.loads((tmp_path / "emotion.json").read_text())["quantized"]["uar"]["n"] == len(table)
    assert "UAR " in found.lines()[1] and "times" in found.lines()[0]


def test_without_a_test_set_nobody_knows_what_integers_cost():
    """On a made-up recording LiteRT's differed by 0.01, where UAR of Whisper on EmoDB fell by 0.2."""
    _, hint = Quantized(4_000_000, 1_000_000, 1.0, 0.9, difference=0.01).lines()
    assert hint.startswith("of real recordings the class may change: --test-set measures how often")


@pytest.mark.slow
@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("form", formats(*FORMATS))
def test_every_kind_of_task_in_every_format(tmp_path, kind, form):
    model = calibrated(tmp_path / "model", kind)
    path = tmp_path / f"exported{FORMATS[form].suffix}"
    assert export_model(model, path, form).difference < 1e-5


@pytest.mark.parametrize("form", formats("onnx", "openvino"))
def test_files_beside_it_that_are_of_something_else_stay(tmp_path, form):
    model = save_model(tmp_path / "model", "class")
    path, provenance = model / f"kser{FORMATS[form].suffix}", (model / "kser.json").read_text()
    with pytest.raises(UserError, match=r"kser\.json: would be replaced, and is not of an exported model"):
        export_model(model, path, form)
    assert (model / "kser.json").read_text() == provenance
    # Those of an earlier export are replaced.
    (tmp_path / "emotion.json").write_text('{"outputs": {}, "minimum_samples": 400}')
    with pytest.raises(UserError, match="none: "):
        export_model(tmp_path / "none", tmp_path / f"emotion{FORMATS[form].suffix}", form)


def test_what_differs_is_not_left(tmp_path, monkeypatch):
    model = save_model(tmp_path / "model", "class")
    ran = []

    def write_something(module, *arguments, **options):
        ran.append(module)
        Path(arguments[1]).mkdir()

    monkeypatch.setattr(exporting, "run_module", write_something)
    monkeypatch.setattr(exporting, "largest_difference", lambda *arguments: 0.3)
    with pytest.raises(UserError, match=r"not written: what was exported differs from kser by 0\.3"):
        export_model(model, tmp_path / "emotion", "saved_model")
    assert ran == ["kser.serving.export.serving_graph"] and not (tmp_path / "emotion").exists()


@pytest.mark.parametrize("difference", [1.1e-4, np.inf, np.nan])
def test_numbers_that_are_none_differ_too(difference):
    with pytest.raises(UserError, match="not written"):
        check_difference(difference, Path("x"))
    check_difference(1e-4, Path("x"))


def test_a_model_of_processed_recordings_is_refused(tmp_path):
    folder = save_model(tmp_path / "model", "class")
    model = EmotionTask.from_preset(str(folder))
    model.preprocessor.audio_converter.processing = AudioProcessing(loudness_lufs=-23, trim_db=30)
    model.save_to_preset(str(folder))
    with pytest.raises(UserError, match=r"\(loudness_lufs -23, trim_db 30\), which is no part of the graph"):
        export_model(folder, tmp_path / "emotion", "saved_model")


def test_mistakes_are_told_before_anything_is_loaded(tmp_path, monkeypatch):
    with pytest.raises(
        UserError, match="pickle: unknown; must be one of saved_model, onnx, litert, openvino"
    ):
        export_model(tmp_path / "none", tmp_path / "x", "pickle")
    with pytest.raises(UserError, match="--quantize int4: unknown; must be int8"):
        export_model(tmp_path / "none", tmp_path / "x", "saved_model", quantize="int4")
    with pytest.raises(UserError, match="not for saved_model; the formats that take it are onnx, litert"):
        export_model(tmp_path / "none", tmp_path / "x", "saved_model", quantize="int8")
    with pytest.raises(UserError, match="--test-set: is what --quantize is judged on; give both"):
        export_model(tmp_path / "none", tmp_path / "x", "saved_model", test_set=tmp_path)


@pytest.mark.parametrize("form", [name for name in FORMATS if FORMATS[name].packages])
def test_a_missing_extra_is_named_with_its_command(tmp_path, monkeypatch, form):
    monkeypatch.setattr("kser.serving.export.formats.base.find_spec", lambda name: None)
    packages = ", ".join(FORMATS[form].packages)
    with pytest.raises(UserError) as failed:
        export_model(tmp_path / "none", tmp_path / "x", form)
    command = install_extra(FORMATS[form].extra)
    assert str(failed.value) == f"--format {form}: not installed: {packages}; {command}"


@pytest.mark.parametrize("form", [name for name in FORMATS if FORMATS[name].suffix])
def test_a_file_has_the_suffix_of_its_format(tmp_path, monkeypatch, form):
    monkeypatch.setattr("kser.serving.export.formats.base.find_spec", lambda name: name)
    with pytest.raises(UserError, match=rf"{form} is a file that ends with \{FORMATS[form].suffix}"):
        export_model(tmp_path / "none", tmp_path / "x", form)


def test_short_and_long_recordings_are_compared_alone_and_padded(tmp_path):
    model = LoadedModel.load(save_model(tmp_path / "model", "class"))
    *alone, padded = cases(model)
    assert [len(case.waveforms[0]) / 16000 for case in alone] == [0.5, 1.0, 2.7, 8.0, 30.0]
    assert len(padded.waveforms) == 4
    batch, lengths = Case("x", [np.ones(3, np.float32), np.ones(5, np.float32)]).arrays()
    assert batch.tolist() == [[1, 1, 1, 0, 0], [1] * 5] and lengths.tolist() == [3, 5]
