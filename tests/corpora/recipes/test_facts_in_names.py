"""CREMA-D, RAVDESS, SAVEE and TESS: corpora whose file names say what is spoken."""

import re
from pathlib import Path

import pytest

from kser.corpora.recipes import RECIPES
from tests.corpora.recipes.published import read, refusal, tree

DEMOGRAPHICS = (
    '"ActorID","Age","Sex","Race","Ethnicity"\n'
    '1001,51,"Male","Caucasian","Not Hispanic"\n'
    '1002,21,"Female","Caucasian","Not Hispanic"\n'
    '1040,42,"Male","Caucasian","Not Hispanic"\n'
)


def crema_d(folder: Path) -> Path:
    names = ["1001_DFA_ANG_XX.wav", "1002_IEO_HAP_HI.wav", "1040_ITH_SAD_X.wav", "._1001_DFA_ANG_XX.wav"]
    mp3 = ["AudioMP3/1001_DFA_ANG_XX.mp3"]
    return tree(folder, [f"AudioWAV/{name}" for name in names] + mp3, {"VideoDemographics.csv": DEMOGRAPHICS})


def test_crema_d(tmp_path: Path) -> None:
    columns, rows = read("crema_d", crema_d(tmp_path))
    assert columns == ["path", "class_id", "actor", "gender", "sentence", "intensity", "age"]
    assert rows == [
        ["AudioWAV/1001_DFA_ANG_XX.wav", "anger", "1001", "male", "DFA", "unspecified", "51"],
        ["AudioWAV/1002_IEO_HAP_HI.wav", "happiness", "1002", "female", "IEO", "high", "21"],
        ["AudioWAV/1040_ITH_SAD_X.wav", "sadness", "1040", "male", "ITH", "unspecified", "42"],
    ]


def test_crema_d_wants_its_actors(tmp_path: Path) -> None:
    tree(crema_d(tmp_path), ["AudioWAV/1091_DFA_ANG_XX.wav"])
    message = refusal("crema_d", tmp_path)
    assert message == f"{tmp_path}/VideoDemographics.csv: lacks the actor 1091, who speaks in AudioWAV"
    (tmp_path / "VideoDemographics.csv").unlink()
    assert f"{tmp_path}/VideoDemographics.csv: not found; it says which" in refusal("crema_d", tmp_path)


RAVDESS_FILES = [
    "Actor_01/03-01-01-01-01-01-01.wav",
    "Actor_01/03-02-02-01-01-02-01.wav",
    "Actor_12/03-01-06-02-02-02-12.wav",
    "Actor_12/03-02-05-02-02-01-12.wav",
]


def test_ravdess_with_both_parts_in_one_folder(tmp_path: Path) -> None:
    tree(tmp_path, [*RAVDESS_FILES, "Actor_18/03-01-08-01-01-01-18.wav"])
    columns, rows = read("ravdess_speech", tmp_path)
    assert columns == ["path", "class_id", "actor", "gender", "sentence", "intensity", "repetition"]
    kids, dogs = "Kids are talking by the door", "Dogs are sitting by the door"
    assert rows == [
        ["Actor_01/03-01-01-01-01-01-01.wav", "neutral", "01", "male", kids, "normal", "1"],
        ["Actor_12/03-01-06-02-02-02-12.wav", "fear", "12", "female", dogs, "strong", "2"],
        ["Actor_18/03-01-08-01-01-01-18.wav", "surprise", "18", "female", kids, "normal", "1"],
    ]
    assert read("ravdess_song", tmp_path)[1] == [
        ["Actor_01/03-02-02-01-01-02-01.wav", "calm", "01", "male", kids, "normal", "2"],
        ["Actor_12/03-02-05-02-02-01-12.wav", "anger", "12", "female", dogs, "strong", "1"],
    ]


def test_ravdess_without_folders(tmp_path: Path) -> None:
    tree(tmp_path, [Path(name).name for name in RAVDESS_FILES])
    assert len(read("ravdess_speech", tmp_path)[1]) == len(read("ravdess_song", tmp_path)[1]) == 2


@pytest.mark.parametrize("part", ["speech", "song"])
def test_ravdess_can_be_downloaded(part: str) -> None:
    (archive,) = RECIPES[f"ravdess_{part}"].archives
    assert archive.name == f"Audio_{part.title()}_Actors_01-24.zip"
    assert re.fullmatch("md5:[0-9a-f]{32}", archive.checksum)


def test_ravdess_song_has_no_disgust(tmp_path: Path) -> None:
    tree(tmp_path, [*RAVDESS_FILES, "Actor_01/03-02-07-01-01-01-01.wav"])
    assert "names are like 03-02-06-01-02-01-12.wav" in refusal("ravdess_song", tmp_path)


@pytest.mark.parametrize("top", ["", "AudioData/"])
def test_savee_with_a_folder_for_each_speaker(tmp_path: Path, top: str) -> None:
    tree(tmp_path, [f"{top}{name}" for name in ("DC/a01.wav", "DC/n30.wav", "JE/sa15.wav", "KL/su02.wav")])
    tree(tmp_path, [], {f"{top}Info.txt": "Info"})
    columns, rows = read("savee", tmp_path)
    assert columns == ["path", "class_id", "actor", "gender", "number"]
    assert rows == [
        [f"{top}DC/a01.wav", "anger", "DC", "male", "01"],
        [f"{top}DC/n30.wav", "neutral", "DC", "male", "30"],
        [f"{top}JE/sa15.wav", "sadness", "JE", "male", "15"],
        [f"{top}KL/su02.wav", "surprise", "KL", "male", "02"],
    ]


def test_savee_in_one_folder(tmp_path: Path) -> None:
    tree(tmp_path, ["DC_d07.wav", "JK_f12.wav", "JK_h01.wav"])
    assert read("savee", tmp_path)[1] == [
        ["DC_d07.wav", "disgust", "DC", "male", "07"],
        ["JK_f12.wav", "fear", "JK", "male", "12"],
        ["JK_h01.wav", "happiness", "JK", "male", "01"],
    ]


def test_tess(tmp_path: Path) -> None:
    files = [
        "OAF_Pleasant_surprise/OAF_back_ps.wav",
        "OAF_neutral/OA_bite_neutral.wav",
        "YAF_pleasant_surprised/YAF_youth_ps.wav",
        "YAF_sad/YAF_back_sad.wav",
    ]
    columns, rows = read("tess", tree(tmp_path / "folders", files))
    assert columns == ["path", "class_id", "actor", "gender", "sentence", "age"]
    assert rows == [
        [files[0], "pleasant surprise", "OAF", "female", "back", "64"],
        [files[1], "neutral", "OAF", "female", "bite", "64"],
        [files[2], "pleasant surprise", "YAF", "female", "youth", "26"],
        [files[3], "sadness", "YAF", "female", "back", "26"],
    ]
    _, flat = read("tess", tree(tmp_path / "flat", [Path(name).name for name in files]))
    assert sorted(row[1:] for row in flat) == sorted(row[1:] for row in rows)


@pytest.mark.parametrize(
    ("name", "good", "strange"),
    [
        ("crema_d", "AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1001_DFA_ANGER_XX.wav"),
        ("crema_d", "AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1001_XYZ_ANG_XX.wav"),
        ("ravdess_speech", "Actor_01/03-01-08-01-01-01-01.wav", "Actor_01/03-01-09-01-01-01-01.wav"),
        ("ravdess_speech", "Actor_01/03-01-08-01-01-01-01.wav", "Actor_01/03-01-08-01-01-01-25.wav"),
        ("savee", "DC/a01.wav", "DC/DC_a01.wav"),
        ("savee", "DC_a01.wav", "XX_a01.wav"),
        ("tess", "OAF_angry/OAF_back_angry.wav", "OAF_angry/OAF_back_anger.wav"),
    ],
)
def test_unexpected_names_are_listed(tmp_path: Path, name: str, good: str, strange: str) -> None:
    tree(tmp_path, [good], {"VideoDemographics.csv": DEMOGRAPHICS})
    assert len(read(name, tmp_path)[1]) == 1
    tree(tmp_path, [strange])
    assert f"1 audio files have unexpected names: {tmp_path / strange};" in refusal(name, tmp_path)


CORPORA = (
    *("crema_d", "emozionalmente", "esd", "iemocap", "meld", "msp_podcast"),
    *("ravdess_song", "ravdess_speech", "savee", "tess"),
)


@pytest.mark.parametrize("name", CORPORA)
def test_another_folder_is_refused_with_the_layout(tmp_path: Path, name: str) -> None:
    tree(tmp_path, ["song.wav", "Audio/song.wav"], {"labels.csv": "a,b\n1,2\n"})
    corpus = RECIPES[name]
    message = refusal(name, tmp_path)
    assert message.startswith(f"{tmp_path}: does not look like ")
    assert message.endswith(corpus.layout)
