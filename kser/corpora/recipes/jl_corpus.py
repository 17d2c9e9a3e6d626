"""JL-Corpus: New Zealand English, five primary and five secondary emotions.

A file name such as `female1_angry_10a_2.wav` says: speaker, emotion, sentence 10, session a, second
repetition.
"""

import re
from pathlib import Path

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {
    "angry": "anger",
    "anxious": "anxiety",
    "apologetic": "apology",
    "assertive": "assertiveness",
    "concerned": "concern",
    "encouraging": "encouragement",
    "excited": "excitement",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
}
_PRIMARY = ("angry", "excited", "happy", "neutral", "sad")
_NAME = re.compile(
    rf"(?P<actor>(?P<gender>female|male)[12])_(?P<emotion>{'|'.join(_EMOTIONS)})_"
    r"(?P<sentence>[1-9]|1[0-5])(?P<session>[ab])_(?P<repetition>[12])"
)
_INNER = Path("Raw JL corpus (unchecked and unannotated)") / "JL(wav+txt)"


def _recordings_folder(source: Path) -> Path:
    """The archive holds the tree twice, the second time with its names in lower case: one of the two."""
    spellings = (source / _INNER, source / str(_INNER).lower())
    return next((folder for folder in spellings if folder.is_dir()), source)


def _row(name: dict[str, str]) -> dict[str, str]:
    return {"emotion_group": "primary" if name["emotion"] in _PRIMARY else "secondary"}


RECIPE = Recipe(
    name="jl_corpus",
    title="JL-Corpus of New Zealand English emotional speech",
    short_title="JL-Corpus",
    citation=(
        "J. James, L. Tian and C. I. Watson: An open source emotional speech corpus for human robot "
        "interaction applications. Interspeech 2018, pp. 2768–2772."
    ),
    licence="CC0 1.0, with the request to cite",
    home_page="https://github.com/tli725/JL-Corpus",
    sampling_rate_hz=44_100,
    language="English (New Zealand)",
    codes=_EMOTIONS,
    expected_utterances=2400,
    expected_speakers=4,
    layout=(
        f"a folder with {_INNER.as_posix()} (or that folder itself) with files such as "
        "female1_angry_10a_2.wav"
    ),
    make_table=lambda source: table_from_names(
        audio_files(_recordings_folder(source)), _NAME, _EMOTIONS, "female1_angry_10a_2.wav", _row
    ),
)
