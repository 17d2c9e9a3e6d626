"""IEMOCAP: label lines of the annotators, speakers by the letter before the turn, sessions."""

from pathlib import Path

from tests.corpora.recipes.published import read, refusal, tree

LABELS = "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
IMPROVISED = (
    "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
    "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n"
    "C-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t(\xe9)\n\n"
    "[10.0100 - 11.3925]\tSes01F_impro01_M000\txxx\t[2.5000, 3.0000, 3.5000]\n"
)
SCRIPTED = "[1.0 - 2.0]\tSes05M_script01_1b_F012\texc\t[4.3333, 4.0000, 3.0000]\n"
TEXTS = {
    LABELS: IMPROVISED.encode("latin-1"),
    "Session5/dialog/EmoEvaluation/Ses05M_script01_1b.txt": SCRIPTED,
    "Session5/dialog/EmoEvaluation/._Ses05M_script01_1b.txt": b"\x00\x05",
    "Session1/dialog/transcriptions/Ses01F_impro01.txt": "Ses01F_impro01_F000 [6.2901-8.2357]: Excuse me.",
}
FIRST, SECOND = "Session1/sentences/wav/Ses01F_impro01", "Session5/sentences/wav/Ses05M_script01_1b"
RECORDINGS = [
    f"{FIRST}/Ses01F_impro01_F000.wav",
    f"{FIRST}/Ses01F_impro01_M000.wav",
    f"{FIRST}/Ses01F_impro01_MXX0.wav",  # without a label
    f"{SECOND}/Ses05M_script01_1b_F012.wav",
]


def test_as_published(tmp_path: Path) -> None:
    columns, rows = read("iemocap", tree(tmp_path, RECORDINGS, TEXTS))
    assert columns == [
        *("path", "class_id", "actor", "gender", "session", "scenario", "dialogue"),
        *("valence", "arousal", "dominance"),
    ]
    improvised = ["1", "improvised", "Ses01F_impro01"]
    scripted = ["5", "scripted", "Ses05M_script01_1b"]
    assert rows == [
        [RECORDINGS[0], "neutral", "Ses01F", "female", *improvised, "2.5000", "2.5000", "2.5000"],
        [RECORDINGS[1], "no agreement", "Ses01M", "male", *improvised, "2.5000", "3.0000", "3.5000"],
        [RECORDINGS[3], "excitement", "Ses05F", "female", *scripted, "4.3333", "4.0000", "3.0000"],
    ]


def test_mistakes(tmp_path: Path) -> None:
    tree(tmp_path, RECORDINGS, TEXTS | {LABELS: IMPROVISED.replace("neu", "joy")})
    assert f"{tmp_path}/{LABELS}: Ses01F_impro01_F000: 'joy' is not an emotion" in refusal(
        "iemocap", tmp_path
    )
    tree(tmp_path, [f"{FIRST}/Ses01F_impro01_X000.wav"], TEXTS)
    assert f"unexpected names: {tmp_path}/{FIRST}/Ses01F_impro01_X000.wav" in refusal("iemocap", tmp_path)


def test_recordings_without_any_label(tmp_path: Path) -> None:
    tree(tmp_path, RECORDINGS)
    assert f"{tmp_path}: dialog/EmoEvaluation has no label" in refusal("iemocap", tmp_path)
