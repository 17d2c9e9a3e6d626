"""The names of columns: what kser calls them, what others do, and what an experiment says in `columns`."""

from collections.abc import Iterable, Mapping, Sequence
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
            f"{_proposal(missing, [name for name in named if name not in required])}"
        )
    if reserved := [name for name in named if name in OWN_COLUMNS and name not in required]:
        raise UserError(
            f"{csv_path}: the header has {_quoted(reserved)}, a name kser uses itself; rename the column"
        )


def likely_column(wanted: str, header: Iterable[str]) -> str | None:
    """The column that somebody else's table has for one of kser's; `None` where none looks like it."""
    by_bare_name = {_bare(name): name for name in reversed(list(header)) if name}
    known = (by_bare_name.get(_bare(name)) for name in (wanted, *_FOREIGN.get(wanted, ())))
    return next(filter(None, known), None) or next(iter(nearest_names(wanted, by_bare_name.values())), None)


def _proposal(missing: Sequence[str], unused: Sequence[str]) -> str:
    """The field of the experiment that may mend a header."""
    left, found = list(unused), {}
    optional = [] if "gender" in unused else ["gender"]
    for wanted in [*missing, *optional]:
        if (name := likely_column(wanted, left)) is not None:
            found[name] = wanted
            left.remove(name)
    if not found:
        return ""
    pairs = ", ".join(f'"{name}": "{wanted}"' for name, wanted in found.items())
    return f'; rename them in the file, or in the experiment: "columns": {{{pairs}}}?'


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter not in " _-")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
