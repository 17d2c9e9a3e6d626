"""AESDD, the Acted Emotional Speech Dynamic Database: Greek.

A file name such as `f18 (5)b.wav` says: emotion f (fear), sentence 18, speaker 5, second take. The letter of
the take is given only where there are several; some speakers are written with a zero, as in `f10
(01).wav`.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}
_NAME = re.compile(
    rf"(?P<emotion>[{''.join(_EMOTIONS)}])(?P<sentence>[0-9]{{2}}) "
    r"\(0*(?P<actor>[1-9][0-9]*)\)(?P<take>[a-z]?)"
)


def _table(source: Path) -> pd.DataFrame:
    files = [path for emotion in sorted(_EMOTIONS.values()) for path in audio_files(source / emotion)]
    return table_from_names(files, _NAME, _EMOTIONS, "a03 (4).wav", _row)


def _row(name: dict[str, str]) -> dict[str, str]:
    # The first five are 3 women and 2 men, but nothing published says which; lists that go by odd and even
    # numbers come to 2 women and 3 men.
    return {"gender": "unknown", "sentence": name["sentence"], "take": name["take"] or "a"}


RECIPE = Recipe(
    name="aesdd",
    title="Acted Emotional Speech Dynamic Database (AESDD)",
    short_title="AESDD",
    citation=(
        "N. Vryzas, R. Kotsakis, A. Liatsou, C. A. Dimoulas and G. Kalliris: Speech emotion recognition for "
        "performance interaction. Journal of the Audio Engineering Society 66(6), 2018, pp. 457–467."
    ),
    licence="offered by its authors for free download, with the request to cite; see the home page",
    home_page="http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition/",
    sampling_rate_hz=44_100,
    language="Greek",
    codes=_EMOTIONS,
    # The archive grew to this, its readme still says about 500. `sadness/s05 (3).wav` has a header and no
    # sound, which is why lists of the readable files have 604.
    expected_utterances=605,
    expected_speakers=6,
    layout=(
        f"a folder with the subfolders {', '.join(sorted(_EMOTIONS.values()))} with files such as "
        "anger/a03 (4).wav"
    ),
    make_table=_table,
)
