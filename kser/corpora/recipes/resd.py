"""RESD, the Russian Emotional Speech Dialogs.

The tables `train.csv` and `test.csv` have the columns `path` and `emotion`; the recordings are such as
`train/happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav`: dialogue 32 between one who is to express
happiness and one enthusiasm, spoken by the first (h). Who they are is not published. So the dialogue stands
for the speaker in the column `actor`: its two voices can never come apart in a split, but a person who speaks
in several dialogues can.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.label_files import Row, class_of, read_rows
from kser.corpora.recipe import NotTheCorpusError, Recipe
from kser.errors import UserError

_EMOTIONS = {
    name: name for name in ("anger", "disgust", "enthusiasm", "fear", "happiness", "neutral", "sadness")
}
_PARTITIONS = ("train", "test")
_NAME = re.compile(r"(?P<dialogue>[0-9]{2})_.*[ _](?P<role>[a-z])_[0-9]+")


def _table(source: Path) -> pd.DataFrame:
    rows = [
        _row(source / part, row)
        for part in _PARTITIONS
        if (source / part).is_dir() and (source / f"{part}.csv").is_file()
        for row in read_rows(source / f"{part}.csv", ["path", "emotion"])
        if (source / part / row["path"]).is_file()
    ]
    if not rows:
        raise NotTheCorpusError
    return pd.DataFrame(rows, dtype=str)


def _row(folder: Path, label: Row) -> Row:
    labels_path, path = folder.with_suffix(".csv"), folder / label["path"]
    name = _NAME.fullmatch(path.stem)
    if name is None:
        raise UserError(
            f"{labels_path}: path: {label['path']!r} is unexpected; "
            "names are like 32_happiness_enthusiasm_h_120.wav"
        )
    return {
        "path": str(path.absolute()),
        "class_id": class_of(label["emotion"], _EMOTIONS, f"{labels_path}: {label['path']}: emotion"),
        "actor": f"dialogue_{name['dialogue']}",
        "gender": "unknown",
        "role": name["role"],
        "partition": folder.name,
    }


RECIPE = Recipe(
    name="resd",
    title="Russian Emotional Speech Dialogs (RESD)",
    short_title="RESD",
    citation=(
        "A. Amentes, I. Lubenets and N. Davidchuk: Aniemore, an open library for the analysis of emotions "
        "in human speech. Hugging Face, 2022."
    ),
    licence="see the home page",
    home_page="https://huggingface.co/datasets/Aniemore/resd_annotated",
    # Many files have 44,100 Hz, in EmoBox's list of rates.
    sampling_rate_hz=16_000,
    language="Russian",
    codes=_EMOTIONS,
    # As EmoBox counts them; it says 200 speakers.
    expected_utterances=1396,
    # The dialogues, which are numbered up to 50.
    expected_speakers=50,
    layout=(
        "a folder with train.csv and test.csv, and with the subfolders train and test with files such as "
        "happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav"
    ),
    make_table=_table,
    folds="partition",
)
