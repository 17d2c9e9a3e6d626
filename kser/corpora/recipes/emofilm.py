"""EmoFilm: clips of films, in English and dubbed into Italian and Spanish.

A file name such as `f_ans001aen.wav` says: a woman, emotion ans (ansia), clip 001a, language en. Who speaks
is only in the legend, a spreadsheet (`f_m_corpus_it_es_en_legend.xlsx`) that kser does not read. So the
gender stands for the speaker in the column `actor`: several people share it, none has two, and a split by
speakers, which needs three, is refused. With the legend at hand, write the speakers into that column.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {
    "ans": "fear",  # ansia
    "dis": "contempt",  # disprezzo
    "gio": "happiness",  # gioia
    "rab": "anger",  # rabbia
    "tri": "sadness",  # tristezza
}
_LANGUAGES = {"en": "English", "es": "Spanish", "it": "Italian"}
_VOICES = {"f": "female", "m": "male"}
_NAME = re.compile(
    rf"(?P<gender>[fm])_(?P<emotion>{'|'.join(_EMOTIONS)})(?P<clip>[0-9]{{3}}[a-z]?)"
    rf"(?P<language>{'|'.join(_LANGUAGES)})(?:_16k)?"
)


def _table(source: Path) -> pd.DataFrame:
    files = audio_files(source / "wav_corpus" if (source / "wav_corpus").is_dir() else source)
    return table_from_names(files, _NAME, _EMOTIONS, "f_ans001aen.wav", _row)


def _row(name: dict[str, str]) -> dict[str, str]:
    voice = _VOICES[name["gender"]]
    return {"actor": voice, "gender": voice, "language": _LANGUAGES[name["language"]]}


RECIPE = Recipe(
    name="emofilm",
    title="EmoFilm, a multilingual emotional speech corpus",
    short_title="EmoFilm",
    citation=(
        "E. Parada-Cabaleiro, G. Costantini, A. Batliner, A. Baird and B. W. Schuller: Categorical vs "
        "dimensional perception of Italian emotional speech. Interspeech 2018, pp. 3638–3642."
    ),
    licence="restricted; access is asked for at the home page",
    home_page="https://zenodo.org/records/1326428",
    sampling_rate_hz=48_000,
    language="English, Italian and Spanish",
    codes=_EMOTIONS,
    expected_utterances=1115,
    expected_speakers=2,
    speakers_note="the genders stand for the 207 speakers, whom only the legend tells apart",
    layout="a folder with the subfolder wav_corpus (or that folder) with files such as f_ans001aen.wav",
    make_table=_table,
)
