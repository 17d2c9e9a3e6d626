"""A model JSON with `probe_layers` is a model for each hidden state, or is refused in a line."""

import pytest

from kser.experiment.config.loading import load_experiment
from tests.experiment.config.test_loading import refusals, write

PROBE = {
    "backbone_arguments": {"filters": [4, 4], "kernel_sizes": [3, 3]},
    "freeze_layers": "all",
    "head_solver": "logistic_regression",
    "probe_layers": "all",
}


def test_all_layers_make_a_model_each(tmp_path):
    path = write(tmp_path, tiny=PROBE, other={"factors": {"layer": "every"}})
    definition = load_experiment(path)
    other, *probes = definition.models
    assert [probe.name for probe in probes] == ["tiny_layer_00", "tiny_layer_01", "tiny_layer_02"]
    assert [probe.head_arguments["hidden_state"] for probe in probes] == [0, 1, 2]
    assert [probe.factors for probe in probes] == [{"layer": "0"}, {"layer": "1"}, {"layer": "2"}]
    assert {probe.layer_curve for probe in probes} == {"tiny"}
    assert {probe.head_solver for probe in probes} == {"logistic_regression"}
    assert (other.probe_layers, other.hidden_state, other.layer_curve) == (None, None, None)
    (note,) = [note for note in definition.notes() if "probe_layers" in note]
    assert note.endswith(
        "tiny.json: probe_layers: makes 3 models, tiny_layer_00 to tiny_layer_02, a probe of "
        "one hidden state each"
    )
    assert len(set(definition.notes())) == len(definition.notes())


def test_listed_layers_keep_their_numbers_and_the_factors_that_are_given(tmp_path):
    fields = {**PROBE, "probe_layers": [2, 0], "factors": {"layer": "some", "size": "small"}}
    probes = load_experiment(write(tmp_path, tiny=fields)).models
    assert [(probe.name, probe.hidden_state) for probe in probes] == [
        ("tiny_layer_02", 2),
        ("tiny_layer_00", 0),
    ]
    assert probes[0].factors == {"layer": "some", "size": "small"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"probe_layers": [1, 3]}, "probe_layers: must be from 0 to 2, the layers of the backbone, got 3"),
        ({"probe_layers": []}, 'probe_layers: should be "all", or a list of different whole numbers from 0'),
        (
            {"probe_layers": [1, 1]},
            'probe_layers: should be "all", or a list of different whole numbers from 0',
        ),
        (
            {"probe_layers": [True]},
            'probe_layers: should be "all", or a list of different whole numbers from 0',
        ),
        ({"hidden_state": 0}, "hidden_state: is what probe_layers gives each of its models; leave it out"),
        ({"layer_curve": "x"}, "layer_curve: is what probe_layers gives each of its models; leave it out"),
        (
            {"probe_layers": None, "layer_curve": "x"},
            "layer_curve: requires hidden_state: a place on the curve",
        ),
        (
            {"model_path_or_name": "nowhere/to be found"},
            "probe_layers: the layers cannot be counted: nowhere/to be found:",
        ),
        ({"name": "x" * 115}, "name: should be a name for a folder"),
    ],
)
def test_what_cannot_be_probed_is_told(tmp_path, fields, message):
    (line,) = refusals(write(tmp_path, tiny={**PROBE, **fields}))
    assert line.startswith(f"models/tiny.json: {message}")


@pytest.mark.thorough
def test_the_models_of_a_probe_need_names_of_their_own(tmp_path):
    (line,) = refusals(write(tmp_path, tiny=PROBE, tiny_layer_01={}))
    assert line.startswith(
        "models/tiny_layer_01.json: name: 'tiny_layer_01' is also the name in models/tiny.json"
    )
