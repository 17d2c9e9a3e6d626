"""Names of emotions and mapping labels: what is known by heart. The laws are in tests/properties."""

from collections import Counter

import pandas as pd
import pytest

from kser.corpora.emotions import CANONICAL_NAMES, canonical, map_labels, map_to_model
from kser.corpora.recipes import RECIPES
from kser.errors import UserError

EMODB = {
    "anger": 127,
    "boredom": 81,
    "disgust": 46,
    "fear": 69,
    "happiness": 71,
    "neutral": 79,
    "sadness": 62,
}
EMOVO = dict.fromkeys(("anger", "disgust", "fear", "joy", "neutrality", "sadness", "surprise"), 84)
# Classes that are no emotion of the table: no other corpus has a counterpart of them.
ON_THEIR_OWN = {
    *(
        "other",
        "no agreement",
        "unknown",
        "assertiveness",
        "encouragement",
        "concern",
        "apology",
        "achievement",
    ),
    *("breath", "disappointment", "drunkenness", "enthusiasm", "guilt", "pain", "pleasure", "sarcasm"),
    *("sleepiness", "whispering", "low", "high"),  # the last two are BAVED's levels
}


def rows(counts: dict[str, int]) -> pd.Series:
    return pd.Series([label for label, count in counts.items() for _ in range(count)])


def counted(labels: pd.Series) -> Counter:
    return Counter(labels.dropna())


def refusal(function, *arguments, **keywords) -> str:
    with pytest.raises(UserError) as error:
        function(*arguments, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("names", "emotion"),
    [
        (("joy", "Happy", "HAPPINESS", "gioia", "Freude", "Felicità", "joie", "alegria"), "happiness"),
        (("neutral", "neutrality", "Neutrale", "neutro", "Neutre"), "neutral"),
        (("angry", "rabbia", "Wut", "Ärger", "Aerger", "arger", "Colère", "raiva"), "anger"),
        (("ps", "pleasant surprise", "Pleasant_Surprised", "pleasant-surprise", "surprised"), "surprise"),
        (("Überraschung", "ueberraschung", "UBERRASCHUNG", "sorpresa"), "surprise"),
        (("sad", "Trauer", "tristezza", "Tristesse"), "sadness"),
        (("fearful", "afraid", "anxiety", "Angst", "paura", "peur"), "fear"),
        (("disgusted", "Ekel", "disgusto", "Dégoût", "de\u0301gou\u0302t"), "disgust"),
        (("bored", "Langeweile", " boredom "), "boredom"),
        (("excited",), "excitement"),
    ],
)
def test_canonical_names(names: tuple[str, ...], emotion: str) -> None:
    assert {name: canonical(name) for name in names} == dict.fromkeys(names, emotion)


@pytest.mark.parametrize("name", ["", "S", "other", "no agreement", "exc", "happy sad", "1"])
def test_what_is_no_known_name_is_not_guessed(name: str) -> None:
    assert canonical(name) is None


def test_emotions_that_are_kept_apart() -> None:
    names = ["happiness", "excitement", "calm", "neutral", "fear", "worry", "surprise", "contempt", "disgust"]
    assert [canonical(name) for name in names] == names
    assert set(names) <= set(CANONICAL_NAMES)


def test_the_class_names_of_all_corpora_are_in_the_table() -> None:
    unknown = {name for corpus in RECIPES.values() for name in corpus.classes if canonical(name) is None}
    assert unknown <= ON_THEIR_OWN


def test_no_corpus_has_two_names_for_one_emotion() -> None:
    # Else a model trained on it could not be evaluated on another corpus without a label_map.
    for corpus in RECIPES.values():
        meanings = Counter(canonical(name) or name for name in corpus.classes)
        assert max(meanings.values()) == 1, corpus.name


def test_labels_stay_without_a_map() -> None:
    mapping = map_labels(rows(EMODB))
    assert counted(mapping.labels) == EMODB
    assert (mapping.mapped, mapping.left_out, mapping.asked_out) == ({}, {}, ())


def test_a_map_renames_and_drops_and_the_rest_stays() -> None:
    values = rows(EMODB).sample(frac=1, random_state=0)
    mapping = map_labels(values, {"happiness": "joy", "boredom": None})
    assert mapping.labels.index.equals(values.index)
    assert mapping.mapped == {"happiness": "joy"}
    assert mapping.left_out == {"boredom": 81}
    assert mapping.asked_out == ("boredom",)
    assert counted(mapping.labels)["joy"] == 71
    assert mapping.labels.isna().equals(values == "boredom")


def test_two_classes_may_be_joined_on_request() -> None:
    mapping = map_labels(rows({"exc": 3, "hap": 2, "sad": 1}), {"exc": "happiness", "hap": "happiness"})
    assert counted(mapping.labels) == {"happiness": 5, "sad": 1}
    assert mapping.mapped == {"exc": "happiness", "hap": "happiness"}


def test_maps_by_name() -> None:
    mapping = map_labels(rows(EMOVO), "canonical")
    assert mapping.mapped == {"joy": "happiness", "neutrality": "neutral"}
    assert map_labels(rows({"oddity": 1, "Joy": 1}), "canonical").mapped == {"Joy": "happiness"}
    assert map_labels(rows({"W": 2, "F": 1}), "emodb").mapped == {"F": "happiness", "W": "anger"}


def test_classes_are_chosen_by_their_new_names() -> None:
    mapping = map_labels(rows(EMOVO), "canonical", classes=["happiness", "anger"])
    assert counted(mapping.labels) == {"happiness": 84, "anger": 84}
    assert list(mapping.left_out) == ["disgust", "fear", "neutrality", "sadness", "surprise"]


def test_numbers_are_names_too() -> None:
    mapping = map_labels(pd.Series([10, 9, 9, 1]), {"9": "anger"}, classes=["anger", "10"])
    assert mapping.labels.dropna().tolist() == ["10", "anger", "anger"]
    assert mapping.left_out == {"1": 1}


@pytest.mark.parametrize(
    "function", [map_labels, lambda *given, **by: map_to_model(given[0], ["anger"], *given[1:], **by)]
)
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"label_map": {"hapiness": "joy"}}, "label_map: no row has 'hapiness' (did you mean 'happiness'?)"),
        ({"label_map": {"anger": ""}}, "label_map: anger: mapped to a name that is empty"),
        (
            {"label_map": "emodbb"},
            "table 'emodbb' not found (did you mean 'emodb'?); there are canonical, ",
        ),
        ({"classes": ["anger", "joy"]}, "classes: no row has 'joy'; there are anger, happiness, sad"),
        ({"label_map": dict.fromkeys(("anger", "happiness", "sad"))}, "leave no utterance"),
    ],
)
def test_mistakes_in_a_map(function, arguments, says: str) -> None:
    message = refusal(function, rows({"anger": 1, "happiness": 1, "sad": 1}), source="x.csv", **arguments)
    assert message.startswith("x.csv: ")
    assert says in message


def test_codes_of_another_corpus() -> None:
    message = refusal(map_labels, rows({"01": 1, "02": 2}), "emovo", source="x.csv")
    assert message.startswith(
        "x.csv: label_map: 01, 02: none of them is a label of emovo, which has rab, dis, pau, "
    )


def test_a_model_of_emodb_is_evaluated_on_emovo() -> None:
    mapping = map_to_model(rows(EMOVO), sorted(EMODB))
    assert mapping.mapped == {"joy": "happiness", "neutrality": "neutral"}
    assert mapping.left_out == {"surprise": 84}
    assert mapping.asked_out == ()
    assert mapping.labels_without_samples == ("boredom",)
    assert counted(mapping.labels) == dict.fromkeys(set(EMODB) - {"boredom"}, 84)


def test_a_model_that_knows_both_names_is_not_guessed_for() -> None:
    for label_map in (None, "canonical"):
        mapping = map_to_model(rows({"gioia": 2, "joy": 1}), ["happiness", "joy"], label_map)
        assert mapping.left_out == {"gioia": 2}
        assert counted(mapping.labels) == {"joy": 1}
        assert mapping.labels_without_samples == ("happiness",)


def test_an_explicit_map_comes_first() -> None:
    mapping = map_to_model(rows({"joy": 2, "fear": 1}), ["anger", "happiness", "fear"], {"joy": "anger"})
    assert mapping.mapped == {"joy": "anger"}
    mapping = map_to_model(rows({"exc": 2, "fear": 1}), ["joy", "fear"], {"exc": "happy", "fear": None})
    assert mapping.mapped == {"exc": "joy"}
    assert (mapping.left_out, mapping.asked_out) == ({"fear": 1}, ("fear",))


def test_codes_of_a_corpus_are_read_for_a_model() -> None:
    mapping = map_to_model(rows({"F": 2, "L": 1}), ["anger", "joy"], "emodb")
    assert mapping.mapped == {"F": "joy"}
    assert mapping.left_out == {"L": 1}


def test_what_was_asked_to_be_left_out_is_told_from_what_the_model_does_not_know() -> None:
    mapping = map_to_model(
        rows(EMOVO), ["anger", "happiness", "fear"], classes=["anger", "happiness", "surprise"]
    )
    assert counted(mapping.labels) == {"anger": 84, "happiness": 84}
    assert set(mapping.left_out) - set(mapping.asked_out) == {"surprise"}
    assert mapping.labels_without_samples == ("fear",)


def test_a_map_to_what_the_model_does_not_know() -> None:
    message = refusal(
        map_to_model, rows({"a": 1}), ["anger", "happiness"], {"a": "hapiness"}, source="test.csv"
    )
    assert message == (
        "test.csv: label_map: 'a' is mapped to 'hapiness', which the model does not know "
        "(did you mean 'happiness'?); it knows anger, happiness; null drops a label"
    )


@pytest.mark.parametrize("name", ["", " ", "sadness ", " sadness"])
def test_a_name_that_a_csv_would_not_give_back_is_refused(name):
    with pytest.raises(UserError, match="label_map: joy: mapped to a name that is empty or has a space"):
        map_labels(pd.Series(["joy", "sadness"]), {"joy": name})


def test_classes_of_a_test_set_may_have_its_names_or_the_models():
    values = pd.Series(["joy", "anger", "fear"])
    for classes in (["joy", "anger"], ["happiness", "anger"]):
        mapping = map_to_model(values, ["anger", "fear", "happiness"], classes=classes)
        assert mapping.labels.dropna().tolist() == ["happiness", "anger"]
        assert mapping.left_out == {"fear": 1}


def test_spellings_of_a_class_become_the_most_frequent_one() -> None:
    mapping = map_labels(rows({"Anger": 2, "anger": 3, "ANGER ": 1, "joy": 1}))
    assert counted(mapping.labels) == {"anger": 6, "joy": 1}
    assert mapping.mapped == {"ANGER ": "anger", "Anger": "anger"}
    assert counted(map_labels(rows({"1": 1, "1.0": 2, "02": 1}), normalize=False).labels) == {
        "1": 1,
        "1.0": 2,
        "02": 1,
    }


def test_a_class_with_one_spelling_keeps_it() -> None:
    counts = {"Pleasant_Surprise": 2, "1.0": 1, "01a": 1}
    assert counted(map_labels(rows(counts)).labels) == counts


def test_a_map_and_classes_know_every_spelling_and_theirs_is_taken() -> None:
    counts = {"Anger": 3, "anger": 1, "joy": 1, "fear": 1}
    assert counted(map_labels(rows(counts), {"ANGER": "rage"}).labels) == {"rage": 4, "joy": 1, "fear": 1}
    assert counted(map_labels(rows(counts), classes=["anger", "Joy"]).labels) == {"anger": 4, "joy": 1}
    assert counted(map_labels(rows(counts), {"fear": "JOY"}).labels) == {"Anger": 4, "JOY": 2}
    apart = map_labels(rows(counts), {"Anger": "hot", "anger": "cold"})
    assert counted(apart.labels) == {"hot": 3, "cold": 1, "joy": 1, "fear": 1}
    assert "label_map: no row has 'ANGER'" in refusal(
        map_labels, rows(counts), {"ANGER": "rage"}, normalize=False
    )


def test_codes_of_a_corpus_in_another_case() -> None:
    assert map_labels(rows({"w": 2, "f": 1}), "emodb").mapped == {"f": "happiness", "w": "anger"}


def test_a_model_knows_other_spellings_of_its_classes() -> None:
    labels = ["1", "2", "colère", "no agreement"]
    values = rows({"01": 1, "2.0": 1, "COLE\u0300RE": 1, "No_Agreement": 1, "3": 1})
    mapping = map_to_model(values, labels)
    assert mapping.labels.tolist()[:4] == labels
    assert mapping.left_out == {"3": 1}
    assert map_to_model(values, labels, normalize=False).labels.notna().sum() == 1  # by canonical name
    both = map_to_model(rows({"ANGER": 1}), ["Anger", "anger"])
    assert both.labels.isna().all()


@pytest.mark.parametrize(
    ("present", "known"),
    [(range(1, 8), range(7)), (range(7), range(1, 8)), ((1, 2, 7), range(7)), ((0, 2), (1, 3))],
)
def test_numbers_counted_from_another_one_are_refused(present, known) -> None:
    values, labels = pd.Series([str(number) for number in present]), [str(number) for number in known]
    message = refusal(map_to_model, values, labels)
    assert (
        f"has the classes {min(present)} to {max(present)}, the model {min(known)} to {max(known)}:"
        in message
    )
    told = {str(number): str(number) for number in present if number in known}
    assert map_to_model(values, labels, told).labels.notna().sum() == len(told)


@pytest.mark.parametrize(
    ("present", "known"),
    [(range(1, 7), range(7)), (range(4), range(4)), (range(10), range(7)), ((0, 5), (0, 1, 2))],
)
def test_numbers_that_may_be_the_model_s_are_taken(present, known) -> None:
    values, labels = pd.Series([str(number) for number in present]), [str(number) for number in known]
    assert map_to_model(values, labels).labels.notna().sum() == len({*present} & {*known})
