"""How many devices there are, and what is asked for in vain."""

import keras
import pytest

from kser.errors import UserError
from kser.training.devices import (
    devices_at_most,
    devices_in_use,
    number_of_devices,
    on_devices,
    places_of,
    undivided,
)

only_jax = pytest.mark.skipif(keras.config.backend() != "jax", reason="only JAX divides batches")


@only_jax
def test_all_are_those_that_there_are():
    assert number_of_devices("all") == len(keras.distribution.list_devices())


@only_jax
def test_more_than_there_are_is_refused_in_a_line():
    with pytest.raises(UserError, match=r"^devices: 4096 asked for, and JAX has \d+ here \(.+\)"):
        number_of_devices(4096)
    assert devices_at_most(4096) == devices_at_most("all") == number_of_devices("all")


def test_one_is_there_on_every_backend(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    assert number_of_devices(1) == devices_at_most(2) == 1


@pytest.mark.parametrize("asked", [2, "all"])
def test_other_backends_are_refused_with_what_would_do(monkeypatch, asked):
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    with pytest.raises(UserError, match=rf"^devices: {asked} requires JAX.+tensorflow.+--workers"):
        number_of_devices(asked)


@only_jax
def test_the_distribution_ends_with_its_block_whatever_ends_it(monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    with pytest.raises(KeyError), on_devices(2):
        assert keras.distribution.distribution() is not None
        with undivided():
            assert devices_in_use() == 1
        assert keras.distribution.distribution() is not None
        raise KeyError
    assert keras.distribution.distribution() is None


@pytest.mark.parametrize(("batch_size", "devices", "places"), [(8, 1, 8), (8, 4, 8), (6, 4, 8), (1, 4, 4)])
def test_places_are_divided_evenly(batch_size, devices, places):
    assert places_of(batch_size, devices) == places
