"""A study of all layers of a backbone: it is computed once, and the page has the curve."""

from datetime import UTC, datetime

import pytest

import kser
from kser.experiment.runs import feature_caching
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.trained_model import load_classifier
from kser.report.page import report_page
from kser.report.study_folder import read_study
from tests.report.reading_html import Page

PROBE = {
    "name": "probe",
    "model_path_or_name": "scratch:log_mel",
    "backbone_arguments": {"filters": [8, 8], "kernel_sizes": [5, 5]},
    "freeze_layers": "all",
    "pooling_mode": "max",
    "head_solver": "logistic_regression",
    "probe_layers": "all",
}


@pytest.fixture(scope="module")
def probed(tmp_path_factory, small_corpus):
    """What the study gave, and how many recordings its backbone was asked for each time."""
    folder = tmp_path_factory.mktemp("probed")
    computed: list[int] = []
    compute = feature_caching.compute_missing

    def counted(*arguments):
        computed.append(compute(*arguments))
        return computed[-1]

    fields = {
        "experiment_name": "probed",
        "output_path": str(folder / "runs"),
        "experiment_results_output_path": str(folder / "results"),
        "training_dataset": {"name": "synthetic", "data_csv": str(small_corpus)},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_caching, "compute_missing", counted)
        result = kser.Experiment(fields, models=[PROBE]).run()
    return result, computed


@pytest.mark.thorough
def test_each_layer_has_its_results_and_all_share_the_backbone(probed):
    result, computed = probed
    assert list(result.runs["model"]) == ["probe_layer_00", "probe_layer_01", "probe_layer_02"]
    assert result.evaluation.results["uar"].notna().all()
    data = load_run_data(result.run_results[0].run)
    train, validation, test = (len(data.rows(part)) for part in ("train", "validation", "test"))
    # Of each model: training and validation part, and the validation part again for its temperature.
    assert computed == [train, validation, 0, 0, 0, 0, 0, 0, 0, test, 0, 0]
    models = [load_classifier(result.run_results[state].run.paths.model) for state in (0, 2)]
    assert [model.hidden_state for model in models] == [0, 2]
    assert [model.get_layer("logits").kernel.shape[0] for model in models] == [40, 8]


@pytest.mark.thorough
def test_the_page_has_the_curve(probed):
    result, _ = probed
    folder = result.run_results[0].run.paths.results.parent.parent
    page = Page.of(report_page(read_study(folder), datetime(2026, 11, 27, tzinfo=UTC)))
    (image,) = [image for image in page.all("img") if "hidden states" in image["alt"]]
    assert image["alt"] == "UAR over hidden states of probe on synthetic"
    uar = result.evaluation.results["uar"]
    rows = " ".join(f"{state} {value:.3f}" for state, value in enumerate(uar))
    for text in (
        f"UAR by hidden state: mean ± SD over runs hidden state probe on synthetic {rows}",
        "setting probe what it means factors.layer 0; 1; 2",
        "No run made an update of its weights, so there are no training curves.",
    ):
        assert text in page.words
