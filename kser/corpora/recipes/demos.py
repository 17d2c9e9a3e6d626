"""DEMoS, an Italian emotional speech corpus: elicited emotions.

A file such as `DEMOS/NP_f_01_col07b.wav` says: not prototypical (PR: prototypical), a woman, speaker 01,
emotion col (colpa, guilt), sample 07b. Neutral speech is in the folder NEU and has no mark of
prototypicality.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {
    "col": "guilt",  # colpa
    "dis": "disgust",  # disgusto
    "gio": "happiness",  # gioia
    "neu": "neutral",
    "pau": "fear",  # paura
    "rab": "anger",  # rabbia
    "sor": "surprise",  # sorpresa
    "tri": "sadness",  # tristezza
}
_PROTOTYPICAL = {"PR": "yes", "NP": "no", None: "unknown"}
_NAME = re.compile(
    rf"(?:(?P<prototypical>NP|PR)_)?(?P<gender>[fm])_(?P<actor>[0-9]{{2}})_(?P<emotion>{'|'.join(_EMOTIONS)})"
    r"(?P<clip>[0-9a-z]{3})"
)


def _table(source: Path) -> pd.DataFrame:
    files = [path for folder in ("DEMOS", "NEU") for path in audio_files(source / folder)]
    return table_from_names(
        files,
        _NAME,
        _EMOTIONS,
        "DEMOS/NP_f_01_col07b.wav",
        lambda name: {"prototypical": _PROTOTYPICAL[name["prototypical"]]},
    )


RECIPE = Recipe(
    name="demos",
    title="DEMoS, an Italian emotional speech corpus",
    short_title="DEMoS",
    citation=(
        "E. Parada-Cabaleiro, G. Costantini, A. Batliner, M. Schmitt and B. W. Schuller: DEMoS: an Italian "
        "emotional speech corpus. Elicitation methods, machine learning, and perception. Language Resources "
        "and Evaluation 54, 2020, pp. 341–383."
    ),
    licence="restricted; access is asked for at the home page",
    home_page="https://zenodo.org/records/2544829",
    sampling_rate_hz=None,
    language="Italian",
    codes=_EMOTIONS,
    # 9365 emotional samples and 332 neutral ones.
    expected_utterances=9697,
    expected_speakers=68,
    layout=(
        "a folder with the subfolders DEMOS with files such as NP_f_01_col07b.wav, and NEU with neutral "
        "speech"
    ),
    make_table=_table,
)
