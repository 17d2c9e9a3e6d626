"""A run on several devices is the run on one device, whether or not it goes on with as many."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest

from tests.experiment.execution.studies_on_devices import STUDIES, write_studies
from tests.experiment.results import assert_equal, results

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def studies(tmp_path_factory, small_corpus):
    folder = tmp_path_factory.mktemp("devices")
    write_studies(folder, small_corpus)
    return folder


def weights(study, model):
    """Those after the last update; of a model without kept states its best."""
    run = study / "results" / "small" / model / "seed_0"
    folder = max((run / "states").glob("step_*"), default=run / "model")
    found = {}

    def add(name, dataset):
        if isinstance(dataset, h5py.Dataset):
            found[name] = dataset[()]

    for part in ("model", "task"):  # the backbone and the head
        with h5py.File(folder / f"{part}.weights.h5") as file:
            file.visititems(lambda name, item, part=part: add(f"{part}/{name}", item))
    return found


def training_of(study, model):
    """What its provenance says of the training."""
    folder = study / "results" / "small" / model / "seed_0" / "model"
    return json.loads((folder / "kser.json").read_text())["training"]


def log(study, model):
    return pd.read_csv(study / "runs" / "small" / model / "seed_0" / "log.csv").drop(columns="seconds")


@pytest.mark.parametrize("study", [name for name in STUDIES if name != "one"])
def test_weights_are_those_of_one_device(studies, study):
    # Batches of training are of 8 utterances, those of evaluation of 6: on three devices 9, on four 8.
    expected, found = weights(studies / "one", "wav2vec2"), weights(studies / study, "wav2vec2")
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=5e-6, err_msg=name)
    pd.testing.assert_frame_equal(
        log(studies / study, "wav2vec2"), log(studies / "one", "wav2vec2"), atol=1e-5
    )


def test_interrupted_and_gone_on_with_as_many_it_ends_the_same_to_the_bit(studies):
    whole = studies / "four" / "experiment.json"
    cut = studies / "four, interrupted" / "experiment.json"
    assert_equal(cut, results(whole))


def test_vectors_are_not_divided(studies):
    expected = weights(studies / "one", "log_mel")
    for study in STUDIES:
        found = weights(studies / study, "log_mel")
        assert all(np.array_equal(found[name], array) for name, array in expected.items())
        assert training_of(studies / study, "log_mel")["devices"] == [1]


def test_the_model_says_how_many_devices_made_it(studies):
    expected = {"one": [1], "four": [4], "four, interrupted": [4], "three, then two": [3, 2]}
    found = {study: training_of(studies / study, "wav2vec2")["devices"] for study in STUDIES}
    assert found == expected
