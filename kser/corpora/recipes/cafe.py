"""CaFE, the Canadian French Emotional speech dataset.

A file name such as `12-P-2-5.wav` says: actor 12, emotion P (peur), intensity 2 (strong), sentence 5. Neutral
speech has no intensity, though the names of its files say 1: `07-N-1-3.wav` (EmoBox's list of the published
names; the readme describes them as `07-N-3.wav`, which is read as well). The folders say the same in French.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_INTENSITIES = {"1": "low", "2": "high"}
_EMOTIONS = {
    "C": "anger",  # colère
    "D": "disgust",  # dégoût
    "J": "happiness",  # joie
    "N": "neutral",
    "P": "fear",  # peur
    "S": "surprise",
    "T": "sadness",  # tristesse
}
_NAME = re.compile(
    rf"(?P<actor>0[1-9]|1[0-2])-(?P<emotion>[{''.join(_EMOTIONS)}])"
    r"(?:(?<=N)(?:-1)?|(?<!N)-(?P<intensity>[12]))-(?P<sentence>[1-6])"
)
# Some archivers spoil the accents.
_EMOTION_FOLDER = re.compile("Col.*re|D.*go.*t|Joie|Neutre|Peur|Surprise|Tristesse")


def _folders(source: Path) -> list[Path]:
    """Those of emotions and intensities; of only one version, since each utterance is in both."""
    versions = (("CaFE_48k",), ("CaFE_192k_1", "CaFE_192k_2"))
    present = [[source / name for name in names if (source / name).is_dir()] for names in versions]
    roots = next((folders for folders in present if folders), [source])
    emotions = [path for root in roots for path in root.iterdir() if _EMOTION_FOLDER.fullmatch(path.name)]
    return sorted(path for emotion in emotions for path in (emotion, *emotion.glob("*")) if path.is_dir())


def _row(name: dict[str, str]) -> dict[str, str]:
    gender = "male" if int(name["actor"]) % 2 else "female"
    return {"gender": gender, "intensity": _INTENSITIES.get(name["intensity"], "none")}


def _table(source: Path) -> pd.DataFrame:
    files = [path for folder in _folders(source) for path in audio_files(folder)]
    return table_from_names(files, _NAME, _EMOTIONS, "12-P-2-5.wav, or 07-N-1-3.wav for neutral speech", _row)


RECIPE = Recipe(
    name="cafe",
    title="Canadian French Emotional speech dataset (CaFE)",
    short_title="CaFE",
    citation=(
        "P. Gournay, O. Lahaie and R. Lefebvre: A Canadian French emotional speech dataset. ACM Multimedia "
        "Systems Conference 2018, pp. 399–402."
    ),
    licence="CC BY-NC-SA 4.0",
    home_page="https://zenodo.org/records/1478765",
    # The version CaFE_48k; the same utterances are offered at 192 kHz, as AIFF.
    sampling_rate_hz=48_000,
    language="French (Canada)",
    codes=_EMOTIONS,
    expected_utterances=936,
    expected_speakers=12,
    layout=(
        "a folder with the subfolders Colère, Dégoût, Joie, Neutre, Peur, Surprise, Tristesse, or with "
        "CaFE_48k (or CaFE_192k_1 and CaFE_192k_2) that have them, with files such as Peur/Fort/12-P-2-5.wav"
    ),
    make_table=_table,
)
