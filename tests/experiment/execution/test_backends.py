"""One JSON on three backends, through the command line of a process each."""

import importlib.util
import json

import pandas as pd
import pytest
from scipy.special import softmax

from tests.experiment.conftest import write_experiment
from tests.experiment.execution.on_backends import train_on

pytestmark = pytest.mark.slow
BACKENDS = ["jax", "tensorflow", *(["torch"] if importlib.util.find_spec("torch") else [])]


@pytest.fixture(scope="module")
def studies(tmp_path_factory, small_corpus):
    """The folder of the same experiment on each backend."""
    folders = {}
    for backend in BACKENDS:
        folder = tmp_path_factory.mktemp(backend)
        write_experiment(folder, small_corpus)
        train_on(backend, folder / "experiment.json")
        folders[backend] = folder
    return folders


def runs(folder):
    return [folder / "results" / "small" / model / "seed_0" for model in ("log_mel", "wav2vec2")]


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_splits_are_identical(studies, backend):
    for one, other in zip(runs(studies["jax"]), runs(studies[backend]), strict=True):
        for name in ("train.csv", "validation.csv", "test.csv", "split.json"):
            assert (one / "split" / name).read_bytes() == (other / "split" / name).read_bytes()


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_the_initial_loss_agrees(studies, backend):
    for model in ("log_mel", "wav2vec2"):
        losses = [
            pd.read_csv(studies[b] / "runs" / "small" / model / "seed_0" / "log.csv")["val_loss"].iloc[0]
            for b in ("jax", backend)
        ]
        assert losses[0] == pytest.approx(losses[1], abs=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_evaluates_what_it_trained(studies, backend):
    for run in runs(studies[backend]):
        report = json.loads((run / "evaluation" / "synthetic" / "classification_report.json").read_text())
        assert report["n"] > 0
        assert json.loads((run / "model" / "kser.json").read_text())["backend"] == backend


def test_a_model_gives_the_same_probabilities_on_the_backend_of_the_test(studies):
    """Trained and evaluated on one backend each, then predicted here."""
    from kser.experiment.evaluating.predicting import predict_outputs
    from kser.experiment.runs.trained_model import load_classifier
    from kser.pipeline.reading import WaveformReader
    from kser.pipeline.utterances import Utterances

    for backend, folder in studies.items():
        for run in runs(folder):
            predictions = pd.read_csv(run / "evaluation" / "synthetic" / "predictions.csv")
            classifier = load_classifier(run / "model")
            paths = pd.read_csv(run / "split" / "test.csv")["path"].tolist()
            reader = WaveformReader(classifier.waveform_format)
            utterances = Utterances.from_files(paths, [0] * len(paths), reader)
            here = softmax(predict_outputs(classifier, utterances, 8)["logits"], axis=1)
            found = predictions[[f"p_{label}" for label in classifier.labels]].to_numpy()
            assert abs(here - found).max() < 1e-5, backend
