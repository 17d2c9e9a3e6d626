"""One command a folder."""

import pytest

from kser.errors import UserError
from kser.representations.output_lock import output_lock


def test_a_second_one_is_refused_and_the_next_is_not(tmp_path):
    with output_lock(tmp_path / "new" / "store"):
        with (
            pytest.raises(UserError, match=r"store: is being written by process .*name another folder"),
            output_lock(tmp_path / "new" / "store"),
        ):
            pytest.fail("was not refused")
        with output_lock(tmp_path / "new" / "other"):
            pass
    with output_lock(tmp_path / "new" / "store"):
        pass
    assert not list((tmp_path / "new").iterdir())


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: cannot be written"), output_lock(tmp_path / "file" / "store"):
        pytest.fail("was not refused")
