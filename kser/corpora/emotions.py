"""The one place that maps labels: the classes of a data set to those wanted, or to those a model knows."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from kser.corpora.emotion_names import CANONICAL_NAMES, canonical
from kser.corpora.labels import label_order
from kser.corpora.recipes import RECIPES
from kser.corpora.spellings import Key, label_key, one_spelling
from kser.errors import UserError
from kser.words import did_you_mean, listed

__all__ = ["CANONICAL_NAMES", "LabelMapping", "canonical", "map_labels", "map_to_model"]

New = TypeVar("New")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class LabelMapping:
    """The labels of a data set in other words, and what became of those that have none.

    Attributes:
        labels: the new label of each row, with the index of the old ones; missing (NaN) where the row is
            left out.
        mapped: old label → new label, only those that change, in canonical order.
        left_out: label of the data set → its number of rows, of those left out: because `label_map` or
            `classes` asks for it, or because the model does not know the label.
        asked_out: those of `left_out` that `label_map` or `classes` asks to leave out.
        labels_without_samples: labels of the model that no row has, in the model's order.
    """

    labels: pd.Series
    mapped: dict[str, str]
    left_out: dict[str, int]
    asked_out: tuple[str, ...]
    labels_without_samples: tuple[str, ...] = ()


def map_labels(
    values: pd.Series,
    label_map: Mapping[str, str | None] | str | None = None,
    classes: Sequence[str] | None = None,
    source: str = "metadata",
    normalize: bool = True,
) -> LabelMapping:
    """Rename and choose the classes of a data set to train on.

    Several spellings of a class (Anger and anger, 1 and 1.0) become one of them: that which `label_map` or
    `classes` has too, else the most frequent one.

    Args:
        values: the label of each row.
        label_map: labels of the data set → labels wanted, `None` to drop the rows; those not mentioned stay.
            Or a table by name: "canonical" for the names that all corpora have in common (joy → happiness),
            or a corpus of `kser.corpora.recipes` for its codes ("emodb": W → anger). `None`: labels stay.
        classes: the labels to keep, as they are called after `label_map`; `None`: all.
        source: what to call the data set in messages.
        normalize: whether spellings of a class are taken for one another, here, in `label_map` and `classes`.

    Raises:
        UserError: no row has a label that `label_map` or `classes` names, the table is not found, or nothing
            is left.

    Examples:
        >>> labels = pd.Series(["joy", "anger", "neutrality"])
        >>> map_labels(labels, {"joy": "happiness", "neutrality": None}).labels.tolist()
        ['happiness', 'anger', nan]
    """
    values = values.astype(str)
    key = label_key if normalize else str
    wanted = _wanted(values, label_map, source, key)
    if normalize:
        asked = [*(label_map.values() if isinstance(label_map, Mapping) else ()), *(classes or ())]
        wanted = _with_one_spelling(values, wanted, [name for name in asked if name is not None])
    kept = None if classes is None else [_spelled_as(name, wanted.values(), key) for name in classes]
    return _mapping(values, wanted, kept, source)


def map_to_model(
    values: pd.Series,
    labels: Sequence[str],
    label_map: Mapping[str, str | None] | str | None = None,
    classes: Sequence[str] | None = None,
    source: str = "metadata",
    normalize: bool = True,
) -> LabelMapping:
    """Say the labels of a data set in the words of a model that is to be evaluated on it.

    First comes `label_map`. A label that the model then does not know is taken for the one label of the model
    of which it is another spelling, or that means the same by the table of emotion names (joy for happiness).
    Where the model has several such labels, or none, nothing is guessed: its rows are left out, counted and
    named.

    Args:
        values: the label of each row.
        labels: what the model knows, in its order.
        label_map: as for `map_labels`.
        classes: the labels to keep, as they are called after `label_map` or by the model; `None`: all.
        source: what to call the data set in messages.
        normalize: as for `map_labels`.

    Raises:
        UserError: as for `map_labels`; or `label_map` asks for a label that the model has under no name; or
            both have numbers for labels and seem to count from another one.

    Examples:
        >>> mapping = map_to_model(pd.Series(["joy", "surprise"]), ["anger", "happiness"])
        >>> mapping.labels.tolist(), mapping.left_out, mapping.labels_without_samples
        (['happiness', nan], {'surprise': 1}, ('anger',))
    """
    values = values.astype(str)
    key = label_key if normalize else str
    if label_map is None:
        _check_numbering(values.unique(), labels, source)
    # Matching by canonical name is done below, with the model's labels in view: a model that knows both joy
    # and happiness must not see one become the other.
    wanted = _wanted(values, None if label_map == "canonical" else label_map, source, key)
    to_model = {old: new if new is None else _in_model(new, labels, key) for old, new in wanted.items()}
    if isinstance(label_map, Mapping):
        _check_asked_for(label_map, to_model, labels, source)
    kept = None if classes is None else [_in_model(name, labels, key) for name in classes]
    return _mapping(values, to_model, kept, source, labels)


def _wanted(
    values: pd.Series, label_map: Mapping[str, str | None] | str | None, source: str, key: Key
) -> dict[str, str | None]:
    """The label wanted for each label that there is, in canonical order; `None` drops it."""
    present = label_order(values)
    if label_map is None:
        return {label: label for label in present}
    if isinstance(label_map, str):
        return dict(_by_table(label_map, present, source, key))
    keys = {key(label) for label in present}
    if absent := [name for name in label_map if key(name) not in keys]:
        raise UserError(f"{source}: label_map: {_no_row_has(absent, present)}")
    if unnamed := [
        name for name, new in label_map.items() if (new is not None and new.strip() != new) or new == ""
    ]:
        raise UserError(
            f"{source}: label_map: {listed(unnamed)}: mapped to a name that is empty or has a space at its "
            "beginning or end; null drops a label"
        )
    return {label: _looked_up(label, label_map, key, label) for label in present}


def _by_table(table: str, present: Sequence[str], source: str, key: Key) -> dict[str, str]:
    if table == "canonical":
        return {label: canonical(label) or label for label in present}
    if table not in RECIPES:
        tables = ["canonical", *RECIPES]
        raise UserError(
            f"{source}: label_map: table {table!r} not found{did_you_mean(table, tables)}; "
            f"there are {', '.join(tables)}; or give an object: label → label wanted"
        )
    codes = RECIPES[table].codes
    keys = {key(label) for label in present}
    if not keys & {key(name) for name in (*codes, *codes.values())}:
        raise UserError(
            f"{source}: label_map: {listed(present)}: none of them is a label of {table}, which has "
            f"{', '.join(codes)} for {', '.join(dict.fromkeys(codes.values()))}"
        )
    return {label: _looked_up(label, codes, key, label) for label in present}


def _looked_up(label: str, table: Mapping[str, New], key: Key, otherwise: New) -> New:
    """What a table has for a label, or else for its other spellings, if that is one thing."""
    if label in table:
        return table[label]
    found = {new for name, new in table.items() if key(name) == key(label)}
    return found.pop() if len(found) == 1 else otherwise


def _with_one_spelling(
    values: pd.Series, wanted: Mapping[str, str | None], preferred: Sequence[str]
) -> dict[str, str | None]:
    counts: Counter[str] = Counter()
    for old, count in values.value_counts().items():
        if (new := wanted[str(old)]) is not None:
            counts[new] += int(count)
    taken = one_spelling(counts, label_key, preferred)
    return {old: new if new is None else taken.get(new, new) for old, new in wanted.items()}


def _spelled_as(name: str, labels: Iterable[str | None], key: Key) -> str:
    """Another spelling of a name that is among the labels; the name itself where there is none."""
    return next((label for label in labels if label is not None and key(label) == key(name)), name)


def _in_model(label: str, labels: Sequence[str], key: Key) -> str:
    """The model's name for a label; the label itself where the model has none, or several."""
    if label in labels:
        return label
    meaning = canonical(label)
    spellings = [name for name in labels if key(name) == key(label)]
    same = spellings or [name for name in labels if meaning is not None and canonical(name) == meaning]
    return same[0] if len(same) == 1 else label


def _check_numbering(present: Iterable[str], labels: Sequence[str], source: str) -> None:
    """Refuse numbers that would be those of a model if both counted from the same one: 1 to 7, and 0 to 6."""
    own, known = _numbers(present), _numbers(labels)
    if not own or not known or own <= known:
        return
    shift = max(own) - max(known)
    if {number - shift for number in own} <= known:
        raise UserError(
            f"{source}: has the classes {min(own)} to {max(own)}, the model {min(known)} to {max(known)}: "
            f"they may be counted from another number; say which is which by label_map, such as "
            f'{{"{max(own)}": "{max(known)}"}}'
        )


def _numbers(labels: Iterable[str]) -> set[int]:
    """The numbers that labels are; none where one of them is something else."""
    keys = [label_key(label) for label in labels]
    return {int(key) for key in keys} if all(_WHOLE_NUMBER.fullmatch(key) for key in keys) else set()


def _check_asked_for(
    label_map: Mapping[str, str | None],
    to_model: Mapping[str, str | None],
    labels: Sequence[str],
    source: str,
) -> None:
    for old, asked in label_map.items():
        if asked is not None and to_model[old] not in labels:
            raise UserError(
                f"{source}: label_map: {old!r} is mapped to {asked!r}, which the model does not know"
                f"{did_you_mean(asked, labels)}; it knows {', '.join(labels)}; null drops a label"
            )


def _mapping(
    values: pd.Series,
    wanted: Mapping[str, str | None],
    classes: Sequence[str] | None,
    source: str,
    known: Sequence[str] | None = None,
) -> LabelMapping:
    """Apply `wanted`, then `classes`, then what the model knows."""
    labels = label_order(new for new in wanted.values() if new is not None)
    if classes is not None and (absent := [name for name in classes if name not in labels]):
        raise UserError(f"{source}: classes: {_no_row_has(absent, labels)}")
    chosen = {
        old: new for old, new in wanted.items() if new is not None and (classes is None or new in classes)
    }
    if not chosen:
        raise UserError(f"{source}: label_map and classes leave no utterance; keep a class")
    kept = {old: new for old, new in chosen.items() if known is None or new in known}
    counts = values.value_counts()
    present = set(kept.values())
    return LabelMapping(
        labels=values.map(kept).astype(object),
        mapped={old: new for old, new in kept.items() if new != old},
        left_out={old: int(counts[old]) for old in wanted if old not in kept},
        asked_out=tuple(old for old in wanted if old not in chosen),
        labels_without_samples=tuple(label for label in known or () if label not in present),
    )


def _no_row_has(absent: Sequence[str], present: Sequence[str]) -> str:
    named = listed([repr(name) + did_you_mean(name, present) for name in absent])
    return f"no row has {named}; there are {listed(present)}"
