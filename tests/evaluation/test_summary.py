"""The table of a study: its numbers, its order, its two printed forms."""

import math

import pandas as pd
import pytest

from kser.evaluation.summary import summarise, summary_header, summary_markdown, summary_rows

MEASURES = ["uar", "wa", "macro_f1"]
RESULTS = pd.DataFrame(
    [
        ("wavlm", "EMOVO", 0.50, 0.60, 0.40, 588),
        ("hubert", "EMOVO", 0.70, 0.70, 0.70, 588),
        ("wavlm", "EMOVO", 0.60, 0.60, 0.50, 588),
        ("wavlm", "Emozionalmente", 0.80, 0.81, 0.79, 690),
    ],
    columns=["model_name", "dataset_name", "uar", "wa", "macro_f1", "n"],
)


def test_one_row_a_model_and_corpus_in_order_of_appearance():
    summary = summarise(RESULTS, MEASURES)
    assert list(summary["model_name"]) == ["wavlm", "hubert", "wavlm"]
    assert list(summary["dataset_name"]) == ["EMOVO", "EMOVO", "Emozionalmente"]
    assert list(summary["runs"]) == [2, 1, 1]


def test_mean_and_sample_standard_deviation():
    first, second, _ = summarise(RESULTS, MEASURES).to_dict("records")
    assert first["uar_mean"] == pytest.approx(0.55)
    assert first["uar_sd"] == pytest.approx(math.sqrt(2 * 0.05**2 / (2 - 1)))
    assert first["wa_sd"] == 0.0
    assert second["macro_f1_mean"] == 0.70
    assert math.isnan(second["macro_f1_sd"])


def test_a_missing_measure_is_not_passed_over():
    results = RESULTS.copy()
    results.loc[0, "uar"] = float("nan")
    first = summarise(results, MEASURES).iloc[0]
    assert first["runs"] == 2
    assert math.isnan(first["uar_mean"])
    assert first["wa_mean"] == pytest.approx(0.60)


def test_rows_for_the_terminal():
    rows = summary_rows(summarise(RESULTS, MEASURES), MEASURES)
    assert rows[0] == ["wavlm", "EMOVO", "2", "0.550 ± 0.071", "0.600 ± 0.000", "0.450 ± 0.071"]
    assert rows[1] == ["hubert", "EMOVO", "1", "0.700", "0.700", "0.700"]
    assert all(len(row) == len(summary_header(MEASURES)) for row in rows)


def test_markdown():
    text = summary_markdown(summarise(RESULTS.assign(model_name="wavlm|large").head(1), MEASURES), MEASURES)
    assert text == (
        "| model | corpus | runs | UAR | WA | macro F1 |\n"
        "| --- | --- | ---: | ---: | ---: | ---: |\n"
        "| wavlm\\|large | EMOVO | 1 | 0.500 | 0.600 | 0.400 |\n"
    )


def test_a_study_without_results_is_an_empty_table():
    assert summary_rows(summarise(RESULTS.head(0), MEASURES), MEASURES) == []


def test_other_measures_and_models_that_lack_them():
    results = pd.DataFrame(
        [("rater", "MSP", 0.5, -0.25), ("rater", "MSP", 0.7, -0.35), ("classifier", "MSP", None, None)],
        columns=["model_name", "dataset_name", "ccc", "ccc_valence"],
    )
    measures = ["ccc", "ccc_valence"]
    assert summary_header(measures) == ["model", "corpus", "runs", "CCC", "CCC of valence"]
    assert summary_rows(summarise(results, measures), measures) == [
        ["rater", "MSP", "2", "0.600 ± 0.141", "−0.300 ± 0.071"],
        ["classifier", "MSP", "1", "–", "–"],
    ]
