"""M3ED, the Multi-modal Multi-scene Multi-label Emotional Dialogue database: 56 Chinese television series.

`annotation.json` has series → dialogue → its speakers (`SpeakerInfo`) and utterances (`Dialog`, with
`EmoAnnotation`), `splitInfo/movie_list_train.txt`, `…_val.txt` and `…_test.txt` the series of the official
parts. The sound of utterance `guainiguofenmeili_1_15`, spoken by A, is
`modality_speech/A_guainiguofenmeili_1_15.wav`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from kser.corpora.label_files import Row, class_of, read_label_text
from kser.corpora.recipe import NotTheCorpusError, Recipe, audio_files, refuse_unexpected
from kser.errors import UserError
from kser.files import read_json

_EMOTIONS = {
    "Anger": "anger",
    "Disgust": "disgust",
    "Fear": "fear",
    "Happy": "happiness",
    "Neutral": "neutral",
    "Sad": "sadness",
    "Surprise": "surprise",
}
_LISTS = {"train": "train", "validation": "val", "test": "test"}


def _table(source: Path) -> pd.DataFrame:
    annotation, files = source / "annotation.json", audio_files(source / "modality_speech")
    if not files or not annotation.is_file():
        raise NotTheCorpusError
    recordings = {path.stem: path for path in files}
    partitions = _partitions(source / "splitInfo")
    try:
        labels = {row["name"]: row for row in _labels(annotation)}
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(
            f"{annotation}: is not laid out as published, see the card of m3ed: {error}"
        ) from None
    refuse_unexpected(
        [path for name, path in recordings.items() if name not in labels], "A_guainiguofenmeili_1_15.wav"
    )
    rows = [
        {
            "path": str(recordings[name].absolute()),
            **{column: text for column, text in row.items() if column != "name"},
            "partition": partitions.get(row["series"], "unassigned"),
        }
        for name, row in labels.items()
        if name in recordings
    ]
    if not rows:
        raise UserError(f"{annotation}: names none of the {len(files)} files in modality_speech")
    return pd.DataFrame(rows, dtype=str)


def _labels(annotation: Path) -> Iterator[Row]:
    """A row an utterance, with the name of its file as `name`."""
    for series, dialogues in read_json(annotation).items():
        for dialogue, content in dialogues.items():
            for utterance, said in content["Dialog"].items():
                speaker = content["SpeakerInfo"][said["Speaker"]]
                where = f"{annotation}: {utterance}: final_main_emo"
                yield {
                    "name": f"{said['Speaker']}_{utterance}",
                    "class_id": class_of(said["EmoAnnotation"]["final_main_emo"], _EMOTIONS, where),
                    # A and B are others in each dialogue; a name is one person in a series.
                    "actor": f"{series}_{speaker['Name']}",
                    "gender": _gender(speaker),
                    "series": series,
                    "dialogue": dialogue,
                    "sentence": said.get("Text", ""),
                }


def _gender(speaker: dict[str, Any]) -> str:
    gender = str(speaker.get("Gender", "")).lower()
    return gender if gender in ("female", "male") else "unknown"


def _partitions(folder: Path) -> dict[str, str]:
    """Series → official part."""
    lists = {part: folder / f"movie_list_{name}.txt" for part, name in _LISTS.items()}
    return {
        series.strip(): part
        for part, path in lists.items()
        if path.is_file()
        for series in read_label_text(path).splitlines()
    }


RECIPE = Recipe(
    name="m3ed",
    title="Multi-modal Multi-scene Multi-label Emotional Dialogue database (M3ED)",
    short_title="M3ED",
    citation=(
        "J. Zhao, T. Zhang, J. Hu, Y. Liu, Q. Jin, X. Wang and H. Li: M3ED: Multi-modal multi-scene "
        "multi-label emotional dialogue database. ACL 2022, pp. 5699–5710."
    ),
    licence="by an agreement with its authors; see the home page",
    home_page="https://github.com/aim3-ruc/rucm3ed",
    sampling_rate_hz=16_000,
    language="Mandarin",
    codes=_EMOTIONS,
    # As EmoBox counts them.
    expected_utterances=24_437,
    expected_speakers=626,
    layout=(
        "a folder with annotation.json, splitInfo and the subfolder modality_speech with files such as "
        "A_guainiguofenmeili_1_15.wav"
    ),
    make_table=_table,
    folds="partition",
)
