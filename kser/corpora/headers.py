"""The names of columns: what kser calls them, what others do, and what an experiment says in `columns`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from kser.errors import UserError
from kser.words import did_you_mean, nearest_names

# The columns that kser itself gives to every table; a further column of the user's may not have these names.
OWN_COLUMNS = ("path", "utterance")
# What audformat, nkululeko, EmoBox, SpeechBrain, Hugging Face and published corpora call them, the most usual
# first; case, blanks, `_` and `-` do not matter.
_FOREIGN = {
    "path": (
        *("file", "filename", "filepath", "audio", "audio_path", "audio_file", "wav", "wav_path", "wav_file"),
        *("wave", "clip", "recording", "fname", "file_id"),
    ),
    "class_id": (
        *("emotion", "label", "labels", "class", "category", "emotion_label", "expressed_emotion"),
        *("emo", "target", "emo_class"),
    ),
    "actor": (
        *("speaker", "speaker_id", "spk", "spk_id", "actor_id", "subject", "subject_id", "participant"),
        *("participant_id", "talker", "speaker_name", "client_id"),
    ),
    "gender": ("sex", "speaker_gender", "speaker_sex"),
}


def renamed_header(csv_path: Path, header: list[str], columns: Mapping[str, str]) -> list[str]:
    """The header with the names that an experiment gives its columns.

    Args:
        csv_path: of the header, for messages.
        header: as it is written.
        columns: new names by those in the header.

    Raises:
        UserError: a column is not found, or there would be two of one name.
    """
    if absent := [name for name in columns if name not in header]:
        named = ", ".join(repr(name) + did_you_mean(name, header) for name in absent)
        raise UserError(f"{csv_path}: columns: the header lacks {named}; it has {_quoted(header)}")
    new = [columns.get(name, name) for name in header]
    if twice := [name for name in columns.values() if new.count(name) > 1]:
        raise UserError(
            f"{csv_path}: columns: two columns would be called {_quoted(dict.fromkeys(twice))}; give the "
            "other one another name"
        )
    return new


def check_header(csv_path: Path, header: Sequence[str], required: Sequence[str]) -> None:
    """Raise `UserError` unless the names differ, none is kser's own, and the required ones are among them."""
    named = [name for name in header if name]
    if repeated := sorted({name for name in named if named.count(name) > 1}):
        raise UserError(f"{csv_path}: the header has {_quoted(repeated)} more than once; names must differ")
    if missing := [name for name in required if name not in named]:
        raise UserError(
            f"{csv_path}: the header lacks {_quoted(missing)}; it has {_quoted(named)}"
            f"{_proposal(named, required)}"
        )
    if reserved := [name for name in named if name in OWN_COLUMNS and name not in required]:
        raise UserError(
            f"{csv_path}: the header has {_quoted(reserved)}, a name kser uses itself; rename the column"
        )


def likely_column(wanted: str, header: Iterable[str]) -> str | None:
    """The column that somebody else's table has for one of kser's; `None` where none looks like it."""
    names = [name for name in header if name]
    return _known_column(wanted, names) or next(iter(nearest_names(wanted, reversed(names))), None)


def known_columns(header: Sequence[str], required: Sequence[str]) -> dict[str, str]:
    """As `likely_columns`, of the names that other toolkits use, and not of those that only look alike."""
    return _columns_by(_known_column, header, required)


def likely_columns(header: Sequence[str], required: Sequence[str]) -> dict[str, str]:
    """The columns of somebody else's table that are probably those that kser wants, and its `gender`.

    Args:
        header: of the table.
        required: what kser wants; of those that the header has already, nothing is said.

    Returns:
        Names in the table to kser's, as the field `columns` has them.
    """
    return _columns_by(likely_column, header, required)


def _columns_by(
    find: Callable[[str, list[str]], str | None], header: Sequence[str], required: Sequence[str]
) -> dict[str, str]:
    left, found = [name for name in header if name and name not in required], {}
    missing = [name for name in required if name not in header]
    for wanted in [*missing, *([] if "gender" in left else ["gender"])]:
        if (name := find(wanted, left)) is not None:
            found[name] = wanted
            left.remove(name)
    return found


def _known_column(wanted: str, header: Sequence[str]) -> str | None:
    by_bare_name = {_bare(name): name for name in reversed(header)}
    known = (by_bare_name.get(_bare(name)) for name in (wanted, *_FOREIGN.get(wanted, ())))
    return next(filter(None, known), None)


def _proposal(header: Sequence[str], required: Sequence[str]) -> str:
    """The field of the experiment that may mend a header."""
    found = likely_columns(header, required)
    if not found:
        return ""
    pairs = ", ".join(f'"{name}": "{wanted}"' for name, wanted in found.items())
    return f'; rename them in the file, or in the experiment: "columns": {{{pairs}}}?'


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter not in " _-")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
