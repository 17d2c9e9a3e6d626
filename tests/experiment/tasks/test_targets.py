"""How each target is read, checked, encoded and summed up, whatever task it belongs to."""

import numpy as np
import pandas as pd
import pytest

from kser.errors import UserError
from kser.experiment.tasks.class_target import ClassTarget
from kser.experiment.tasks.labels_target import LabelsTarget
from kser.experiment.tasks.numbers_target import NumbersTarget
from kser.experiment.tasks.target import ClassChoice

EMOTION = ClassTarget(("emotion",))
RATINGS = NumbersTarget(("arousal", "valence"))
TAGS = LabelsTarget(("sad", "loud"))
TARGETS = (EMOTION, RATINGS, TAGS)
PARTS = ["train", "train", "train", "validation", "validation", "test", "test"]
EVERYTHING = ClassChoice()


def table(**columns):
    """Seven utterances; `columns` take the place of their own."""
    own = {
        "utterance": [f"{row}.wav" for row in range(7)],
        "emotion": ["joy", "anger", "joy", "anger", "joy", "anger", "joy"],
        "arousal": ["1", "2.5", "", "4", "3", "2", "6"],
        "valence": ["3", "5", "", "1", "2", "5", "4"],
        "sad": ["1", "0", "0", "1", "0", "1", "0"],
        "loud": ["0", "1", "0", "0", "1", "0", "1"],
    }
    return pd.DataFrame({**own, **columns}, index=range(10, 17))


def values_and_parts(target, **columns):
    read = target.read(table(**columns), "some.csv")
    return read, pd.Series(PARTS, index=read.index)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
class TestEveryTarget:
    def test_values_have_its_columns_and_the_rows_of_the_table(self, target):
        values, _ = values_and_parts(target)
        assert list(values) == list(target.columns)
        assert values.index.tolist() == list(range(10, 17))

    def test_a_row_is_encoded_for_each_utterance(self, target):
        values, parts = values_and_parts(target)
        head = target.head(values, parts)
        encoded = target.encode(values, head)
        assert len(encoded) == 7
        assert encoded.dtype in (np.int32, np.float32)
        assert len(target.names(head)) == 2

    def test_nothing_is_lost_of_what_remains_whole(self, target):
        values, _ = values_and_parts(target)
        assert target.lost(values, values) == []
        assert target.known(values).shape == (7, 2)

    def test_a_sound_split_has_no_mistakes_and_a_target_is_a_plain_value(self, target):
        values, parts = values_and_parts(target)
        assert target.split_mistakes(values, parts, seed=0) == []
        assert target == type(target)(target.columns) and hash(target)

    def test_truth_is_what_the_table_says_where_the_head_knows_it(self, target):
        values, parts = values_and_parts(target)
        truth = target.truth(table(), target.head(values, parts), EVERYTHING, "test.csv")
        pd.testing.assert_frame_equal(truth.values.astype(values.dtypes), values)


def test_classes_are_positions_among_the_labels():
    values, parts = values_and_parts(EMOTION)
    head = EMOTION.head(values, parts)
    assert head == {"labels": ["anger", "joy"]}
    assert EMOTION.encode(values, head).tolist() == [1, 0, 1, 0, 1, 0, 1]
    assert EMOTION.encode(values, {"labels": ["joy", "anger"]}).tolist() == [0, 1, 0, 1, 0, 1, 0]


def test_rows_are_selected_by_class_and_renamed():
    choice = ClassChoice({"joy": "happiness", "anger": None})
    selected = EMOTION.select({"train": table(), "test": table()}, choice, "some.csv")
    assert [rows["emotion"].tolist() for rows in selected.tables.values()] == [["happiness"] * 4] * 2
    assert (selected.renamed, selected.left_out) == ({"joy": "happiness"}, {"anger": 6})


def test_a_single_class_cannot_be_learned():
    values, parts = values_and_parts(EMOTION, emotion="joy")
    (line,) = EMOTION.split_mistakes(values, parts, seed=0)
    assert line == "emotion: 'joy' in every row; a classifier needs two classes"


def test_classes_with_few_utterances_are_noted():
    values, parts = values_and_parts(EMOTION)
    assert EMOTION.thin_spots(values, parts) == [
        "few utterances to judge a class by: validation: anger (1), joy (1)",
        "few utterances to judge a class by: test: anger (1), joy (1)",
    ]


def test_a_class_that_no_remaining_utterance_has_is_lost():
    values, _ = values_and_parts(EMOTION)
    assert EMOTION.lost(values, values.iloc[[0, 2]]) == ["anger"]


def test_truth_is_in_the_words_of_the_model():
    truth = EMOTION.truth(table(), {"labels": ["happiness", "fear"]}, EVERYTHING, "test.csv")
    assert truth.values["emotion"].tolist() == ["happiness", np.nan] * 3 + ["happiness"]
    assert truth.facts == {
        "labels_renamed": {"joy": "happiness"},
        "labels_unknown_to_model": [{"label": "anger", "support": 3}],
        "labels_left_out": {},
    }


def test_a_model_that_knows_no_class_of_a_test_set_is_refused():
    with pytest.raises(UserError, match=r"test\.csv: emotion: no utterance of a class that the model knows"):
        EMOTION.truth(table(), {"labels": ["fear", "calm"]}, EVERYTHING, "test.csv")


def test_numbers_are_in_their_units_and_may_be_missing():
    values, parts = values_and_parts(RATINGS)
    assert values["arousal"].tolist() == pytest.approx([1, 2.5, np.nan, 4, 3, 2, 6], nan_ok=True)
    head = RATINGS.head(values, parts)
    assert head["targets"] == ["arousal", "valence"]
    assert head["offsets"] == [1.75, 4.0]
    assert head["scales"] == [0.75, 1.0]
    assert np.isnan(RATINGS.encode(values, head)[2]).all()


def test_rows_without_any_number_are_left_out():
    selected = RATINGS.select({"train": table()}, EVERYTHING, "some.csv")
    assert len(selected.tables["train"]) == 6
    assert selected.left_out == {"without a number": 1}


@pytest.mark.parametrize(
    ("target", "columns", "message"),
    [
        (RATINGS, {"arousal": "high"}, r"arousal: row 2: 'high'; row 3: 'high'; .*: should be a number"),
        (RATINGS, {"valence": ["inf", *"123456"]}, r"valence: row 2: 'inf': should be a number"),
        (RATINGS, {"arousal": "", "valence": ""}, "arousal, valence: no row has a number"),
        (TAGS, {"sad": ["2", *"010101"]}, "sad: row 2: '2': should be 0 or 1"),
        (TAGS, {"loud": ["0", "", *"01010"]}, "loud: row 3: empty: should be 0 or 1"),
    ],
)
def test_wrong_cells_are_named_with_file_column_and_row(target, columns, message):
    with pytest.raises(UserError, match=rf"^some\.csv: {message}"):
        target.read(table(**columns), "some.csv")


@pytest.mark.parametrize(("target", "column"), [(RATINGS, "valence"), (TAGS, "loud")])
def test_a_missing_column_is_named_with_those_that_are_present(target, column):
    with pytest.raises(UserError, match=rf"some\.csv: the header lacks '{column}', .*; it has 'emotion', "):
        target.read(table().drop(columns=column), "some.csv")


def test_numbers_that_do_not_vary_or_are_missing_in_a_part_cannot_be_learned():
    values, parts = values_and_parts(
        RATINGS, arousal=["2", "2", "2", "", "", "1", "3"], valence=["", "", "", "", "", "", "5"]
    )
    assert RATINGS.split_mistakes(values, parts, seed=3) == [
        "arousal: in the training part of seed 3 every row that has a number has 2, so that there is nothing "
        "to learn; leave the column out",
        "valence: in the training part of seed 3 no row has a number; leave the column out",
        "arousal, valence: no row of the validation part of seed 3 has a number",
    ]


def test_numbers_that_a_part_cannot_measure_are_noted():
    values, parts = values_and_parts(RATINGS, arousal=["1", "2", "3", "4", "4", "5", "6"])
    assert RATINGS.thin_spots(values, parts) == [
        "too few different numbers for a CCC: validation: arousal (1)",
    ]


def test_a_column_of_which_no_number_remains_is_lost():
    values, _ = values_and_parts(RATINGS)
    assert RATINGS.lost(values, values.iloc[[2]]) == ["arousal", "valence"]


def test_labels_that_training_sees_always_or_never_are_noted():
    values, parts = values_and_parts(TAGS, sad=[*"0000", *"111"], loud=[*"1111", *"000"])
    assert TAGS.thin_spots(values, parts) == [
        "the training part has no utterance with: sad",
        "the training part has no utterance without: loud",
    ]
    assert TAGS.lost(values, values.iloc[:3]) == []
