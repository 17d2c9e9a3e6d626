"""The page tells what is on disk, is one safe file, and stands when parts are missing."""

import json
import re
import shutil
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from kser.errors import UserError
from kser.experiment.evaluating.evaluation_results import write_results
from kser.experiment.evaluating.statistics_inputs import read_results
from kser.experiment.tasks.class_evaluation import ClassEvaluation
from kser.experiment.tasks.evaluation import Predictions, Truth
from kser.experiment.tasks.report_kinds import CLASSES
from kser.report.calibration import pooled_bins
from kser.report.confusions import averaged_confusions, heat_style
from kser.report.environment import installed_version
from kser.report.page import report_page, write_report
from kser.report.statistics import results_of
from kser.report.study_folder import locate_study, read_study
from tests.experiment.made_up_study import LABELS, change_report, reports_of, write_json, write_study
from tests.report.reading_html import Page

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def page_of(results, **options) -> Page:
    return Page.of(report_page(read_study(results), NOW, **options))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two models, two test sets, three seeds; not to be changed."""
    return write_study(tmp_path_factory.mktemp("study"), logs=True)


@pytest.fixture(scope="module")
def page(study):
    return page_of(study)


@pytest.fixture
def changeable(study, tmp_path):
    """A copy of its results; without logs nothing is drawn, which is faster."""
    return shutil.copytree(study, tmp_path / "copy" / "results" / study.name)


def test_the_page_is_one_file_that_loads_nothing(page):
    for tag, attributes in page.elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href", "srcset", "data", "action", "poster"}:
                assert value.startswith(("data:", "#"))
    policy = next(
        element for element in page.all("meta") if element.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy["content"].startswith("default-src 'none'")


def test_the_style_loads_nothing(study):
    html = report_page(read_study(study), NOW)
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style and "@import" not in style and "http" not in style


def test_every_table_says_what_it_is(page):
    assert len(page.all("table")) == len(page.all("caption")) > 10
    assert {element.get("scope") for element in page.all("th")} <= {"col", "row"}
    assert all(element["alt"] for element in page.all("img"))
    assert page.all("html") == [{"lang": "en"}]
    names = [element["id"] for _, element in page.elements if "id" in element]
    assert len(names) == len(set(names))
    assert {element["href"] for element in page.all("a")} <= {f"#{name}" for name in names}


def test_the_same_study_gives_the_same_page(study):
    assert report_page(read_study(study), NOW) == report_page(read_study(study), NOW)


def test_results_are_means_over_runs(study, page):
    uar = [json.loads(path.read_text())["uar"] for path in reports_of(study, "large", dataset="own")]
    assert f"{np.mean(uar):.3f} ± {np.std(uar, ddof=1):.3f}" in page.words
    assert len(page.all("circle")) == 12  # a dot a run


def test_confusions_are_averaged_over_runs(study, page):
    shares = []
    for report in reports_of(study, "small", dataset="own"):
        counts = pd.read_csv(report.parent / "confusion_matrix.csv", index_col=0).to_numpy()
        shares.append(counts / counts.sum(axis=1, keepdims=True))
    averaged = averaged_confusions(read_study(study))["small", "own"]
    np.testing.assert_allclose(averaged.shares, np.mean(shares, axis=0))
    spread = 100 * np.std(shares, axis=0, ddof=1)[0, 0]
    assert f"{np.mean(shares, axis=0)[0, 0]:.0%} ± {spread:.1f}" in page.words


def test_statistics_are_those_of_kser_stats(page):
    assert "ANOVA of UAR over model, data set" in page.words
    assert "UAR of models on each data set, paired by seed" in page.words


def test_settings_and_data_are_told(page):
    for text in (
        "use_batch_norm yes no Batch normalisation of the pooled vector.",
        "backbone_arguments.filters 3 × 8 3 × 8",
        "The weights of the update with the best validation loss were kept",
        "loudness_lufs -23",
        "Trained on own. Tested on own, other. Split scheme: speaker. No speaker is in more than one part.",
        "anger 40 to 42 10 10",
        "Classes were renamed: W → anger.",
        "0.1.0 3.15.1 jax 6 runs",
        "By gender: mean ± SD over runs",
        "female − male",
    ):
        assert text in page.words


def test_without_anything_amiss_the_page_says_so(page):
    assert "The files of this study show no leak" in page.words


def test_warnings_stand_at_the_top(changeable):
    for report in reports_of(changeable, "large", dataset="other"):
        change_report(
            report,
            seen_in_training={"train": 12, "validation": 0},
            labels_unknown_to_model=[{"label": "disgust", "support": 9}],
            skipped_audio={"a.wav": "damaged"},
        )
    change_report(reports_of(changeable, "small", "1", "own")[0], uar=1 / 3)
    (changeable / "small" / "seed_2" / "model" / "kser.json").unlink()
    split = changeable / "large" / "seed_0" / "split" / "split.json"
    write_json(split, json.loads(split.read_text()) | {"left_out": {"boredom": 7}, "skipped_audio": 2})
    page = page_of(changeable)
    top = page.words[: page.words.index("Models and settings")]
    for text in (
        "Leak: large on other: 12 of 60 test recordings were in the model's train part (seeds 0 to 2).",
        "At chance level: small on own, seed 1:",
        "Not finished: small, seed 2:",
        "left out: large on other: disgust (9).",
        "Recordings left out: large on other: 1 could not be used.",
        "Recordings left out: large: 0 to 2 per run could not be used",
        "Utterances in no part of the split, by class: large: boredom (7).",
    ):
        assert text in top
    assert "validation part" not in top
    assert "Runs at chance level" in page.words


def top_of(page: Page) -> str:
    return page.words[: page.words.index("Models and settings")]


def test_shared_speakers_are_told_at_the_top(changeable):
    for split in changeable.glob("large/seed_[12]/split/split.json"):
        write_json(split, json.loads(split.read_text()) | {"scheme": "fixed by files", "shared_speakers": 4})
    page = page_of(changeable)
    assert (
        "Speakers in several parts: large: 4 speakers are in more than one part of the split (seeds 1, 2), "
    ) in top_of(page)
    assert "show no leak" not in page.words
    assert "Split scheme: fixed by files, speaker. Speakers in more than one part: 0 to 4" in page.words


def test_where_splits_do_not_count_speakers_the_settings_have_to_do(changeable):
    for split in changeable.glob("*/*/split/split.json"):
        older = json.loads(split.read_text())
        del older["scheme"], older["shared_speakers"]
        write_json(split, older)
    page = page_of(changeable)
    assert "Split scheme" not in page.words and "No speaker is in" not in page.words
    assert "Speakers in several parts" not in page.words
    path = changeable / "small" / "seed_0" / "model" / "kser.json"
    provenance = json.loads(path.read_text())
    provenance["model_config"]["speaker_independent_scenario"] = False
    write_json(path, provenance)
    assert "Speakers in several parts: small: trained without speaker_independent" in top_of(
        page_of(changeable)
    )


def test_speakers_that_no_part_shares_are_none_whatever_the_settings(changeable):
    path = changeable / "small" / "seed_0" / "model" / "kser.json"
    provenance = json.loads(path.read_text())
    provenance["model_config"]["speaker_independent_scenario"] = False
    write_json(path, provenance)
    assert "Speakers in several parts" not in page_of(changeable).words


def test_an_evaluation_counts_once_however_often_it_is_there(study, changeable):
    own = changeable / "small" / "seed_0" / "evaluation" / "own"
    shutil.copytree(own, own.with_name("a copy"))
    change_report(own.with_name("a copy") / "classification_report.json", uar=0.9)
    read, original = read_study(changeable), read_study(study)
    assert [evaluation.report for evaluation in read.evaluations] == [
        evaluation.report for evaluation in original.evaluations
    ]
    page = page_of(changeable)
    assert (
        f"Same model, test set and seed twice: {own.with_name('a copy')}: left out, as {own} is the same "
        "evaluation."
    ) in top_of(page)
    assert "ANOVA of UAR over model, data set" in page.words


def test_statistics_are_fed_with_the_same_rows_as_the_tables(study):
    of_page, factors = results_of(read_study(study), CLASSES)
    of_stats = read_results(study)
    assert factors == of_stats.factors
    keys = ["model_name", "dataset_name", "seed", "subgroup_column", "subgroup"]
    whole = of_page["subgroup"] == "all"
    assert whole.sum() == 12 and (~whole).sum() == 24
    columns = [*keys, "uar"]
    pd.testing.assert_frame_equal(
        of_page[columns].sort_values(keys, ignore_index=True),
        of_stats.results[columns].sort_values(keys, ignore_index=True),
    )
    assert set(of_page.loc[whole, "n_classes"]) == {3.0}


def test_factors_become_factors_of_the_statistics(changeable):
    for report in reports_of(changeable):
        change_report(report, factors={"size": report.parents[3].name, "uar": "no factor"})
    assert results_of(read_study(changeable), CLASSES)[1] == ["size"]
    assert "ANOVA of UAR over size, data set" in page_of(changeable).words


def test_two_runs_have_no_interval_of_their_mean(tmp_path):
    page = page_of(write_study(tmp_path, models=("only",), datasets=("own",), seeds=2))
    assert re.search(r"2 0\.\d{3} ± 0\.\d{3} – 0\.\d{3}", page.words)


WRONG = (
    ("report", "seen_in_training", [1], "seen_in_training: input should be a valid object"),
    ("report", "per_label", ["anger"], "per_label.0: "),
    ("report", "calibration", {"reliability": [{"low": "x"}]}, "calibration.reliability.0.low: "),
    ("report", "subgroups", {"gender": ["female"]}, "subgroups.gender: "),
    ("report", "subgroup_tests", {"gender": {"comparisons": [{"groups": ["f"]}]}}, "comparisons.0.groups: "),
    ("report", "intervals", "wide", "intervals: "),
    ("report", "skipped_audio", 3, "skipped_audio"),
    ("report", "labels_renamed", 1.5, "labels_renamed"),
    ("report", "factors", {"size": [1]}, "factors.size"),
    ("kser", "training", ["x"], "training: "),
    ("kser", "model_config", "none", "model_config: "),
    ("kser", "augmentation", {"augmentations": ["x"]}, "augmentation.augmentations: "),
    ("kser", "audio", 16000, "audio: "),
    ("split", "left_out", ["anger"], "left_out: "),
    ("split", "labels_renamed", "x", "labels_renamed: "),
    ("split", "shared_speakers", "four", "shared_speakers: "),
)


def test_parts_of_a_wrong_type_are_named_and_the_rest_stands(tmp_path):
    results = write_study(tmp_path, models=("only",), datasets=("own",), seeds=2)
    run = results / "only" / "seed_1"
    paths = {
        "report": run / "evaluation" / "own" / "classification_report.json",
        "kser": run / "model" / "kser.json",
        "split": run / "split" / "split.json",
    }
    sound = {name: json.loads(path.read_text()) for name, path in paths.items()}
    for file, field, value, message in WRONG:
        write_json(paths[file], sound[file] | {field: value})
        page = page_of(results)
        assert f"Could not be read: {paths[file]}: {field}" in top_of(page), field
        assert message in top_of(page) and f"; {field} is left out" in top_of(page)
        assert f"{sound['report']['uar']:.3f}" in page.words
        write_json(paths[file], sound[file])
    assert not read_study(results).problems


def test_versions_of_the_machine_are_said_to_be_of_the_machine(page):
    environment = page.words[page.words.index("Where this page was made") :]
    assert f"NumPy {np.__version__}" in environment and f"Keras {version('keras')}" in environment
    assert all(name in environment for name in ("JAX", "TensorFlow", "PyTorch"))
    assert installed_version("no-such-package-anywhere") == "not installed"


def test_a_matrix_that_names_a_class_twice_is_left_out(changeable):
    path = changeable / "small" / "seed_0" / "evaluation" / "own" / "confusion_matrix.csv"
    path.write_text("true,a,b\na,1,2\na,3,4\n")
    assert f"{path}: names a class twice; left out" in top_of(page_of(changeable))


def test_hostile_names_stay_text(tmp_path):
    hostile = ("<script>alert(1)<⁄script>", '" onload="alert(1)', "$title & &amp; ${x}")
    results = write_study(tmp_path, models=hostile[:2], datasets=hostile[1:], labels=hostile, seeds=2)
    for report in reports_of(results):
        change_report(
            report, labels_renamed={"<b>x</b>": "<i>y</i>"}, model_name="</title><script>x</script>"
        )
    page = page_of(results)
    assert not page.all("script") and not page.all("b") and not page.all("i")
    assert not any(name.startswith("on") for _, element in page.elements for name in element)
    for text in (*hostile, "<b>x</b> → <i>y</i>", "</title><script>x</script>"):
        assert text in page.words


def test_missing_parts_are_sentences_and_the_rest_stands(tmp_path):
    results = write_study(tmp_path, models=("only",), datasets=("own",), seeds=1, older_version=True)
    for leftover in ("split/split.json", "model/kser.json", "evaluation/own/confusion_matrix.csv"):
        (results / "only" / "seed_0" / leftover).unlink()
    page = page_of(results)
    for text in (
        "There are no training curves. no logs found: looked in",
        "There is no split.json",
        "No run is finished, so no settings are known.",
        "The evaluations hold no confusion_matrix.csv.",
        "The evaluations compare no groups",
        "The evaluations hold no calibration",
        "There is one model on one test set, so there is nothing to compare.",
    ):
        assert text in page.words
    uar = json.loads(reports_of(results)[0].read_text())["uar"]
    assert f"{uar:.3f}" in page.words


def test_damaged_files_are_named_and_the_rest_stands(changeable):
    reports_of(changeable, "small", "0", "own")[0].write_text("{")
    (changeable / "large" / "seed_0" / "evaluation" / "own" / "confusion_matrix.csv").write_text(
        "true,a\nb,c\n"
    )
    write_json(changeable / "large" / "seed_1" / "split" / "split.json", [])
    change_report(reports_of(changeable, "large", "1", "own")[0], uar=None)
    page = page_of(changeable)
    top = page.words[: page.words.index("Models and settings")]
    assert top.count("Could not be read") == 4
    assert "not valid JSON" in top and "not a table of counts" in top and "lacks uar" in top
    assert "ANOVA" in page.words


def test_one_seed_of_two_models_has_no_tests(tmp_path):
    page = page_of(write_study(tmp_path, seeds=1))
    assert "There is one run of each; without several seeds nothing can be said" in page.words


def test_a_study_that_is_not_evaluated(changeable):
    for folder in changeable.glob("*/*/evaluation"):
        shutil.rmtree(folder)
    page = page_of(changeable)
    assert "No results: no run has been evaluated" in page.words
    assert "Not evaluated: large, seeds 0 to 2; small, seeds 0 to 2: there is no result on any" in page.words


def test_it_reads_what_an_evaluation_writes(tmp_path):
    table = pd.DataFrame(
        {
            "utterance": [f"{i}.wav" for i in range(24)],
            "actor": [f"s{i % 6}" for i in range(24)],
            "gender": ["female" if i % 2 else "male" for i in range(24)],
            "class_id": [LABELS[i % 3] for i in range(24)],
        }
    )
    logits = np.random.default_rng(0).normal(size=(24, 3))
    predictions = Predictions(
        table, {"logits": softmax(logits, axis=1)}, group_columns=(), title="title", skipped={}
    )
    names = {"labels_renamed": {}, "labels_unknown_to_model": [], "labels_left_out": {}}
    evaluation = ClassEvaluation()
    result = evaluation.evaluate(Truth(table[["class_id"]], names), predictions, "logits", list(LABELS))
    folder = tmp_path / "study" / "model" / "seed_0" / "evaluation" / "corpus"
    write_results(folder, predictions, [(evaluation, result)], {})
    study = read_study(tmp_path / "study")
    assert not study.problems
    assert study.evaluations[0].confusion.to_numpy().sum() == 24
    page = Page.of(report_page(study, NOW))
    assert "By gender" in page.words and "adaptive ECE" in page.words
    assert f"{result.measures['uar']:.3f}" in page.words


def test_logs_are_found_beside_the_results_or_in_the_working_folder_or_where_told(
    study, changeable, tmp_path, monkeypatch
):
    assert read_study(study).curves is not None
    assert read_study(changeable).curves is None
    logs = study.parents[1] / "runs" / study.name
    assert set(read_study(changeable, logs).curves["model"]) == {"small", "large"}
    monkeypatch.chdir(study.parents[1])
    assert read_study(changeable).curves is not None
    with pytest.raises(UserError, match="nowhere: not found"):
        read_study(changeable, tmp_path / "nowhere")


def test_a_folder_without_runs_is_an_error(study, tmp_path):
    with pytest.raises(UserError, match="folder not found; give the results of an experiment"):
        read_study(tmp_path / "absent")
    with pytest.raises(UserError, match="no MODEL/seed_N below it; give the results of an experiment"):
        read_study(tmp_path)


@pytest.mark.parametrize(
    "inside",
    ["../..", "..", ".", "small", "small/seed_0", "small/seed_0/model", "small/seed_0/evaluation/own"],
)
def test_a_folder_inside_or_above_one_experiment_leads_to_it(study, inside):
    assert locate_study((study / inside).resolve()) == (study, None)


def test_tells_how_far_reading_and_writing_are(study, tmp_path):
    read, written = [], []
    write_report(
        study,
        tmp_path / "report.html",
        reading=lambda *count: read.append(count),
        writing=lambda *count: written.append(count),
    )
    runs = len(list(study.glob("*/seed_*")))
    assert read == [(done, runs) for done in range(1, runs + 1)]
    assert written == [(done, len(written)) for done in range(1, len(written) + 1)]
    assert len(written) > 5


def test_a_folder_beside_the_models_of_an_experiment_does_not_lead_to_it(tmp_path):
    (tmp_path / "elsewhere" / "seed_0").mkdir(parents=True)
    (tmp_path / "mine" / "empty").mkdir(parents=True)
    with pytest.raises(UserError, match="no MODEL/seed_N below it"):
        locate_study(tmp_path / "mine" / "empty")


def test_logs_lead_to_the_results_of_their_experiment(study, changeable, tmp_path, monkeypatch):
    logs = study.parents[1] / "runs" / study.name
    for log in logs.glob("*/*/log.csv"):
        assert locate_study(log.parent) == locate_study(log.parents[1]) == (study, logs)
    assert read_study(logs).curves is not None
    elsewhere = shutil.copytree(logs, tmp_path / "elsewhere" / "runs" / study.name)
    with pytest.raises(UserError, match="holds the logs of an experiment; give the results"):
        locate_study(elsewhere)
    monkeypatch.chdir(changeable.parents[1])
    assert locate_study(elsewhere) == (changeable, elsewhere)


def test_several_experiments_are_named_with_their_paths(changeable):
    other = shutil.copytree(changeable, changeable.with_name("other"))
    with pytest.raises(UserError, match="holds several experiments") as error:
        locate_study(changeable.parent)
    assert f"{other}, {changeable}" in str(error.value)


def test_pooled_bins_weigh_by_utterances():
    first = {"low": 0.4, "high": 0.6, "n": 1, "accuracy": 1.0, "confidence": 0.5}
    second = {"low": 0.4, "high": 0.6, "n": 3, "accuracy": 0.0, "confidence": 0.58}
    empty = {"low": 0.6, "high": 0.8, "n": 0, "accuracy": None, "confidence": None}
    pooled = pooled_bins([[first, empty], [second, empty]])
    assert pooled == [{"low": 0.4, "high": 0.6, "n": 4, "accuracy": 0.25, "confidence": pytest.approx(0.56)}]


def test_text_on_every_colour_has_enough_contrast():
    rules = re.findall(r"background: #(\w{6}); color: #(\w)", heat_style())
    assert len(rules) == 42

    def luminance(hexadecimal):
        srgb = np.array([int(hexadecimal[i : i + 2], 16) / 255 for i in (0, 2, 4)])
        return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4) @ [
            0.2126,
            0.7152,
            0.0722,
        ]

    for ground, text in rules:
        high, low = sorted([luminance(ground), 0.0 if text == "0" else 1.0], reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_an_older_report_is_replaced_whole_or_not_at_all(study, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("older")
    with pytest.raises(UserError):
        write_report(tmp_path / "absent", path)
    assert path.read_text() == "older"
    write_report(study, path)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert path.stat().st_size < 300_000
    assert list(tmp_path.iterdir()) == [path]
