"""A study that is trained and evaluated once, and experiments to train."""

import pytest

from kser.experiment.config.loading import load_experiment
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment
from tests.experiment.study.training import change_model


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_corpus):
    folder = tmp_path_factory.mktemp("study")
    experiment = load_experiment(write_experiment(folder, small_corpus, cross_validation=2))
    evaluation_csv = train_experiment(experiment).evaluation_csv
    return folder, evaluation_csv


@pytest.fixture
def two_seeds(tmp_path, small_corpus):
    return write_experiment(tmp_path, small_corpus, models=["log_mel"], cross_validation=2, run_eval=False)


@pytest.fixture
def two_models(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, cross_validation=2, run_grapher=True)
    change_model(path, "wav2vec2", number_of_training_epochs=1)
    return path
