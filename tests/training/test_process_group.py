"""What processes that train together tell each other, one after the other in this process."""

import pytest

from kser.errors import UserError
from kser.training import process_group
from kser.training.process_group import agreed, gathered, of_first, processes


class Store:
    """Keys and values as JAX's coordination service keeps them."""

    def __init__(self):
        self.values = {}

    def key_value_set(self, key, value):
        self.values[key] = value

    key_value_set_bytes = key_value_set

    def blocking_key_value_get(self, key, timeout_ms):
        if key not in self.values:
            raise RuntimeError("DEADLINE_EXCEEDED: by the test")
        return self.values[key]

    blocking_key_value_get_bytes = blocking_key_value_get


@pytest.fixture
def as_process():
    """Makes this process one of two, from its first call on."""
    store = Store()
    yield lambda number: process_group.enter(store, number, 2)
    process_group.leave()


def test_alone_everything_is_as_without_a_group():
    assert processes() == 1
    assert of_first(lambda: "own") == "own"
    assert gathered("own") == ["own"]
    with pytest.raises(UserError, match=r"^own$"), agreed():
        raise UserError("own")


@pytest.mark.parametrize("value", [None, "x", b"x" * (3 << 20)], ids=["nothing", "short", "long"])
def test_others_have_the_value_of_the_first(as_process, value):
    as_process(0)
    assert of_first(lambda: value) == value
    as_process(1)
    assert of_first(lambda: pytest.fail("is called")) == value


def test_what_the_first_does_it_does_by_itself(as_process):
    as_process(0)
    assert of_first(processes) == 1
    assert of_first(lambda: of_first(lambda: "within")) == "within"
    assert processes() == 2


def test_others_have_the_error_of_the_first(as_process):
    def fails():
        raise UserError("wrong")

    for number in (0, 1):
        as_process(number)
        with pytest.raises(UserError, match=r"^wrong$"):
            of_first(fails)
        assert processes() == 2


def test_an_error_of_another_process_names_it_in_each_line(as_process):
    as_process(1)
    with pytest.raises(UserError, match=r"^a\nb$"), agreed():
        raise UserError("a\nb")
    as_process(0)
    with pytest.raises(UserError, match=r"^process 1 on \S+: a\nprocess 1 on \S+: b$"), agreed():
        pass
