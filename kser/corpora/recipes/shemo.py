"""ShEMO, the Sharif Emotional Speech Database: Persian, cut from online radio plays.

A file name such as `F03S02.wav` says: speaker F03 (a woman), emotion S (sadness), second utterance of hers
in it.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {
    "A": "anger",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "S": "sadness",
    "W": "surprise",
}
_NAME = re.compile(
    rf"(?P<actor>(?P<gender>[FM])[0-9]{{2}})(?P<emotion>[{''.join(_EMOTIONS)}])(?P<clip>[0-9]{{2,3}})"
)


def _table(source: Path) -> pd.DataFrame:
    files = [path for folder in (source, source / "female", source / "male") for path in audio_files(folder)]
    return table_from_names(files, _NAME, _EMOTIONS, "F03S02.wav")


RECIPE = Recipe(
    name="shemo",
    title="Sharif Emotional Speech Database (ShEMO)",
    short_title="ShEMO",
    citation=(
        "O. Mohamad Nezami, P. Jamshid Lou and M. Karami: ShEMO: a large-scale validated database for "
        "Persian speech emotion detection. Language Resources and Evaluation 53, 2019, pp. 1–16."
    ),
    # The paper and the authors' repository say so; their copy on Hugging Face names Apache-2.0.
    licence="free of charge for academic purposes, with the request to cite; see the home page",
    home_page="https://github.com/pariajm/sharif-emotional-speech-database",
    # Some files have 22,050 Hz (M27, M46, M49 among others, in EmoBox's list of rates).
    sampling_rate_hz=44_100,
    language="Persian",
    codes=_EMOTIONS,
    expected_utterances=3000,
    expected_speakers=87,
    layout="a folder with the subfolders female and male (or all files in one) with files such as F03S02.wav",
    make_table=_table,
)
