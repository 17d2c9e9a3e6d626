"""What people mean as one value has one spelling, and nothing else has."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kser.corpora.emotion_names import SYNONYMS
from kser.corpora.genders import gender_of, genders_of_speakers
from kser.corpora.recipes import RECIPES
from kser.corpora.spellings import in_words, is_nothing, label_key, one_spelling, speaker_key, tidy

TEXTS = st.text(st.sampled_from("aAéE\u0301 1.0_-\u200b\u00a0ß"), max_size=6)


@pytest.mark.parametrize(
    "spellings",
    [
        ("anger", "Anger", "ANGER", " anger ", "an\u00adger", "anger\u200b", "\ufeffanger", "anger\u00a0"),
        ("colère", unicodedata.normalize("NFD", "colère"), "COLÈRE"),
        ("1", "1.0", "01", "+1", "1.00", "１"),
        ("-1", "-1.0", "-01"),
        ("pleasant surprise", "Pleasant_Surprise", "pleasant-surprise", "pleasant  surprise"),
    ],
)
def test_spellings_of_one_class(spellings: tuple[str, ...]) -> None:
    assert len({label_key(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    "labels",
    [("1", "-1", "10", "1.5", "1a"), ("anger", "angry", "a"), ("colère", "colere"), ("a+", "a-", "a")],
)
def test_classes_that_are_not_one(labels: tuple[str, ...]) -> None:
    assert len({label_key(label) for label in labels}) == len(labels)


def test_no_two_classes_of_a_corpus_are_spellings_of_one() -> None:
    for recipe in RECIPES.values():
        means = {name: recipe.codes.get(name, name) for name in [*recipe.classes, *recipe.codes]}
        found = {(label_key(name), label_key(meaning)) for name, meaning in means.items()}
        assert len(found) == len({key for key, _ in found}), recipe.name
    assert len({label_key(name) for name in SYNONYMS}) == len(SYNONYMS)


def test_speakers_are_told_apart_by_what_is_between_numbers() -> None:
    assert speaker_key("01") == speaker_key("1") == speaker_key("1.0")
    assert speaker_key("S01") == speaker_key("s01")
    assert len({speaker_key(name) for name in ("1-2", "1 2", "1_2", "12", "S1", "S01")}) == 6


@given(TEXTS)
def test_a_tidy_text_is_another_spelling_of_it(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)
    assert label_key(tidy(text)) == label_key(text)
    assert speaker_key(tidy(text)) == speaker_key(text)


def test_numbers_too_long_to_be_numbers_stay_texts() -> None:
    assert label_key("9" * 5000) == "9" * 5000


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaN", "<NA>", "N/A", "NaT", "null", "#N/A"])
def test_cells_with_nothing(cell: str) -> None:
    assert is_nothing(cell)


@pytest.mark.parametrize("cell", ["0", "none", "NA", "neutral", "nano"])
def test_cells_with_something(cell: str) -> None:
    assert not is_nothing(cell)


def test_the_most_frequent_spelling_stands_for_all() -> None:
    assert one_spelling({"Anger": 2, "anger": 3, "ANGER": 1, "joy": 1}, label_key) == {
        "Anger": "anger",
        "ANGER": "anger",
    }
    assert one_spelling({"anger": 1, "Anger": 1}, label_key) == {"anger": "Anger"}
    assert one_spelling({"Anger": 9, "anger": 1}, label_key, preferred=["anger"]) == {"Anger": "anger"}


@given(st.dictionaries(TEXTS, st.integers(1, 3)), st.randoms())
def test_laws_of_one_spelling(counts: dict[str, int], random) -> None:
    taken = one_spelling(counts, label_key)
    chosen = {text: taken.get(text, text) for text in counts}
    assert all(label_key(text) == label_key(name) for text, name in chosen.items())
    assert len(set(chosen.values())) == len({label_key(text) for text in counts})
    again = dict.fromkeys(chosen.values(), 1)
    assert one_spelling(again, label_key) == {}
    order = list(counts)
    random.shuffle(order)
    assert one_spelling({text: counts[text] for text in order}, label_key) == taken


def test_what_was_taken_for_what_in_words() -> None:
    assert in_words({"A": "a", "B": "b", "Á": "a"}) == "'A', 'Á' as 'a'; 'B' as 'b'"


@pytest.mark.parametrize(
    ("gender", "names"),
    [
        (
            "female",
            ("f", "F", "female", "Female", "w", "weiblich", "Frau", "femmina", "woman", "féminin", "女"),
        ),
        ("male", ("m", "M", "male", "männlich", "Mann", "uomo", "man", "masculin", "hombre", "男")),
        ("unknown", ("", "nan", "unknown", "Unknown", "N/A", "none", "?", "not specified", "null", "-")),
    ],
)
def test_names_of_genders(gender: str, names: tuple[str, ...]) -> None:
    assert {name: gender_of(name) for name in names} == dict.fromkeys(names, gender)


@pytest.mark.parametrize("name", ["0", "1", "other", "non-binary", "diverse", "child"])
def test_what_is_neither_stays_a_group_of_its_own(name: str) -> None:
    assert gender_of(name) == name


def test_a_gender_that_only_some_rows_say_is_that_of_the_speaker() -> None:
    rows = {"1": {"female", "unknown"}, "2": {"unknown"}, "3": {"male", "female", "unknown"}, "4": {"male"}}
    assert genders_of_speakers(rows) == {"1": "female"}
