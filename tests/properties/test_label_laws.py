"""Laws of the label maps, on random data sets in the words of several languages."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from kser.corpora.emotion_names import SYNONYMS
from kser.corpora.emotions import CANONICAL_NAMES, LabelMapping, canonical, map_labels, map_to_model
from kser.errors import UserError

WORDS = [word for emotion, synonyms in SYNONYMS.items() for word in (emotion, *synonyms)]
names = st.sampled_from([*WORDS, "A", "01", "other", "no agreement"])
label_columns = st.lists(names, min_size=1, max_size=30).map(pd.Series)
models = st.lists(names, min_size=1, max_size=8, unique=True)


@st.composite
def explicit_maps(draw: st.DrawFn, values: pd.Series) -> dict[str, str | None]:
    mapped = draw(st.lists(st.sampled_from(sorted(set(values))), unique=True))
    return {label: draw(st.none() | names) for label in mapped}


def assert_nothing_is_lost(values: pd.Series, mapping: LabelMapping) -> None:
    assert mapping.labels.index.equals(values.index)
    assert mapping.labels.notna().sum() + sum(mapping.left_out.values()) == len(values)
    assert values[mapping.labels.isna()].value_counts().to_dict() == mapping.left_out
    assert set(mapping.asked_out) <= set(mapping.left_out)
    kept = values[mapping.labels.notna()]
    assert [mapping.mapped.get(old, old) for old in kept] == mapping.labels.dropna().tolist()
    assert all(old != new for old, new in mapping.mapped.items())


@given(st.text() | names)
def test_canonical_names_are_their_own(name: str) -> None:
    emotion = canonical(name)
    assert emotion is None or (emotion in CANONICAL_NAMES and canonical(emotion) == emotion)


@given(st.sampled_from(WORDS), st.data())
def test_spelling_is_of_no_account(word: str, data: st.DataObject) -> None:
    spelled = "".join(letter + data.draw(st.sampled_from(["", "", " ", "_", "-"])) for letter in word)
    assert canonical(spelled) == canonical(spelled.upper()) == canonical(word) is not None


@given(label_columns, st.data())
def test_training_maps(values: pd.Series, data: st.DataObject) -> None:
    label_map = data.draw(st.none() | st.just("canonical") | explicit_maps(values))
    try:
        renamed = map_labels(values, label_map)
    except UserError as refused:
        assert "leave no utterance" in str(refused)
        assert all(label_map[label] is None for label in values)
        return
    assert_nothing_is_lost(values, renamed)
    assert set(renamed.left_out) == set(renamed.asked_out)
    occurring = sorted(set(renamed.labels.dropna()))
    classes = data.draw(st.lists(st.sampled_from(occurring), min_size=1, unique=True))
    chosen = map_labels(values, label_map, classes)
    assert_nothing_is_lost(values, chosen)
    assert set(chosen.labels.dropna()) == set(classes)


@given(label_columns)
def test_the_canonical_map_done_twice_is_done_once(values: pd.Series) -> None:
    once = map_labels(values, "canonical")
    twice = map_labels(once.labels, "canonical")
    assert twice.labels.tolist() == once.labels.tolist()
    assert (twice.mapped, once.left_out) == ({}, {})


@given(label_columns, models, st.booleans())
def test_maps_to_a_model(values: pd.Series, model: list[str], by_name: bool) -> None:
    mapping = map_to_model(values, model, "canonical" if by_name else None)
    assert_nothing_is_lost(values, mapping)
    present = set(mapping.labels.dropna())
    assert present <= set(model)
    assert mapping.labels_without_samples == tuple(label for label in model if label not in present)
    for label in set(values):
        same = [known for known in model if canonical(known) == canonical(label) is not None]
        if label in model:  # two labels of the model never become one
            assert label not in mapping.mapped and label not in mapping.left_out
        elif len(same) == 1:
            assert mapping.mapped[label] == same[0]
        else:
            assert label in mapping.left_out


@given(label_columns, models, st.data())
def test_explicit_maps_to_a_model(values: pd.Series, model: list[str], data: st.DataObject) -> None:
    label_map = data.draw(explicit_maps(values))
    try:
        mapping = map_to_model(values, model, label_map)
    except UserError as refused:
        assert "does not know" in str(refused) or "leave no utterance" in str(refused)
        return
    assert_nothing_is_lost(values, mapping)
    assert set(mapping.labels.dropna()) <= set(model)
    assert {label for label, new in label_map.items() if new is None} == set(mapping.asked_out)
    for label, new in label_map.items():
        if new in model:
            assert mapping.mapped.get(label, label) == new
    again = map_to_model(mapping.labels.dropna(), model) if mapping.labels.notna().any() else mapping
    assert again.labels.dropna().tolist() == mapping.labels.dropna().tolist()
