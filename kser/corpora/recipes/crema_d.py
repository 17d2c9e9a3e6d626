"""CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset.

A file name such as `1001_DFA_ANG_XX.wav` says: actor 1001, sentence DFA, emotion ANG, intensity XX
(unspecified). `VideoDemographics.csv` describes the actors.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.label_files import by_key, read_rows
from kser.corpora.recipe import NotTheCorpusError, Recipe, audio_files, table_from_names
from kser.errors import UserError

_EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
_SENTENCES = ("DFA", "IEO", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")
# X: the published file 1040_ITH_SAD_X.wav; all others are named as the documentation says.
_INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified", "X": "unspecified"}
_NAME = re.compile(
    rf"(?P<actor>10[0-9]{{2}})_(?P<sentence>{'|'.join(_SENTENCES)})"
    rf"_(?P<emotion>{'|'.join(_EMOTIONS)})_(?P<intensity>{'|'.join(_INTENSITIES)})"
)
_DEMOGRAPHICS = "VideoDemographics.csv"


def _table(source: Path) -> pd.DataFrame:
    if not (source / "AudioWAV").is_dir():
        raise NotTheCorpusError
    actors = _actors(source / _DEMOGRAPHICS)

    def row(name: dict[str, str]) -> dict[str, str]:
        if name["actor"] not in actors:
            raise UserError(
                f"{source / _DEMOGRAPHICS}: lacks the actor {name['actor']}, who speaks in AudioWAV"
            )
        return {
            "gender": actors[name["actor"]]["Sex"].lower(),
            "sentence": name["sentence"],
            "intensity": _INTENSITIES[name["intensity"]],
            "age": actors[name["actor"]]["Age"],
        }

    return table_from_names(audio_files(source / "AudioWAV"), _NAME, _EMOTIONS, "1001_DFA_ANG_XX.wav", row)


def _actors(csv_path: Path) -> dict[str, dict[str, str]]:
    if not csv_path.is_file():
        raise UserError(f"{csv_path}: not found; it says which actors are women; take it from the home page")
    return by_key(read_rows(csv_path, ["ActorID", "Sex", "Age"]), lambda row: row["ActorID"], csv_path)


RECIPE = Recipe(
    name="crema_d",
    title="Crowd-sourced Emotional Multimodal Actors Dataset (CREMA-D)",
    short_title="CREMA-D",
    citation=(
        "H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma: "
        "CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset. "
        "IEEE Transactions on Affective Computing 5(4), 2014, pp. 377–390."
    ),
    licence="Open Database License 1.0, contents under the Database Contents License 1.0",
    home_page="https://github.com/CheyneyComputerScience/CREMA-D",
    sampling_rate_hz=16_000,
    language="English",
    codes=_EMOTIONS,
    expected_utterances=7442,
    expected_speakers=91,
    layout=(
        "the repository, with the subfolder AudioWAV with files such as 1001_DFA_ANG_XX.wav, and with "
        f"{_DEMOGRAPHICS}"
    ),
    make_table=_table,
)
