"""Emozionalmente, a crowdsourced corpus of simulated emotional speech in Italian.

File names say nothing: `metadata/samples.csv` has the emotion that the actor was to express and the sentence,
`metadata/users.csv` who the actors are, `metadata/evaluations.csv` what five listeners recognised, and the
tables in `metadata/split` the official parts.
"""

from collections import Counter
from pathlib import Path

import pandas as pd

from kser.corpora.label_files import Row, by_key, class_of, read_rows
from kser.corpora.recipe import NotTheCorpusError, Recipe, audio_files
from kser.errors import UserError
from kser.files import visible_files
from kser.words import listed

_EMOTIONS = {name: name for name in ("anger", "disgust", "fear", "joy", "neutrality", "sadness", "surprise")}


def _table(source: Path) -> pd.DataFrame:
    metadata = source / "metadata"
    files = audio_files(source / "audio")
    if not files or not (metadata / "samples.csv").is_file() or not (metadata / "users.csv").is_file():
        raise NotTheCorpusError
    samples_csv, users_csv = metadata / "samples.csv", metadata / "users.csv"
    samples = by_key(
        read_rows(samples_csv, ["file_name", "actor", "emotion_expressed"]),
        lambda row: row["file_name"],
        samples_csv,
    )
    users = by_key(read_rows(users_csv, ["username", "gender"]), lambda row: row["username"], users_csv)
    if unknown := [str(path) for path in files if path.name not in samples]:
        raise UserError(f"{samples_csv}: lacks {len(unknown)} audio files: {listed(unknown)}; take them away")
    if strangers := sorted({samples[path.name]["actor"] for path in files} - users.keys()):
        raise UserError(f"{users_csv}: lacks the actors {listed(strangers)}, who speak in samples.csv")
    partitions = _partitions(metadata, samples)
    recognised = _recognised(metadata / "evaluations.csv")
    rows = [
        {
            "path": str(path.absolute()),
            **_spoken(samples[path.name], users, f"{samples_csv}: {path.name}: emotion_expressed"),
            "partition": partitions.get(path.name, "unassigned"),
            **{f"recognised_{name}": str(recognised[path.name, name]) for name in _EMOTIONS if recognised},
        }
        for path in files
    ]
    return pd.DataFrame(rows, dtype=str)


def _spoken(sample: Row, users: dict[str, Row], where: str) -> Row:
    user = users[sample["actor"]]
    return {
        "class_id": class_of(sample["emotion_expressed"], _EMOTIONS, where),
        "actor": sample["actor"],
        # As the actors said it: others than male and female are kept.
        "gender": user["gender"].lower() or "unknown",
        "age": user.get("age", ""),
        "mother_tongue": user.get("mother_tongue", ""),
        "sentence": sample.get("sentence", ""),
    }


def _partitions(metadata: Path, samples: dict[str, Row]) -> dict[str, str]:
    """File name → the table in `metadata/split` that names it, which version 1.0 did not have yet.

    What the column is called is not documented: any cell that names a sample counts.
    """
    partitions: dict[str, str] = {}
    for csv_path in visible_files(metadata / "split", "*.csv"):
        for row in read_rows(csv_path, []):
            for name in samples.keys() & row.values():
                if partitions.setdefault(name, csv_path.stem) != csv_path.stem:
                    raise UserError(
                        f"{csv_path}: {name} is in {partitions[name]}.csv as well; keep it in one"
                    )
    return partitions


def _recognised(csv_path: Path) -> Counter[tuple[str, str]]:
    """How many listeners recognised which emotion in which file."""
    if not csv_path.is_file():
        return Counter()
    rows = read_rows(csv_path, ["file_name", "emotion_recognized"])
    return Counter((row["file_name"], row["emotion_recognized"]) for row in rows)


RECIPE = Recipe(
    name="emozionalmente",
    title="Emozionalmente, a crowdsourced corpus of simulated emotional speech in Italian",
    short_title="Emozionalmente",
    citation=(
        "F. Catania, J. W. Wilke and F. Garzotto: "
        "Emozionalmente: A crowdsourced corpus of simulated emotional speech in Italian. "
        "IEEE Transactions on Audio, Speech and Language Processing 33, 2025, pp. 1142–1155."
    ),
    licence="CC BY 4.0",
    home_page="https://zenodo.org/records/12616095",
    sampling_rate_hz=16_000,
    language="Italian",
    codes=_EMOTIONS,
    expected_utterances=6902,
    expected_speakers=431,
    layout=(
        "a folder with metadata/users.csv, metadata/samples.csv and the subfolder audio with the files that "
        "samples.csv names"
    ),
    make_table=_table,
    folds="partition",
    # No archives: the publisher gives the size of emozionalmente.zip (version 1.1) as 558.9 MB only, beside
    # md5:398c6502dd2b0e1e810f927c12897547; an `Archive` needs it to the byte.
)
