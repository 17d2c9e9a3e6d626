"""IEMOCAP, the Interactive Emotional Dyadic Motion Capture database.

An utterance such as `Ses01F_impro01_M003` says: session 1, recorded with the motion capture on the woman (F),
improvisation 01, spoken by the man (M), turn 3. The annotations are in
`Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`, in lines such as

    [6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]

(begin and end, utterance, emotion, valence, activation, dominance). Utterances without an agreement of the
annotators (`xxx`) are the class "no agreement": a study that has no use for it leaves it out by name.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.label_files import Row, by_key, class_of, read_label_text
from kser.corpora.recipe import Recipe, audio_files, facts_in_names
from kser.errors import UserError
from kser.files import visible_files

_EMOTIONS = {
    "ang": "anger",
    "dis": "disgust",
    "exc": "excitement",
    "fea": "fear",
    "fru": "frustration",
    "hap": "happiness",
    "neu": "neutral",
    "oth": "other",
    "sad": "sadness",
    "sur": "surprise",
    "xxx": "no agreement",  # of the annotators
}
_GENDERS = {"F": "female", "M": "male"}
_SCENARIOS = {"impro": "improvised", "script": "scripted"}
_UTTERANCE = re.compile(
    r"Ses(?P<session>0[1-5])[FM]_(?P<scenario>impro|script)[0-9a-z_]+_(?P<speaker>[FM])[0-9X]{3}"
)
_LABEL = re.compile(
    r"\[[0-9.]+ - [0-9.]+\]\s+(?P<utterance>\S+)\s+(?P<emotion>\S+)\s+"
    r"\[(?P<valence>[0-9.]+), *(?P<arousal>[0-9.]+), *(?P<dominance>[0-9.]+)\]\s*"
)


def _table(source: Path) -> pd.DataFrame:
    sessions = sorted(source.glob("Session[1-5]"))
    files = [path for session in sessions for path in _utterances(session)]
    names = facts_in_names(files, _UTTERANCE, "Ses01F_impro01_F000.wav")
    labels = {name: row for session in sessions for name, row in _labels(session).items()}
    # What has no label line has nothing to be trained on or tested with: it is passed over.
    rows = [_row(path, name, labels[path.stem]) for path, name in names.items() if path.stem in labels]
    if not rows:
        raise UserError(f"{source}: dialog/EmoEvaluation has no label for any file of sentences/wav")
    return pd.DataFrame(rows, dtype=str)


def _utterances(session: Path) -> list[Path]:
    dialogues = sorted((session / "sentences" / "wav").glob("Ses*"))
    return [path for dialogue in dialogues for path in audio_files(dialogue)]


def _labels(session: Path) -> dict[str, Row]:
    """Utterance → the groups of its label line, and the file."""
    labels: dict[str, Row] = {}
    for path in visible_files(session / "dialog" / "EmoEvaluation", "*.txt"):
        matches = map(_LABEL.fullmatch, read_label_text(path).splitlines())
        rows = [match.groupdict() | {"file": str(path)} for match in matches if match]
        labels |= by_key(rows, lambda row: row["utterance"], path)
    return labels


def _row(path: Path, name: Row, label: Row) -> Row:
    return {
        "path": str(path.absolute()),
        "class_id": class_of(label["emotion"], _EMOTIONS, f"{label['file']}: {label['utterance']}"),
        # The letter after Ses01 is whom the motion capture was on: the speaker is the one before the turn.
        "actor": f"Ses{name['session']}{name['speaker']}",
        "gender": _GENDERS[name["speaker"]],
        "session": str(int(name["session"])),
        "scenario": _SCENARIOS[name["scenario"]],
        "dialogue": path.stem.rsplit("_", 1)[0],
        "valence": label["valence"],
        "arousal": label["arousal"],
        "dominance": label["dominance"],
    }


RECIPE = Recipe(
    name="iemocap",
    title="Interactive Emotional Dyadic Motion Capture database (IEMOCAP)",
    short_title="IEMOCAP",
    citation=(
        "C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N. Chang, S. Lee and "
        "S. S. Narayanan: IEMOCAP: interactive emotional dyadic motion capture database. "
        "Language Resources and Evaluation 42(4), 2008, pp. 335–359."
    ),
    licence="for research, by a signed release form",
    home_page="https://sail.usc.edu/iemocap/",
    sampling_rate_hz=16_000,
    language="English",
    codes=_EMOTIONS,
    expected_utterances=10_039,
    expected_speakers=10,
    layout=(
        "a folder with the subfolders Session1 to Session5, each with labels in dialog/EmoEvaluation and "
        "audio in sentences/wav, such as Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    ),
    make_table=_table,
    folds="session",
)
