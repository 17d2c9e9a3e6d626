"""eNTERFACE'05, an audio-visual emotion database: people of fourteen nations speak English.

A file such as `subject 19/anger/sentence 4/s19_an_4.avi` says: subject 19, emotion an, sentence 4. Emotion
and sentence are read from the name, the speaker from the folder, because the names of subject 11 say s12 and
would make one speaker of two. Other slips of the published names are read as they are meant: `s_3_ha_1.avi`,
`s16_su_3avi.avi`.

Subject 6 was never cut into sentences: a recording of about a minute and a half for each emotion,
`s6_an.avi`. Such whole sessions are left out; sentences that somebody cut from them are read like those of
the others.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import AUDIO_SUFFIXES, Recipe, audio_files, table_from_names

# The distribution says nothing of its speakers. This is the list in `enterface_db_data_files.py` of
# https://github.com/michen00/multilingual_speech_valence_classification_datasets. The home page says that
# 81% of 42 subjects are men, so 8 are women; the list has 9 women among 44.
_WOMEN = frozenset({4, 5, 7, 26, 28, 29, 31, 33, 44})
_EMOTIONS = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "sa": "sadness",
    "su": "surprise",
}
_EMOTION = "|".join(_EMOTIONS)
_SUBJECT = re.compile(r"subject[ _-](?P<number>[1-9][0-9]?)")
_NAME = re.compile(rf"s_?[1-9][0-9]?_(?P<sentence>(?P<emotion>{_EMOTION})_[1-5])(?:avi)?")
_WHOLE_SESSION = re.compile(rf"s_?[1-9][0-9]?_(?:{_EMOTION})")


def _subjects(source: Path) -> dict[int, Path]:
    """The folders of the subjects, by their number."""
    matches = {path: _SUBJECT.fullmatch(path.name) for path in source.iterdir() if path.is_dir()}
    return dict(sorted((int(match["number"]), path) for path, match in matches.items() if match))


def _recordings(subject: Path) -> list[Path]:
    """A file for each sentence: of one that lies there as sound and as video, the sound."""
    folders = [subject, *sorted(path for path in subject.rglob("*") if path.is_dir())]
    chosen: dict[Path, Path] = {}
    for suffixes in (frozenset({".avi"}), AUDIO_SUFFIXES):
        chosen |= {path.with_suffix(""): path for folder in folders for path in audio_files(folder, suffixes)}
    return sorted(path for path in chosen.values() if not _WHOLE_SESSION.fullmatch(path.stem))


def _table(source: Path) -> pd.DataFrame:
    subjects = {path: number for number, folder in _subjects(source).items() for path in _recordings(folder)}
    table = table_from_names(subjects, _NAME, _EMOTIONS, "s19_an_4.avi")
    numbers = list(subjects.values())
    table["actor"] = [str(number) for number in numbers]
    table["gender"] = ["female" if number in _WOMEN else "male" for number in numbers]
    return table


RECIPE = Recipe(
    name="enterface",
    title="eNTERFACE'05 audio-visual emotion database",
    short_title="eNTERFACE'05",
    citation=(
        "O. Martin, I. Kotsia, B. Macq and I. Pitas: The eNTERFACE'05 audio-visual emotion database. "
        "International Conference on Data Engineering Workshops 2006, p. 8."
    ),
    licence="MIT, according to the home page",
    home_page="https://enterface.net/enterface05/emotion.html",
    sampling_rate_hz=48_000,
    language="English",
    codes=_EMOTIONS,
    # 42 subjects × 30 sentences, and 27 of subject 23, whose happiness lacks sentences 1 to 3. With the six
    # whole sessions of subject 6 the archive has 1293 videos. The paper reports 1166 from 42 subjects.
    expected_utterances=1287,
    expected_speakers=43,
    layout=(
        "a folder with the subfolders subject 1 to subject 44 with files such as "
        "subject 19/anger/sentence 4/s19_an_4.avi (or .wav)"
    ),
    make_table=_table,
)
