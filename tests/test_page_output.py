"""Output is compared by what does not depend on recordings."""

from pathlib import Path

import pytest

from tests.page_output import assert_printed, shape_of

FOLDER = Path("/tmp/page")
SHOWN = "/home/you/emotions/a.csv, seed 0: few utterances to judge a class by: test: disgust (1)\n"


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("call.wav   3.41  anger  0.872  not sure  0.872  0.128", "call.wav  0.90  fear  0.4  0.4  0.3  0.3"),
        ("label  anger  boredom  disgust", "label  joy  sadness"),
        ("│ log_mel │ 5 │ 0.657 ± 0.049 │", "log_mel  2  0.1 ± 0.2"),
        ("a.wav,2.103,disgust,0.641474,no,0.05,6e-06,", "a.wav,0.9,anger,1.0,yes,1.0,"),
        ("anger 127, boredom 81, disgust 46", "anger 10, boredom 10"),
    ],
)
def test_numbers_and_predictions_do_not_matter(shown, printed):
    assert shape_of(shown) == shape_of(printed)


@pytest.mark.parametrize("printed", ["calls.csv: 4 files", "call.csv: 4 recordings", "calls.csv: none"])
def test_words_and_names_of_files_matter(printed):
    with pytest.raises(AssertionError, match="is not among what was printed"):
        assert_printed("calls.csv: 4 recordings\n", printed, FOLDER)


def test_the_rest_of_a_line_may_be_left_out():
    assert_printed("[1/3] log_mel, seed 0: 343 …\n…\n", "[1/2] log_mel, seed 0: 20 utterances\n", FOLDER)


def test_folders_are_those_of_the_page():
    printed = SHOWN.replace("/home/you/emotions", str(FOLDER)).replace("disgust (1)", "fear (2), anger (1)")
    assert_printed(SHOWN, f"another line\n{printed}", FOLDER)
