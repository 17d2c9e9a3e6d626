"""Splits that a column or files of the user's fix, and the schemes' fields."""

import pandas as pd
import pytest

from kser.corpora.splits import PARTS, SplitScheme, describe_split, fixed_split, fixed_split_of_files
from tests.corpora.test_splits import CLASSES, refusal, ten_speakers

OFFICIAL = {
    **dict.fromkeys("012345", "Train"),
    **dict.fromkeys("67", "Development"),
    "8": "Test1",
    "9": "Test2",
}
TWO_TESTS = {"train": ["Train"], "validation": ["development"], "test": ["Test1", "Test2"]}


def partitioned(names: dict[str, str] = OFFICIAL) -> pd.DataFrame:
    table = ten_speakers()
    return table.assign(Split_Set=[names[actor[1]] for actor in table["actor"]])


@pytest.mark.parametrize("validation", ["validation", "Valid", "val", "DEV", "Development"])
def test_well_known_names(validation: str) -> None:
    names = {
        **dict.fromkeys("012345", "Train"),
        **dict.fromkeys("67", validation),
        **dict.fromkeys("89", "TEST "),
    }
    table = partitioned(names)
    parts = SplitScheme("fixed", column="Split_Set").apply(table, seed=0)
    assert parts.index.equals(table.index)
    assert describe_split(table, parts)["speakers"].tolist() == [6, 2, 2]
    assert set(table["actor"][parts == "validation"]) == {"06", "07"}


def test_named_parts_and_the_rest_left_out() -> None:
    table = partitioned()
    parts = SplitScheme("fixed", column="Split_Set", parts=TWO_TESTS).apply(table, seed=0)
    assert describe_split(table, parts)["speakers"].tolist() == [6, 2, 2]
    parts = fixed_split(table, "Split_Set", 0.8, 0, parts=TWO_TESTS | {"test": ["Test1"]})
    assert describe_split(table, parts)["speakers"].to_dict() == dict(
        zip((*PARTS, "left out"), (6, 2, 1, 1), strict=True)
    )
    assert set(parts[table["actor"] == "09"]) == {""}


def test_a_validation_part_that_is_not_given_is_taken_from_training() -> None:
    table = partitioned({**dict.fromkeys("01234567", "train"), **dict.fromkeys("89", "test")})
    drawn = [fixed_split(table, "Split_Set", 0.8, seed) for seed in range(10)]
    for parts in drawn:
        described = describe_split(table, parts)
        assert described["speakers"].tolist() == [6, 2, 2]
        assert described["female speakers"].tolist() == [3, 1, 1]
        assert set(table["actor"][parts == "test"]) == {"08", "09"}
    assert len({tuple(parts) for parts in drawn}) > 3


def test_shared_speakers_are_refused_unless_asked_for() -> None:
    table = ten_speakers()
    table["set"] = ["test" if utterance.endswith("_1.wav") else "train" for utterance in table["utterance"]]
    message = refusal(SplitScheme("fixed", column="set").apply, table, 0, source="x.csv")
    assert message.startswith(
        "x.csv: column 'set': speakers in two parts: 00 (test and train); 01 (test and train); "
    )
    assert "and 5 more; " in message
    parts = SplitScheme("fixed", column="set", allow_shared_speakers=True).apply(table, 0)
    assert describe_split(table, parts)[list(CLASSES)].to_numpy().tolist() == [[8] * 3, [2] * 3, [10] * 3]


@pytest.mark.parametrize(
    ("names", "parts", "says"),
    [
        (
            OFFICIAL,
            None,
            "column 'Split_Set' has 'Test1' in 6 of 60 rows, 'Test2' in 6 of 60 rows, which names no",
        ),
        (
            OFFICIAL,
            {"train": ["Trian"], "test": ["Test1"]},
            "no row has 'Trian' in column 'Split_Set' (did you mean",
        ),
        (OFFICIAL, {"train": ["Train"], "test": ["Train"]}, "parts: 'Train' is in train and test; keep one"),
        (dict.fromkeys("0123456789", "train"), None, "column 'Split_Set': no row is for test; both"),
        (dict.fromkeys("0123456789", "dev"), None, "no row is for train and none for test; both"),
        (OFFICIAL | {"0": ""}, None, "has '' in 6 of 60 rows, "),
    ],
)
def test_partitions_that_are_none(names, parts, says: str) -> None:
    message = refusal(fixed_split, partitioned(names), "Split_Set", 0.8, 0, source="x.csv", parts=parts)
    assert message.startswith("x.csv: ")
    assert says in message


def test_a_class_that_training_lacks() -> None:
    table = partitioned()
    table.loc[table["actor"].eq("08"), "class_id"] = "fear"
    message = refusal(fixed_split, table, "Split_Set", 0.8, 0, parts=TWO_TESTS)
    assert "the training part has no utterance of fear" in message
    left_out = fixed_split(table, "Split_Set", 0.8, 0, parts=TWO_TESTS | {"test": ["Test2"]})
    assert set(left_out[table["class_id"] == "fear"]) == {""}


def test_a_single_training_speaker_has_none_for_validation() -> None:
    table = partitioned({**dict.fromkeys("12345678", "none"), "0": "train", "9": "test"})
    message = refusal(fixed_split, table, "Split_Set", 0.8, 0, parts={"train": ["train"], "test": ["test"]})
    assert "besides the test part that is given there is only one speaker (00)" in message


def files() -> dict[str, pd.DataFrame]:
    table = ten_speakers().assign(path=lambda table: "/corpus/" + table["utterance"])
    number = table["actor"].astype(int)
    parts = {"test": table[number >= 8], "train": table[number < 6], "validation": table[number.isin([6, 7])]}
    return {part: rows.reset_index(drop=True) for part, rows in parts.items()}


def test_files() -> None:
    tables = files()
    tables["train"]["age"] = "30"
    table, parts = fixed_split_of_files(tables, 0.8, seed=0)
    assert table.index.equals(pd.RangeIndex(60)) and parts.index.equals(table.index)
    assert list(dict.fromkeys(parts)) == list(PARTS)
    assert describe_split(table, parts)["speakers"].tolist() == [6, 2, 2]
    assert set(table["age"]) == {"30", ""}


def test_files_without_one_for_validation() -> None:
    tables = files()
    del tables["validation"]
    table, parts = fixed_split_of_files(tables, 0.8, seed=0)
    assert describe_split(table, parts)["speakers"].tolist() == [5, 1, 2]


def test_files_that_share_recordings_or_speakers() -> None:
    sources = {"train": "a.csv", "test": "b.csv", "validation": "c.csv"}
    tables = files()
    tables["test"] = pd.concat([tables["test"], tables["train"].iloc[:1]])
    message = refusal(fixed_split_of_files, tables, 0.8, 0, sources=sources)
    assert message.startswith("a.csv and b.csv: recordings in both: /corpus/00/anger_0.wav;")
    tables = files()
    tables["validation"].loc[0, "actor"] = "00"
    message = refusal(fixed_split_of_files, tables, 0.8, 0, sources=sources)
    assert message.startswith("a.csv and c.csv and b.csv: speakers in two parts: 00 (train and validation);")
    table, parts = fixed_split_of_files(tables, 0.8, 0, allow_shared_speakers=True)
    assert set(parts[table["actor"] == "00"]) == {"train", "validation"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"name": "speakers"},
            "scheme 'speakers' not found (did you mean 'speaker'?); there are speaker,",
        ),
        ({"name": "k_fold"}, "k_fold needs folds"),
        ({"name": "fixed"}, "fixed needs column"),
        ({"name": "random", "folds": 5}, "folds: has no effect with random; leave it out"),
        ({"name": "speaker", "column": "x", "parts": {}}, "column, parts: has no effect with speaker"),
        ({"name": "k_fold", "folds": 1}, "folds must be at least 2, got 1"),
        ({"name": "k_fold", "folds": 5, "folds_seed": -1}, "folds_seed must be at least 0, got -1"),
        ({"train_test_split": 1.0}, "train_test_split must be between 0 and 1, such as 0.8, got 1.0"),
        (
            {"name": "fixed", "column": "x", "parts": {"dev": ["a"]}},
            "parts: dev: the parts are train, validation",
        ),
        ({"name": "fixed", "column": "x", "parts": {"train": ["a"]}}, "parts: names no value for test"),
    ],
)
def test_fields_that_do_not_fit_together(fields, says: str) -> None:
    message = refusal(SplitScheme, **fields)
    assert message.startswith("split: ")
    assert says in message


def test_schemes_are_values() -> None:
    assert SplitScheme("fixed", column="x", parts=TWO_TESTS) == SplitScheme(
        "fixed", column="x", parts=TWO_TESTS
    )
    assert (
        len(
            {
                SplitScheme("fixed", column="x", parts=TWO_TESTS),
                SplitScheme("fixed", column="x", parts=TWO_TESTS),
            }
        )
        == 1
    )


def test_schemes_without_folds() -> None:
    table = partitioned(OFFICIAL)
    for scheme in (SplitScheme(), SplitScheme("random"), SplitScheme("fixed", column="Split_Set")):
        assert scheme.number_of_folds(table) is None
