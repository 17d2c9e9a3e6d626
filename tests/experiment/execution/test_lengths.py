"""min_seconds and max_seconds from the JSON to training, evaluation, check, prediction and the report."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

import kser
from kser.audio.decoding import decode
from kser.corpora.metadata import read_metadata
from kser.experiment.checking.study_check import check_study
from kser.experiment.config.loading import load_experiment
from kser.experiment.execution.training_run import do_run
from kser.experiment.runs.planning import plan_runs
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.trained_model import load_classifier
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from tests.experiment.conftest import write_experiment

RATE = 16_000
LONG_S, SHORT_S = 3.5, 0.2


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, small_corpus) -> Path:
    """The small corpus twice, 0.8 s of each recording; the first time of every fifth 3.5 s, then 0.2 s."""
    folder = tmp_path_factory.mktemp("lengths")
    table = pd.concat([read_metadata(small_corpus)] * 2, ignore_index=True)
    for place, row in enumerate(table.itertuples()):
        samples = decode(row.path).samples[:, 0]
        wanted_s = {0: LONG_S, 1: SHORT_S}.get(place % 5, 0.8) if place < len(table) / 2 else 0.8
        repeated = np.resize(samples, round(wanted_s * RATE))
        sf.write(folder / f"{place}.wav", repeated, RATE)
    table = table.assign(path=[f"{place}.wav" for place in range(len(table))])
    table.drop(columns="utterance").to_csv(folder / "metadata.csv", index=False)
    return folder / "metadata.csv"


def trained(folder: Path, corpus: Path, **fields):
    path = write_experiment(folder, corpus, models=["log_mel"], **fields)
    experiment = kser.Experiment(path)
    result = experiment.run()
    (run,) = plan_runs(load_experiment(path))
    return run, result


def split_of(run) -> pd.DataFrame:
    return pd.concat(pd.read_csv(run.paths.split / f"{part}.csv") for part in ("train", "validation", "test"))


def long_ones_tested(run) -> int:
    """How many recordings of the test part are long."""
    paths = load_run_data(run).rows("test")["path"]
    count = sum(sf.info(path).duration > 1 for path in paths)
    assert count
    return count


def report_of(run) -> dict:
    (path,) = run.paths.results.glob("evaluation/*/classification_report.json")
    return json.loads(path.read_text())


@pytest.mark.thorough
def test_long_recordings_are_cropped(tmp_path, corpus):
    run, _ = trained(tmp_path, corpus, max_seconds=1.0)
    reader = WaveformReader(load_classifier(run.paths.model).waveform_format)
    lengths = [reader.length(str(path)) for path in sorted(corpus.parent.glob("*.wav"))]
    assert max(lengths) == RATE and reader.format.processing.max_seconds == 1.0
    report = report_of(run)
    assert report["long_audio"] == {"crop": long_ones_tested(run)} and not report["skipped_audio"]
    # What it says of a long file is what it says of its beginning.
    model = kser.load_model(run.paths.model)
    samples = decode(corpus.parent / "0.wav").samples[:, 0]
    expected = model.predict(samples[:RATE]).probabilities
    assert model.predict(corpus.parent / "0.wav").probabilities == pytest.approx(expected, abs=1e-6)


@pytest.mark.thorough
def test_long_recordings_are_split_and_count_once(tmp_path, corpus):
    run, _ = trained(tmp_path, corpus, max_seconds=1.0, too_long="split")
    table = pd.read_csv(corpus)
    split = split_of(run)
    assert len(split) == len(table) and not split["path"].duplicated().any()
    report = report_of(run)
    assert report["n_recordings"] == report["n"] == len(pd.read_csv(run.paths.split / "test.csv"))
    assert report["long_audio"] == {"split": long_ones_tested(run)}
    # The mean over four parts of one length; kser predict says the same.
    model = load_classifier(run.paths.model)
    path = str(corpus.parent / "0.wav")
    utterances = Utterances.from_files([path], [0], WaveformReader(model.waveform_format))
    assert list(utterances.lengths) == [14_000] * 4 and list(utterances.positions) == [0] * 4
    parts = [utterances.reader(part) for part in utterances.paths]
    np.testing.assert_array_equal(np.concatenate(parts), decode(path).samples[:, 0])
    logits = model.predict_on_batch(np.stack(parts)).mean(axis=0)
    said = list(kser.load_model(run.paths.model).predict(path).probabilities.values())
    temperature = json.loads((run.paths.model / "kser.json").read_text())["calibration"]["logits"]
    scaled = np.exp(np.asarray(logits) / temperature["temperature"])
    np.testing.assert_allclose(said, scaled / scaled.sum(), atol=1e-5)


@pytest.mark.thorough
def test_too_long_and_too_short_ones_are_left_out(tmp_path, corpus):
    run, _ = trained(tmp_path, corpus, min_seconds=0.5, max_seconds=1.0, too_long="skip")
    assert len(split_of(run)) == 0.8 * len(pd.read_csv(corpus))
    skipped = pd.read_csv(run.paths.split / "skipped_audio.csv")
    assert len(skipped) == 0.2 * len(pd.read_csv(corpus))
    reasons = set(skipped["reason"].str.split(": ").str[1])
    assert reasons == {
        "lasts 0.2 s, less than min_seconds (0.5)",
        "lasts 3.5 s, more than max_seconds (1)",
    }
    report = report_of(run)
    assert report.get("left_out_audio", 0) == len(report["skipped_audio"])
    with pytest.raises(kser.UserError, match=r"lasts 3.5 s, more than max_seconds"):
        kser.load_model(run.paths.model).predict(corpus.parent / "0.wav")
    # Nothing is evaluated again for that.
    (report_path,) = run.paths.results.glob("evaluation/*/classification_report.json")
    written_ns = report_path.stat().st_mtime_ns
    kser.Experiment(tmp_path / "experiment.json").run()
    assert report_path.stat().st_mtime_ns == written_ns


@pytest.mark.thorough
def test_another_test_set_is_read_as_the_model_was_trained(tmp_path, corpus, small_corpus):
    other = {"name": "other", "eval_csv_path": str(corpus)}
    run, _ = trained(tmp_path, small_corpus, max_seconds=3.0, too_long="skip", datasets=[other])
    report = json.loads((run.paths.evaluation("other") / "classification_report.json").read_text())
    assert report["left_out_audio"] == len(pd.read_csv(corpus)) / 10


@pytest.mark.parametrize(
    ("rule", "note"),
    [
        ("crop", "8 recordings are longer than max_seconds: only their beginning is used"),
        ("split", "8 recordings are longer than max_seconds: each is used as parts of one length"),
        ("skip", "left out, 16 recordings: "),
    ],
)
def test_the_check_says_what_becomes_of_them_and_plans_with_it(tmp_path, corpus, rule, note):
    path = write_experiment(
        tmp_path, corpus, models=["log_mel"], min_seconds=0.5, max_seconds=1.0, too_long=rule
    )
    check = check_study(load_experiment(path))
    assert not check.mistakes and any(note in line for line in check.notes), check.notes
    (plan,) = check.models
    assert plan.runs[0].lengths[-1] == RATE
    data = load_run_data(plan_runs(load_experiment(path))[0])
    seconds = [sf.info(file).duration for file in data.rows("train")["path"]]
    long, usual = (sum(each > 1 for each in seconds), sum(0.5 < each < 1 for each in seconds))
    assert plan.runs[0].training == usual + {"crop": 1, "split": 4, "skip": 0}[rule] * long


def test_nothing_is_left(tmp_path, corpus):
    path = write_experiment(tmp_path, corpus, models=["log_mel"], min_seconds=60)
    (run,) = plan_runs(load_experiment(path))
    with pytest.raises(kser.UserError, match=r"no audio file is left that can be used"):
        do_run(run)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"min_seconds": 2.0, "max_seconds": 1.0}, "max_seconds: 1 is less than min_seconds, 2"),
        ({"too_long": "skip"}, "too_long"),
        ({"max_seconds": 0}, "max_seconds"),
        ({"max_seconds": 1, "too_long": "drop"}, "too_long"),
    ],
)
def test_contradictions_are_refused(tmp_path, corpus, fields, says):
    path = write_experiment(tmp_path, corpus, models=["log_mel"], **fields)
    with pytest.raises(kser.UserError, match=says):
        load_experiment(path)
