"""Leave-one-out and k-fold splits: the cases known by heart. The laws are in tests/properties."""

import pandas as pd
import pytest

from kser.corpora.splits import SplitScheme, describe_split, k_fold_split, leave_one_out_split
from kser.corpora.splits.published import published_folds
from tests.corpora.test_splits import CLASSES, corpus, refusal, ten_speakers


def five_sessions() -> pd.DataFrame:
    """As in IEMOCAP: a woman and a man a session."""
    table = corpus({f"{i:02}": "female" if i % 2 else "male" for i in range(10)})
    return table.assign(session=[f"Ses{int(actor) // 2 + 1}" for actor in table["actor"]])


def test_leave_one_speaker_out_tests_on_everybody_once() -> None:
    table = ten_speakers()
    scheme = SplitScheme("leave_one_speaker_out")
    assert scheme.number_of_folds(table) == 10
    tested = []
    for seed in range(10):
        parts = scheme.apply(table, seed)
        tested += sorted(set(table["actor"][parts == "test"]))
        assert describe_split(table, parts)["speakers"].tolist() == [7, 2, 1]
        assert describe_split(table, parts).loc["validation", "female speakers"] == 1
    assert tested == sorted(set(table["actor"]))


def test_speakers_with_numbers_are_left_out_in_the_order_of_numbers() -> None:
    table = corpus({str(i): "male" for i in (10, 9, 1, 2)})
    scheme = SplitScheme("leave_one_speaker_out")
    assert [table["actor"][scheme.apply(table, seed) == "test"].iloc[0] for seed in range(5)] == [
        *("1", "2", "9", "10", "1")
    ]


def test_later_seeds_test_on_the_same_fold_and_draw_validation_anew() -> None:
    table = ten_speakers()
    parts = [leave_one_out_split(table, "actor", 0.8, seed) for seed in range(3, 103, 10)]
    assert {tuple(table.index[split == "test"]) for split in parts} == {
        tuple(table.index[table["actor"] == "03"])
    }
    assert len({tuple(table.index[split == "validation"]) for split in parts}) > 3


def test_leave_one_session_out() -> None:
    table = five_sessions()
    scheme = SplitScheme("leave_one_session_out")
    assert scheme.number_of_folds(table) == 5
    for seed in range(5):
        parts = scheme.apply(table, seed)
        assert set(table["session"][parts == "test"]) == {f"Ses{seed + 1}"}
        assert describe_split(table, parts)["speakers"].tolist() == [6, 2, 2]
    by_name = table.rename(columns={"session": "recorded in"})
    renamed = SplitScheme("leave_one_session_out", column="recorded in").apply(by_name, seed=4)
    pd.testing.assert_series_equal(renamed, parts)


def test_a_speaker_in_two_sessions() -> None:
    table = five_sessions()
    table.loc[table["actor"].eq("03") & table["class_id"].eq("joy"), "session"] = "Ses5"
    message = refusal(SplitScheme("leave_one_session_out").apply, table, 0, source="x.csv")
    assert message.startswith("x.csv: speakers under two values of 'session': 03 (Ses2 and Ses5);")


@pytest.mark.parametrize(
    ("session", "says"),
    [
        (None, "the split needs a column 'session'; there are utterance, class_id, actor, gender"),
        ("", "column 'session' is empty in 60 of 60 rows"),
        ("1", "column 'session' is '1' in every row; two folds are needed"),
    ],
)
def test_sessions_that_give_no_folds(session: str | None, says: str) -> None:
    table = ten_speakers() if session is None else ten_speakers().assign(session=session)
    assert says in refusal(SplitScheme("leave_one_session_out").apply, table, 0)
    assert says in refusal(SplitScheme("leave_one_session_out").number_of_folds, table)


def test_a_column_of_nearly_the_same_name_is_suggested() -> None:
    table = five_sessions().rename(columns={"session": "Sessions"})
    assert "(did you mean 'Sessions'?)" in refusal(SplitScheme("leave_one_session_out").apply, table, 0)


def test_a_class_that_one_session_alone_has_is_refused_in_every_fold() -> None:
    table = pd.concat([five_sessions(), five_sessions().iloc[:12].assign(class_id="fear")], ignore_index=True)
    for seed in range(5):
        message = refusal(SplitScheme("leave_one_session_out").apply, table, seed)
        assert message.startswith("metadata: classes of only one fold: class fear (session Ses1);")


def test_one_speaker_beside_the_session_that_is_left_out() -> None:
    table = corpus({"a": "female", "b": "male", "c": "male"})
    table["session"] = table["actor"].map({"a": "1", "b": "1", "c": "2"})
    for seed in range(2):
        message = refusal(SplitScheme("leave_one_session_out").apply, table, seed)
        assert "besides session 1 there is only one speaker" in message


def test_nobody_can_be_spared_for_validation() -> None:
    # Whoever of b and c goes to validation, training lacks a class that a, the test part, has as well.
    table = pd.concat(
        [corpus({"a": "male"}, ("x", "y")), corpus({"b": "male"}, ("x",)), corpus({"c": "male"}, ("y",))]
    )
    message = refusal(SplitScheme("leave_one_speaker_out").apply, table, seed=0)
    assert "with actor a as test part, no choice of 1 validation from 2 speakers leaves" in message
    assert "x is recorded by b of 2 speakers" in message


def test_k_fold_is_balanced_in_genders_and_classes() -> None:
    table = ten_speakers()
    scheme = SplitScheme("k_fold", folds=5)
    assert scheme.number_of_folds(table) == 5
    tested = []
    for seed in range(5):
        described = describe_split(table, parts := scheme.apply(table, seed))
        tested += sorted(set(table["actor"][parts == "test"]))
        assert described["speakers"].tolist() == [6, 2, 2]
        assert described["female speakers"].tolist() == [3, 1, 1]
        assert described[list(CLASSES)].loc["test"].tolist() == [4, 4, 4]
    assert sorted(tested) == sorted(set(table["actor"]))


def test_the_folds_stay_what_they_were() -> None:
    table = ten_speakers().sample(frac=1, random_state=0)
    folds = [table["actor"][k_fold_split(table, 4, 0.8, seed) == "test"] for seed in range(4)]
    assert ["".join(name[1] for name in sorted(set(fold))) for fold in folds] == [*("059", "14", "38", "267")]
    assert not any(
        k_fold_split(table, 4, 0.8, 0, folds_seed=1).equals(k_fold_split(table, 4, 0.8, s)) for s in range(4)
    )


def test_two_speakers_of_a_class_are_kept_in_different_folds() -> None:
    table = pd.concat([ten_speakers(), corpus({"00": "male", "05": "female"}, ("fear",))], ignore_index=True)
    for folds_seed in range(20):
        fold = SplitScheme("k_fold", folds=2, folds_seed=folds_seed)
        for seed in range(2):
            assert "train" in set(fold.apply(table, seed)[table["class_id"] == "fear"])


@pytest.mark.parametrize(
    ("folds", "says"),
    [
        (11, "folds must be between 2 and 10, the number of speakers, got 11"),
        (1, "the number of speakers, got 1"),
    ],
)
def test_numbers_of_folds_that_make_no_sense(folds: int, says: str) -> None:
    assert says in refusal(k_fold_split, ten_speakers(), folds, 0.8, seed=0)


def test_no_folds_leave_every_class_in_training() -> None:
    # Two folds of four speakers; six classes, each recorded by another pair: a pair of them is always a fold.
    pairs = [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
    table = pd.concat([corpus(dict.fromkeys(pair, "male"), ("".join(pair),)) for pair in pairs])
    message = refusal(k_fold_split, table, 2, 0.8, seed=0)
    assert (
        "no way to make 2 folds of 4 speakers, whatever their genders, leaves every class in training"
        in message
    )


def test_folds_need_three_speakers_as_any_split() -> None:
    table = corpus({"a": "male", "b": "male"})
    for scheme in (SplitScheme("k_fold", folds=2), SplitScheme("leave_one_speaker_out")):
        assert "two speakers in all" in refusal(scheme.apply, table, 0)


def emovo() -> pd.DataFrame:
    return corpus(
        {name: "female" if name[0] == "f" else "male" for name in ("f1", "f2", "f3", "m1", "m2", "m3")}
    )


def test_emobox_folds_of_emovo_test_on_its_speakers_in_emobox_order() -> None:
    scheme = SplitScheme("emobox", corpus="emovo")
    table = emovo()
    assert scheme.number_of_folds(table) == 6
    splits = [scheme.apply(table, seed) for seed in range(6)]
    tested = [set(table["actor"][parts == "test"]) for parts in splits]
    assert tested == [{"f2"}, {"m3"}, {"m2"}, {"f3"}, {"f1"}, {"m1"}]
    assert all(describe_split(table, parts)["speakers"].tolist() == [4, 1, 1] for parts in splits)
    later = scheme.apply(table, 6 + 2)
    assert set(table["actor"][later == "test"]) == {"m2"}


def test_emobox_folds_of_iemocap_are_its_sessions() -> None:
    table = five_sessions()
    table["session"] = table["session"].str.removeprefix("Ses")
    scheme = SplitScheme("emobox", corpus="iemocap")
    by_session = SplitScheme("leave_one_session_out")
    for seed in range(5):
        tested = table["session"][scheme.apply(table, seed) == "test"]
        assert tested.equals(table["session"][by_session.apply(table, seed) == "test"])


@pytest.mark.parametrize(("corpus_name", "speakers"), [("emovo", 6), ("ravdess_speech", 24)])
def test_every_speaker_is_in_one_published_fold(corpus_name: str, speakers: int) -> None:
    folds = published_folds(corpus_name).tested
    tested = [speaker for fold in folds for speaker in fold]
    assert len(folds) == 6
    assert len(tested) == len(set(tested)) == speakers
    assert {len(fold) for fold in folds} == {speakers // 6}


@pytest.mark.parametrize("shared", ["emodb", "crema_d", "emozionalmente"])
def test_published_folds_that_share_speakers_are_said_to(shared: str) -> None:
    message = refusal(SplitScheme, "emobox", corpus=shared)
    assert f"EmoBox's folds of {shared} have the same speakers in training and test" in message
    assert "speaker_independent_scenario" in message


def test_published_folds_of_another_corpus() -> None:
    message = refusal(SplitScheme, "emobox", corpus="emov")
    assert (
        "no folds of EmoBox for 'emov' (did you mean 'emovo'?); there are those of emovo, iemocap" in message
    )
    assert "emobox needs corpus" in refusal(SplitScheme, "emobox")
    assert "corpus: has no effect with speaker" in refusal(SplitScheme, corpus="emovo")
    scheme = SplitScheme("emobox", corpus="emovo")
    message = refusal(scheme.apply, ten_speakers(), 0)
    assert "column 'actor' has" in message
    assert "EmoBox's folds of emovo are made of f1, f2" in message
    assert "'actor' lacks m3; EmoBox's" in refusal(scheme.apply, emovo().query("actor != 'm3'"), 1)
    message = refusal(SplitScheme("emobox", corpus="iemocap").apply, ten_speakers(), 0)
    assert "'session'" in message


def test_a_speaker_in_two_published_folds() -> None:
    table = five_sessions()
    table["session"] = [str(i % 5 + 1) for i in range(len(table))]
    message = refusal(SplitScheme("emobox", corpus="iemocap").apply, table, 0)
    assert "speakers in two of EmoBox's folds of iemocap: 00" in message
