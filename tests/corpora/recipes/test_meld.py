"""MELD: three tables, films or the audio taken out of them, Windows signs."""

from pathlib import Path

import pytest

from tests.corpora.recipes.published import read, refusal, tree

HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
)
TRAIN = HEADER + (
    '1,"also I was the point person on my company\x92s transition, from the KL-5",Chandler,neutral,neutral,'
    '0,0,8,21,"00:16:16,059","00:16:21,731"\n'
    '2,"You must\x92ve had your hands full.",The Interviewer,Joy,positive,'
    '0,1,8,21,"00:16:21,940","00:16:23,442"\n'
)
DEV = HEADER + (
    '1,"Oh my God, he\u2019s lost it.",Phoebe,sadness,negative,0,0,4,7,"00:20:57,256","00:21:00,049"\n'
    '2,Did they tell you anything?,Phoebe,neutral,neutral,110,7,6,11,"00:07:11,764","00:07:13,890"\n'
)
TEST = (
    HEADER
    + '1,Why do all you\x92re coffee mugs,Mark,surprise,positive,0,0,3,19,"00:14:38,127","00:14:40,378"\n'
)
TABLES = {"train_sent_emo.csv": TRAIN, "dev_sent_emo.csv": DEV, "test_sent_emo.csv": TEST}
RECORDINGS = [
    "train_splits/dia0_utt0.mp4",
    "train_splits/dia0_utt1.mp4",
    "train_splits/._dia0_utt1.mp4",
    "dev_splits_complete/dia0_utt0.mp4",
    "dev_splits_complete/dia66_utt9.mp4",  # not in the table
    "output_repeated_splits_test/dia0_utt0.mp4",
    "output_repeated_splits_test/final_videos_testdia0_utt0.mp4",
]
ROWS = [
    [
        *("train_splits/dia0_utt0.mp4", "neutral", "Chandler", "male", "train", "neutral", "0", "0"),
        "also I was the point person on my company’s transition, from the KL-5",
    ],
    [
        *("train_splits/dia0_utt1.mp4", "joy", "The Interviewer", "unknown", "train", "positive", "0", "1"),
        "You must’ve had your hands full.",
    ],
    [
        *("dev_splits_complete/dia0_utt0.mp4", "sadness", "Phoebe", "female", "dev", "negative", "0", "0"),
        "Oh my God, he’s lost it.",
    ],
    [
        *("output_repeated_splits_test/dia0_utt0.mp4", "surprise", "Mark", "unknown", "test", "positive"),
        *("0", "0", "Why do all you’re coffee mugs"),
    ],
]


def test_films(tmp_path: Path) -> None:
    columns, rows = read("meld", tree(tmp_path, RECORDINGS, TABLES))
    assert columns == [
        *("path", "class_id", "actor", "gender", "partition", "sentiment", "dialogue", "turn", "sentence")
    ]
    assert rows == ROWS


def test_audio_beside_the_film_is_preferred(tmp_path: Path) -> None:
    tree(tmp_path, [*RECORDINGS, "train_splits/dia0_utt0.wav"], TABLES)
    assert [row[0] for row in read("meld", tmp_path)[1]] == [
        "train_splits/dia0_utt0.wav",
        *(row[0] for row in ROWS[1:]),
    ]


def test_each_partition_in_its_folder_and_one_alone(tmp_path: Path) -> None:
    windows = TRAIN.encode("latin-1")  # as code page 1252 writes these signs
    tree(tmp_path, ["train/train_splits/dia0_utt0.wav"], {"train/train_sent_emo.csv": windows})
    assert read("meld", tmp_path)[1] == [["train/train_splits/dia0_utt0.wav", *ROWS[0][1:]]]


@pytest.mark.parametrize(
    ("recordings", "texts", "message"),
    [
        (["train_splits/dialogue0.mp4"], {}, "1 audio files have unexpected names: "),
        (
            [],
            {"dev_sent_emo.csv": DEV.replace(",Emotion,", ",Feeling,")},
            "dev_sent_emo.csv: the header lacks",
        ),
        (
            [],
            {"dev_sent_emo.csv": DEV.replace("sadness", "sad")},
            "dia0_utt0: Emotion: 'sad' is not an emotion",
        ),
        ([], {"train_sent_emo.csv": TRAIN + TRAIN.removeprefix(HEADER)}, "more than one row for dia0_utt0"),
    ],
)
def test_mistakes(tmp_path: Path, recordings: list[str], texts: dict[str, str], message: str) -> None:
    tree(tmp_path, [*RECORDINGS, *recordings], TABLES | texts)
    assert message in refusal("meld", tmp_path)
