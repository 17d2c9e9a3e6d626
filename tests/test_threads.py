"""Work in threads keeps its order, and ends where it fails."""

import pytest

from kser.threads import in_threads


def test_all_items_come_in_their_order():
    assert list(in_threads(lambda item: -item, range(2_500))) == [-item for item in range(2_500)]


def test_what_an_item_raises_ends_it():
    done = []

    def work(item):
        done.append(item)
        if item == 3:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        list(in_threads(work, range(5_000)))
    assert len(done) <= 1_000
