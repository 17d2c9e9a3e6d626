"""EmoDB, the Berlin Database of Emotional Speech.

A file name such as `03a01Fa.wav` says: speaker 03, sentence a01, emotion F (Freude), version a.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.emotions import CODES
from kser.corpora.recipe import Recipe, audio_files, table_from_names

_GENDERS = dict.fromkeys(("03", "10", "11", "12", "15"), "male") | dict.fromkeys(
    ("08", "09", "13", "14", "16"), "female"
)
_EMOTIONS = CODES["emodb"]
_NAME = re.compile(
    rf"(?P<actor>{'|'.join(sorted(_GENDERS))})(?P<sentence>[ab][0-9]{{2}})"
    rf"(?P<emotion>[{''.join(_EMOTIONS)}])(?P<version>[a-z])"
)
_LAYOUT = "a folder with the subfolder wav (or that folder itself) with files such as 03a01Fa.wav"


def _read(source: Path) -> pd.DataFrame:
    return table_from_names(
        audio_files(source / "wav" if (source / "wav").is_dir() else source),
        _NAME,
        lambda name: {
            "class_id": _EMOTIONS[name["emotion"]],
            "actor": name["actor"],
            "gender": _GENDERS[name["actor"]],
            "sentence": name["sentence"],
            "version": name["version"],
        },
        not_the_corpus=f"{source}: does not look like EmoDB, which is {_LAYOUT}",
        example="03a01Fa.wav",
    )


RECIPE = Recipe(
    name="emodb",
    title="Berlin Database of Emotional Speech (EmoDB)",
    citation=(
        "F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier and B. Weiss: "
        "A database of German emotional speech. Interspeech 2005, pp. 1517–1520."
    ),
    licence="offered by its authors for free download, with the request to cite; see the home page",
    home_page="http://emodb.bilderbar.info",
    sampling_rate_hz=16_000,
    language="German",
    classes=tuple(sorted(_EMOTIONS.values())),
    expected_utterances=535,
    expected_speakers=10,
    layout=_LAYOUT,
    read=_read,
    verified=True,
)
