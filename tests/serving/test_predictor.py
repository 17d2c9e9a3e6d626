"""What trained models say of recordings, however they are given."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import soxr

import kser
from kser.audio import sound_faults
from kser.audio.decoding import Sound
from kser.audio.loading import load_audio
from kser.errors import UserError
from kser.experiment.study.evaluation import evaluate
from kser.serving import decoding
from kser.serving import predictor as predictor_module
from kser.serving.ensemble import Ensemble
from kser.serving.model_audio import padded_length
from kser.serving.prediction import Unusable
from tests.experiment.evaluated_models import (
    DIMENSIONS,
    LABELS,
    TAGS,
    save_model,
    write_corpus,
    write_rows,
    write_test_set,
)

KINDS = ("class", "numbers", "class and numbers", "labels")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def files(corpus) -> list[str]:
    """Recordings of different lengths, the shortest last."""
    longer = []
    rng = np.random.default_rng(1)
    for number, seconds in enumerate((0.9, 0.3, 2.2, 0.1)):
        longer.append(str(corpus.parent / f"longer_{number}.wav"))
        sf.write(longer[-1], 0.1 * rng.normal(size=round(16000 * seconds)), 16000)
    return longer


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {kind: save_model(folder / kind, kind) for kind in KINDS}


def calibrate(model: Path, temperature: float, threshold: float = 0.5) -> None:
    facts = json.loads((model / "kser.json").read_text())
    facts["calibration"] = {"logits": {"temperature": temperature, "threshold": threshold}}
    (model / "kser.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_says_what_it_was_asked_for(models, files, kind):
    prediction = kser.load_model(models[kind]).predict(files[0])
    assert prediction.recording == files[0] and prediction.duration_s == pytest.approx(0.9)
    if kind.startswith("class"):
        assert prediction.label == max(prediction.probabilities, key=prediction.probabilities.get)
        assert prediction.probability == prediction.probabilities[prediction.label]
        assert list(prediction.probabilities) == LABELS
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
    else:
        assert prediction.label is None and prediction.probability is None
    assert list(prediction.values) == (DIMENSIONS if kind.endswith("numbers") else [])
    if kind == "labels":
        given = {name for name, value in prediction.probabilities.items() if value >= 0.5}
        assert list(prediction.probabilities) == TAGS and set(prediction.labels) == given
    else:
        assert prediction.labels is None


@pytest.mark.thorough
def test_it_says_what_the_evaluation_says(models, corpus, tmp_path):
    write_test_set(tmp_path / "set", corpus)
    row = ("model", models["class"], tmp_path / "set", tmp_path / "out")
    evaluate(write_rows(tmp_path / "rows.csv", [row]))
    evaluated = pd.read_csv(tmp_path / "out" / "predictions.csv")
    table = pd.read_csv(tmp_path / "set" / "test.csv")
    paths = [str(tmp_path / "set" / path) for path in table["path"]]
    said = [each.probabilities for each in kser.load_model(models["class"]).predict_files(paths)]
    np.testing.assert_allclose(
        pd.DataFrame(said).to_numpy(), evaluated[[f"p_{label}" for label in LABELS]], atol=2e-6
    )


def test_files_arrays_and_pairs_say_the_same(models, files):
    model = kser.load_model(models["class"])
    path = files[0]
    samples, rate = sf.read(path, dtype="float32")
    expected = list(model.predict(path).probabilities.values())

    def said(audio):
        return list(model.predict(audio).probabilities.values())

    for same in (Path(path), load_audio(path, rate), samples, (samples, rate), (samples[:, None], rate)):
        np.testing.assert_allclose(said(same), expected, atol=1e-6)
    stereo = np.stack([samples + 0.01, samples - 0.01], axis=1)
    np.testing.assert_allclose(said((stereo, rate)), expected, atol=1e-5)
    doubled = soxr.resample(samples, rate, 2 * rate)
    np.testing.assert_allclose(said((doubled, 2 * rate)), expected, atol=0.01)


@pytest.mark.thorough
def test_a_list_gives_a_list_whose_members_do_not_depend_on_one_another(models, files):
    model = kser.load_model(models["class"])
    alone = [model.predict(path) for path in files]
    together = model.predict([*files, load_audio(files[1], 16000)])
    assert [each.recording for each in together] == [*files, "recording 5"]
    for one, other in zip(alone, together, strict=False):
        np.testing.assert_allclose(
            list(one.probabilities.values()), list(other.probabilities.values()), atol=1e-6
        )
    assert together[4].probabilities == pytest.approx(together[1].probabilities, abs=1e-6)
    batch = np.stack([load_audio(files[1], 16000)] * 2)
    assert [each.label for each in model.predict(batch)] == [alone[1].label] * 2


def test_how_far_it_is_comes_batch_by_batch(models, files):
    reports = []
    list(kser.load_model(models["class"]).predict_files([*files * 5, "nowhere.wav"], reports.append))
    assert reports == sorted(reports)
    assert 0 < reports[0] < reports[-1] == len(files) * 5 + 1
    reports.clear()
    list(kser.load_model(models["class"]).predict_files(["nowhere.wav"], reports.append))
    assert reports == [1]


def test_what_cannot_be_used_is_named_line_by_line(models, files, tmp_path):
    sf.write(tmp_path / "silent.wav", np.zeros(8000), 16000)
    (tmp_path / "text.wav").write_text("no audio")
    sf.write(tmp_path / "short.wav", np.tile([0.1, 0.2], 5), 16000)
    bad = [str(tmp_path / name) for name in ("silent.wav", "text.wav", "short.wav", "none.wav")]
    model = kser.load_model(models["class"])
    results = list(model.predict_files([bad[0], files[0], *bad[1:], files[1]]))
    assert [isinstance(result, Unusable) for result in results] == [True, False, True, True, True, False]
    for result in results:
        if isinstance(result, Unusable):
            assert result.reason.startswith(result.recording) and "\n" not in result.reason
    with pytest.raises(UserError) as error:
        model.predict([files[0], *bad])
    assert len(str(error.value).splitlines()) == 4


@pytest.mark.parametrize(
    ("audio", "says"),
    [
        (np.zeros((2, 3, 4)), "must be (samples,) or (samples, channels)"),
        (np.array([]), "at least one sample"),
        (np.array([0.1, np.nan, 0.2]), "NaN or infinite"),
        ((np.ones(100), 0), "sampling rate must be a whole number"),
        ((np.ones(100), 16000.5), "sampling rate must be a whole number"),
        ({"a": 1}, "is neither a file nor an array"),
    ],
)
def test_arrays_that_are_no_sound_are_one_line(models, audio, says):
    with pytest.raises(UserError, match=r"^recording: ") as error:
        kser.load_model(models["class"]).predict(audio)
    assert says in str(error.value)


def test_a_model_that_gives_no_numbers_says_nothing(files, tmp_path):
    folder = save_model(tmp_path / "model", "class")
    model = kser.EmotionClassifier.from_preset(str(folder))
    model.get_layer("logits").bias.assign([np.nan] * len(LABELS))
    model.save_task_weights(folder / "task.weights.h5")
    with pytest.raises(UserError, match=r"longer_0\.wav: the model gives no numbers for it"):
        kser.load_model(folder).predict(files[0])


def test_faults_of_the_sound_are_told(models, tmp_path):
    rng = np.random.default_rng(0)
    sf.write(tmp_path / "faint.wav", 0.0005 * rng.normal(size=16000).clip(-1, 1), 16000)
    prediction = kser.load_model(models["class"]).predict(tmp_path / "faint.wav")
    assert len(prediction.notes) == 1 and "nearly silent" in prediction.notes[0]


def test_faults_are_looked_for_once(models, files, monkeypatch):
    model = kser.load_model(models["class"])
    looked = []
    monkeypatch.setattr(sound_faults, "header_faults", lambda *header: looked.append(header) or ())
    model.predict(files[:2])
    assert len(looked) == 2
    segments = model.predict_windows(files[0], window_seconds=0.5)
    assert len(looked) == 2 + len(segments)


def test_the_temperature_changes_probabilities_and_no_class(models, files, tmp_path):
    hot = save_model(tmp_path / "hot", "class")
    calibrate(hot, 4.0)
    plain, scaled = (kser.load_model(each).predict(files[0]) for each in (models["class"], hot))
    logits = np.log(list(plain.probabilities.values())) / 4
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(list(scaled.probabilities.values()), expected, atol=1e-6)
    assert scaled.label == plain.label and scaled.probability < plain.probability


def test_the_threshold_says_whether_it_is_sure(models, files, tmp_path):
    assert kser.load_model(models["class"]).predict(files[0]).is_sure is None
    model = save_model(tmp_path / "model", "class")
    for threshold, sure in ((0.0, True), (1.0, False)):
        calibrate(model, 1.0, threshold)
        assert kser.load_model(model).predict(files[0]).is_sure is sure
        assert kser.load_model(model, threshold=1 - threshold).predict(files[0]).is_sure is not sure
    with pytest.raises(UserError, match="threshold: must be from 0 to 1, got 2"):
        kser.load_model(model, threshold=2)


@pytest.mark.thorough
def test_several_models_give_their_mean(models, files, tmp_path):
    seeds = [save_model(tmp_path / f"number_{seed}" / "model", "class", seed=seed) for seed in range(3)]
    each = [kser.load_model(seed).predict(files[0]).probabilities for seed in seeds]
    expected = pd.DataFrame(each).mean().to_dict()
    for given in (seeds, [tmp_path]):
        assert kser.load_model(*given).predict(files[0]).probabilities == pytest.approx(expected, abs=1e-6)


@pytest.mark.thorough
def test_models_too_large_to_be_kept_say_the_same(models, files, tmp_path, monkeypatch):
    seeds = [save_model(tmp_path / f"number_{seed}" / "model", "class", seed=seed) for seed in range(2)]
    kept = kser.load_model(*seeds).predict(files)
    monkeypatch.setattr("kser.serving.ensemble.MOST_BYTES_LOADED", 0)
    anew = kser.load_model(*seeds).predict(files)
    assert [each.probabilities for each in anew] == [each.probabilities for each in kept]


def test_labels_in_another_order_are_brought_into_one(models, files, tmp_path):
    other = tmp_path / "other"
    model = kser.EmotionClassifier.from_preset(str(models["class"]))
    model.rename_labels({label: label for label in reversed(LABELS)})
    model.save_to_preset(str(other))
    (other / "kser.json").write_bytes((models["class"] / "kser.json").read_bytes())
    (other / "recordings.json").write_bytes((models["class"] / "recordings.json").read_bytes())
    one = kser.load_model(models["class"]).predict(files[0]).probabilities
    both = kser.load_model(models["class"], other).predict(files[0]).probabilities
    assert both == pytest.approx(one, abs=1e-6)


def test_models_that_say_different_things_have_no_mean(models):
    with pytest.raises(UserError, match=r"must say the same things: .*anger.*numbers says arousal"):
        kser.load_model(models["class"], models["numbers"])


@pytest.mark.thorough
def test_a_backbone_that_models_share_is_computed_once(files, tmp_path, monkeypatch):
    seeds = [save_model(tmp_path / f"number_{seed}" / "model", "class", seed=0) for seed in range(3)]
    apart = kser.load_model(*seeds).predict(files[:2])
    for seed in seeds:
        facts = json.loads((seed / "kser.json").read_text())
        facts["model_config"]["freeze_layers"] = "all"
        (seed / "kser.json").write_text(json.dumps(facts))
    ensemble = Ensemble(seeds)
    computed = []
    lower, _ = ensemble.first.backbone[1]
    given = lower.predict_on_batch
    monkeypatch.setattr(lower, "predict_on_batch", lambda inputs: computed.append(1) or given(inputs))
    shared = predictor_module.Predictor(ensemble).predict(files[:2])
    assert len(computed) == 1
    for one, other in zip(apart, shared, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_folders_without_a_model_are_one_line(tmp_path):
    with pytest.raises(UserError, match="holds no trained model"):
        kser.load_model(tmp_path)
    with pytest.raises(UserError, match="folder not found"):
        kser.load_model(tmp_path / "none")


def test_memory_is_bounded_by_groups_of_recordings(models, files, monkeypatch):
    model = kser.load_model(models["class"])
    expected = list(model.predict_files(files * 3))
    monkeypatch.setattr(decoding, "MOST_RECORDINGS", 5)
    groups = []
    say = model.ensemble.say
    monkeypatch.setattr(
        model.ensemble, "say", lambda sounds, places, report: groups.append(len(sounds)) or say(sounds)
    )
    again = list(model.predict_files(files * 3))
    assert groups == [5, 5, 2]
    for one, other in zip(expected, again, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_few_recordings_are_decoded_ahead(monkeypatch):
    begun = []

    def sound_of(name, audio, rate):
        begun.append(name)
        return Sound(np.array([[0.1], [0.2]], np.float32), rate)

    monkeypatch.setattr(decoding, "sound_of", sound_of)
    monkeypatch.setattr(decoding, "cpu_count", lambda: 2)
    monkeypatch.setattr(decoding, "MOST_RECORDINGS", 1)
    names = [str(number) for number in range(20)]
    given = []
    for ((name, _),) in decoding.decoded_chunks(((name, None) for name in names), 16000):
        given.append(name)
        assert len(begun) <= len(given) + 2
    assert given == names and sorted(begun) == sorted(names)


def test_standard_input_is_a_file_of_any_format(models, files, monkeypatch):
    read_end, write_end = os.pipe()
    os.write(write_end, Path(files[1]).read_bytes())
    os.close(write_end)
    model = kser.load_model(models["class"])
    expected = model.predict(files[1]).probabilities
    with os.fdopen(read_end, "rb") as pipe:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": pipe}))
        (result,) = model.predict_files(["-"])
    assert result.recording == "-" and result.probabilities == expected


@pytest.mark.parametrize(("too_long", "notes"), [("crop", 1), ("split", 0)])
def test_what_is_not_heard_is_noted(tmp_path, too_long, notes):
    folder = save_model(tmp_path / "model", "class", max_seconds=0.25, too_long=too_long)
    model = kser.load_model(folder)
    rng = np.random.default_rng(0)
    short, long = (model.predict(0.1 * rng.normal(size=samples)) for samples in (4000, 8000))
    assert not short.notes
    assert [note for note in long.notes if "only its first 0.25 s were heard" in note] == list(long.notes)
    assert len(long.notes) == notes


@pytest.mark.thorough
def test_padded_lengths_are_few_and_near():
    padded = {samples: padded_length(samples) for samples in range(1, 400_000, 37)}
    assert all(samples <= length for samples, length in padded.items())
    assert all(length <= 1.25 * samples + 1 for samples, length in padded.items() if samples > 16_000)
    assert len(set(padded.values())) < 40


def test_a_model_that_pads_itself_has_one_length(models):
    model = kser.load_model(models["class"]).ensemble.first
    assert [model.padded_length(samples) for samples in (5, 20_001)] == [4096, padded_length(20_001)]
    padding = replace(model, padded_samples=20_000)
    lengths = [padding.padded_length(samples) for samples in (5, 20_000, 20_001)]
    assert lengths == [20_000, 20_000, padded_length(20_001)]
    # Where padding counts as sound, the answer depends on how much of it there is.
    unmasked = replace(padding, format=replace(padding.format, mask_padding=False))
    assert unmasked.padded_length(5) == 4096
