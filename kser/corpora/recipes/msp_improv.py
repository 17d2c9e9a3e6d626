"""MSP-IMPROV: six pairs of actors improvise scenes that lead to given sentences.

A file such as `session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav` says: sentence 01 with target emotion A,
spoken by the woman of session 1, kind of recording P, turn FM01. The labels are in `Evaluation.txt`, in lines
such as

    UTD-IMPROV-S01A-F01-P-FM01.avi; N; A:2.800000; V:3.200000; D:3.000000 ; N:3.600000;

(emotion as listeners agreed, activation, valence, dominance, naturalness). Utterances without an agreement
(X) are the class "no agreement": a study that has no use for it leaves it out by name.
"""

import re
from pathlib import Path

import pandas as pd

from kser.corpora.label_files import Row, by_key, class_of, read_label_text
from kser.corpora.recipe import NotTheCorpusError, Recipe, audio_files_below, facts_in_names
from kser.errors import UserError

_EMOTIONS = {
    "A": "anger",
    "H": "happiness",
    "N": "neutral",
    "O": "other",
    "S": "sadness",
    "X": "no agreement",  # of the listeners
}
_GENDERS = {"F": "female", "M": "male"}
_NAME = re.compile(
    r"MSP-IMPROV-(?P<utterance>S(?P<sentence>[0-9]{2})(?P<target_emotion>[AHNS])"
    r"-(?P<actor>(?P<gender>[FM])0(?P<session>[1-6]))-(?P<recording>[A-Z])-[FM]{2}[0-9]+)"
)
_NUMBER = r"[0-9.]+|NaN"
_LABEL = re.compile(
    rf"UTD-IMPROV-(?P<utterance>\S+)\.avi; (?P<emotion>[A-Z]); A:(?P<arousal>{_NUMBER}); "
    rf"V:(?P<valence>{_NUMBER}); D:(?P<dominance>{_NUMBER}) ; N:(?P<naturalness>{_NUMBER});\s*"
)
_DIMENSIONS = ("valence", "arousal", "dominance", "naturalness")


def _table(source: Path) -> pd.DataFrame:
    labels_path = source / "Evaluation.txt"
    # Without the films of the same turns, whose suffix is none of audio files.
    files = [path for session in sorted(source.glob("session*")) for path in audio_files_below(session)]
    if not files or not labels_path.is_file():
        raise NotTheCorpusError
    matches = map(_LABEL.fullmatch, read_label_text(labels_path).splitlines())
    labels = by_key(
        [match.groupdict() for match in matches if match], lambda row: row["utterance"], labels_path
    )
    names = facts_in_names(files, _NAME, "MSP-IMPROV-S01A-F01-P-FM01.wav")
    # What has no label line has nothing to be trained on or tested with: it is passed over.
    rows = [
        _row(path, name, labels[name["utterance"]], labels_path)
        for path, name in names.items()
        if name["utterance"] in labels
    ]
    if not rows:
        raise UserError(f"{labels_path}: has no label for any of the {len(files)} files")
    return pd.DataFrame(rows, dtype=str)


def _row(path: Path, name: Row, label: Row, labels_path: Path) -> Row:
    return {
        "path": str(path.absolute()),
        "class_id": class_of(label["emotion"], _EMOTIONS, f"{labels_path}: {name['utterance']}"),
        "actor": name["actor"],
        "gender": _GENDERS[name["gender"]],
        "session": name["session"],
        "sentence": name["sentence"],
        "target_emotion": _EMOTIONS[name["target_emotion"]],
        "recording": name["recording"],
        **{dimension: "" if label[dimension] == "NaN" else label[dimension] for dimension in _DIMENSIONS},
    }


RECIPE = Recipe(
    name="msp_improv",
    title="MSP-IMPROV, an acted corpus of dyadic interactions to study emotion perception",
    short_title="MSP-IMPROV",
    citation=(
        "C. Busso, S. Parthasarathy, A. Burmania, M. AbdelWahab, N. Sadoughi and E. Mower Provost: "
        "MSP-IMPROV: An acted corpus of dyadic interactions to study emotion perception. IEEE Transactions "
        "on Affective Computing 8(1), 2017, pp. 67–80."
    ),
    licence="for academic research, by an agreement with the University of Texas at Dallas",
    home_page="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html",
    sampling_rate_hz=None,
    language="English",
    codes=_EMOTIONS,
    expected_utterances=8438,
    expected_speakers=12,
    layout=(
        "a folder with Evaluation.txt and the subfolders session1 to session6 with files such as "
        "session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav"
    ),
    make_table=_table,
    folds="session",
)
