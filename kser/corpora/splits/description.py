"""What a split is, for people and for machines."""

import hashlib

import pandas as pd

from kser.corpora.genders import UNKNOWN
from kser.corpora.labels import label_order
from kser.corpora.splits.parts import PARTS, classes_of


def split_fingerprint(table: pd.DataFrame, parts: pd.Series, label_column: str | None = "class_id") -> str:
    """Fingerprint of who was put where: the same split has the same one on every machine and row order.

    Args:
        table: one row per utterance, with the columns `utterance`, `actor` and `label_column`.
        parts: the part of each row, as a split gives it; rows that it leaves out do not matter.
        label_column: the column with the classes; `None` where there are none (regression).

    Returns:
        16 hexadecimal digits: the beginning of the SHA-256 of the sorted lines
        `part⇥utterance⇥class⇥actor`.
    """
    used = table[parts.loc[table.index].isin(PARTS)]
    columns = (parts.loc[used.index], used["utterance"], classes_of(used, label_column), used["actor"])
    lines = sorted("\t".join(map(str, row)) for row in zip(*columns, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def describe_split(
    table: pd.DataFrame, parts: pd.Series, label_column: str | None = "class_id"
) -> pd.DataFrame:
    """Sizes of the parts of a split, for logs and reports.

    Returns:
        One row per part, and a row "left out" where the split leaves rows out; the columns `utterances` and
        `speakers`, a column `<gender> speakers` for each gender, where one is known, and a column named after
        each class with its number of utterances.
    """
    parts = parts.loc[table.index].where(lambda part: part.isin(PARTS), "left out")
    speakers = pd.DataFrame(
        {"part": parts, "actor": table["actor"], "gender": table["gender"]}
    ).drop_duplicates()
    genders = sorted(set(speakers["gender"]))
    if genders == [UNKNOWN]:
        genders = []
    columns = {
        "utterances": parts.value_counts(),
        "speakers": speakers.drop_duplicates(["part", "actor"])["part"].value_counts(),
        **{
            f"{name} speakers": speakers.loc[speakers["gender"] == name, "part"].value_counts()
            for name in genders
        },
    }
    if label_column is not None:
        classes = classes_of(table, label_column)
        columns |= {name: parts[classes == name].value_counts() for name in label_order(classes)}
    rows = [*PARTS, *(["left out"] if (parts == "left out").any() else [])]
    return pd.DataFrame(columns).reindex(rows).fillna(0).astype(int).rename_axis("part")


def thin_classes(
    table: pd.DataFrame, parts: pd.Series, label_column: str | None = "class_id", fewer_than: int = 3
) -> list[str]:
    """Classes of which a held-out part has so few utterances that it hardly measures them.

    The recall of a class with a single utterance is 0 or 1, and weighs in UAR as much as any other.

    Args:
        table: one row per utterance, with the column `label_column`.
        parts: the part of each row, as a split gives it.
        label_column: the column with the classes; `None` where there are none (regression).
        fewer_than: how many are enough.

    Returns:
        A line for each validation or test part with such classes, e.g. "test: disgust (1), fear (2)".
    """
    if label_column is None:
        return []
    classes, parts = classes_of(table, label_column), parts.loc[table.index]
    lines = []
    for part in PARTS[1:]:
        counts = classes[parts == part].value_counts()
        few = {name: int(counts.get(name, 0)) for name in label_order(classes[parts.isin(PARTS)])}
        if named := [f"{name} ({count})" for name, count in few.items() if count < fewer_than]:
            lines.append(f"{part}: {', '.join(named)}")
    return lines
