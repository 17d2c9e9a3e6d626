"""What the two parts of RAVDESS, speech and song, have in common: `ravdess_speech` and `ravdess_song`.

A file name such as `03-01-06-01-02-01-12.wav` says: modality 03 (audio only), vocal channel 01 (speech; 02
song), emotion 06 (fearful), intensity 01 (normal), statement 02 ("Dogs …"), repetition 01, actor 12. Actors
with odd numbers are men.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import audio_files, table_from_names

CITATION = (
    "S. R. Livingstone and F. A. Russo: The Ryerson Audio-Visual Database of Emotional Speech and Song "
    "(RAVDESS): A dynamic, multimodal set of facial and vocal expressions in North American English. "
    "PLoS ONE 13(5), 2018, e0196391."
)
LICENCE = "CC BY-NC-SA 4.0; commercial licences from the authors"
HOME_PAGE = "https://zenodo.org/records/1188976"
SAMPLING_RATE_HZ = 48_000
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
"""Those of speech; song has the first six."""

_INTENSITIES = {"01": "normal", "02": "strong"}
_STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}


def channel_table(source: Path, channel: str, emotions: Mapping[str, str]) -> pd.DataFrame:
    """The table of one vocal channel.

    Both archives unpack into folders `Actor_01` to `Actor_24`, so that one folder may hold both parts: files
    of the other channel are passed over.

    Args:
        source: the folder with the actors' folders, or with the files themselves.
        channel: "01" for speech, "02" for song.
        emotions: its codes, of `EMOTIONS`.

    Raises:
        NotTheCorpusError: the folder holds no file of the channel.
        UserError: it holds files with other names.
    """
    folders = sorted(source.glob("Actor_[0-9][0-9]")) or [source]
    other_channel = {"01": "03-02-", "02": "03-01-"}[channel]
    pattern = re.compile(
        rf"03-{channel}-(?P<emotion>{'|'.join(emotions)})-(?P<intensity>0[12])-(?P<sentence>0[12])"
        r"-(?P<repetition>0[12])-(?P<actor>0[1-9]|1[0-9]|2[0-4])"
    )
    files = [path for folder in folders for path in audio_files(folder)]
    return table_from_names(
        [path for path in files if not path.name.startswith(other_channel)],
        pattern,
        emotions,
        f"03-{channel}-06-01-02-01-12.wav",
        _row,
    )


def _row(name: dict[str, str]) -> dict[str, str]:
    return {
        "gender": "male" if int(name["actor"]) % 2 else "female",
        "sentence": _STATEMENTS[name["sentence"]],
        "intensity": _INTENSITIES[name["intensity"]],
        "repetition": str(int(name["repetition"])),
    }
