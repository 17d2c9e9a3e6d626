"""CMU-MOSEI, EMNS, M3ED, MER2023, MSP-IMPROV and RESD: corpora whose label files say what is spoken."""

import json
from pathlib import Path

import pytest

from kser.corpora.recipe import unexpected_names_left_out
from kser.corpora.recipes import RECIPES
from tests.corpora.recipes.published import read, refusal, tree

MER2023 = {
    "mer2023train/train-label.csv": "name,discrete,valence\nsample_1,neutral,0.1\nsample_9,worried,-2\n",
    "test-labels/test1-label.csv": "name,discrete\nsample_00000001,surprise\nsample_00000002,angry\n",
    "test-labels/test3-label.csv": "name,discrete\nsample_00000003,happy\nsample_00000004,sad\n",
}
MER2023_FILMS = [
    "mer2023train/train/sample_1.avi",
    "mer2023train/train/sample_9.avi",
    "mer2023train/train/sample_9.wav",
    "mer2023train/train/without_a_label.avi",
    "test1/sample_00000001.mp4",
    "mer2023train/test3/sample_00000003.avi",
]


def test_mer2023(tmp_path: Path) -> None:
    columns, rows = read("mer2023", tree(tmp_path, MER2023_FILMS, MER2023))
    assert columns == ["path", "class_id", "actor", "gender", "partition", "valence"]
    assert rows == [
        ["mer2023train/train/sample_1.avi", "neutral", "unknown", "unknown", "train", "0.1"],
        ["mer2023train/train/sample_9.wav", "worry", "unknown", "unknown", "train", "-2"],
        ["test1/sample_00000001.mp4", "surprise", "unknown", "unknown", "test1", ""],
        ["mer2023train/test3/sample_00000003.avi", "happiness", "unknown", "unknown", "test3", ""],
    ]


SPEAKERS = {"A": {"Name": "Li", "Gender": "Female"}, "B": {"Name": "Wang", "Gender": "?"}}
M3ED = {
    "annotation.json": json.dumps(
        {
            "series": {
                "series_1": {
                    "SpeakerInfo": SPEAKERS,
                    "Dialog": {
                        "series_1_1": {
                            "Speaker": "A",
                            "Text": "Hm",
                            "EmoAnnotation": {"final_main_emo": "Happy"},
                        },
                        "series_1_2": {"Speaker": "B", "EmoAnnotation": {"final_main_emo": "Anger"}},
                    },
                }
            }
        }
    ),
    "splitInfo/movie_list_val.txt": "other\nseries\n",
}
M3ED_FILES = ["modality_speech/A_series_1_1.wav", "modality_speech/B_series_1_2.wav"]


def test_m3ed(tmp_path: Path) -> None:
    columns, rows = read("m3ed", tree(tmp_path, M3ED_FILES, M3ED))
    said = ["series", "dialogue", "sentence", "partition"]
    assert columns == ["path", "class_id", "actor", "gender", *said]
    assert rows == [
        [M3ED_FILES[0], "happiness", "series_Li", "female", "series", "series_1", "Hm", "validation"],
        [M3ED_FILES[1], "anger", "series_Wang", "unknown", "series", "series_1", "", "validation"],
    ]


def test_m3ed_with_files_that_the_annotation_lacks(tmp_path: Path) -> None:
    tree(tmp_path, [*M3ED_FILES, "modality_speech/C_series_9_9.wav"], M3ED)
    assert "1 audio files have unexpected names" in refusal("m3ed", tmp_path)
    with unexpected_names_left_out() as left_out:
        assert len(RECIPES["m3ed"].read(tmp_path)) == 2
    assert left_out == [tmp_path / "modality_speech" / "C_series_9_9.wav"]


@pytest.mark.parametrize(
    "content", ["[]", '{"series": []}', '{"series": {"series_1": {"Dialog": {"a": 1}}}}']
)
def test_m3ed_with_another_annotation(tmp_path: Path, content: str) -> None:
    tree(tmp_path, M3ED_FILES, M3ED | {"annotation.json": content})
    assert f"{tmp_path}/annotation.json: is not laid out as published" in refusal("m3ed", tmp_path)


RESD = {
    "train.csv": (
        "name,path,emotion\na,happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav,happiness\n"
        "b,03_disgust_neutral/03_disgust_neutral n_050.wav,neutral\nc,gone/01_a_b_a_1.wav,anger\n"
    ),
    "test.csv": "name,path,emotion\nd,fear_anger_22/22_fear_anger_a_050.wav,anger\n",
}
RESD_FILES = [
    "train/happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav",
    "train/03_disgust_neutral/03_disgust_neutral n_050.wav",
    "test/fear_anger_22/22_fear_anger_a_050.wav",
]


def test_resd(tmp_path: Path) -> None:
    columns, rows = read("resd", tree(tmp_path, RESD_FILES, RESD))
    assert columns == ["path", "class_id", "actor", "gender", "role", "partition"]
    assert rows == [
        [RESD_FILES[0], "happiness", "dialogue_32", "unknown", "h", "train"],
        [RESD_FILES[1], "neutral", "dialogue_03", "unknown", "n", "train"],
        [RESD_FILES[2], "anger", "dialogue_22", "unknown", "a", "test"],
    ]


def test_resd_with_another_name(tmp_path: Path) -> None:
    tree(tmp_path, ["train/song.wav"], {"train.csv": "path,emotion\nsong.wav,anger\n"})
    assert f"{tmp_path}/train.csv: path: 'song.wav' is unexpected" in refusal("resd", tmp_path)


EMNS_HEADER = (
    "id|utterance|description|emotion|date_created|status|gender|age|level|audio_recording|user_id\n"
)
EMNS = {
    "metadata.csv": EMNS_HEADER
    + "1|Oh, no!|a, b|Surprised|2022|ok|Female|20s|3|wavs/recorded_audio_96uTNli.webm|3\n"
    + "2|Well.||Sarcastic|2022|ok|Female|20s|5|wavs/recorded_audio_vPRtT8a.webm|3\n"
    + "3|Gone.||Sad|2022|ok|Female|20s|5|wavs/recorded_audio_0000000.webm|3\n"
}
EMNS_FILES = [f"cleaned_webm/recorded_audio_{key}.webm" for key in ("96uTNli", "vPRtT8a")]


def test_emns(tmp_path: Path) -> None:
    # Read without writing the table: its label file has the name of the CSV that `read` writes.
    table = RECIPES["emns"].read(tree(tmp_path, EMNS_FILES, EMNS))
    said = ["age", "level", "sentence", "description"]
    assert list(table.columns) == ["path", "class_id", "actor", "gender", *said]
    assert table.to_numpy().tolist() == [
        [str(tmp_path / EMNS_FILES[0]), "surprise", "3", "female", "20s", "3", "Oh, no!", "a, b"],
        [str(tmp_path / EMNS_FILES[1]), "sarcasm", "3", "female", "20s", "5", "Well.", ""],
    ]


def test_emns_with_another_header(tmp_path: Path) -> None:
    tree(tmp_path, EMNS_FILES, {"metadata.csv": "id,emotion\n"})
    assert "metadata.csv: the header, separated by |, lacks utterance, " in refusal("emns", tmp_path)


MSP_IMPROV = {
    "Evaluation.txt": (
        "UTD-IMPROV-S01A-F01-P-FM01.avi; N; A:2.800000; V:3.200000; D:3.000000 ; N:3.600000;\n"
        "  WORKER0001; N; A:3; V:3; D:3; N:4;\n\n"
        "UTD-IMPROV-S20H-M06-R-MM02.avi; X; A:NaN; V:3.200000; D:3.000000 ; N:NaN;\n"
    )
}
MSP_IMPROV_FILES = [
    "session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav",
    "session6/S20H/R/MSP-IMPROV-S20H-M06-R-MM02.wav",
    "session6/S20H/R/MSP-IMPROV-S20H-M06-R-MM03.wav",  # without a label
]


def test_msp_improv(tmp_path: Path) -> None:
    columns, rows = read("msp_improv", tree(tmp_path, MSP_IMPROV_FILES, MSP_IMPROV))
    assert columns == [
        *("path", "class_id", "actor", "gender", "session", "sentence", "target_emotion", "recording"),
        *("valence", "arousal", "dominance", "naturalness"),
    ]
    said = ["3.200000", "2.800000", "3.000000", "3.600000"]
    assert rows == [
        [MSP_IMPROV_FILES[0], "neutral", "F01", "female", "1", "01", "anger", "P", *said],
        [
            *(MSP_IMPROV_FILES[1], "no agreement", "M06", "male", "6", "20", "happiness", "R"),
            *("3.200000", "", "3.000000", ""),
        ],
    ]


CMU_MOSEI = {
    "CMU_MOSEI_Labels.csv": (
        ",file,index,start,end,label2a,label2b,label6,label7,split\n"
        "0,--qXJuDtHPw,5,0.1,2.0,1,1,0,1,0\n1,0Fqav67TDEk,10,0.1,2.0,0,0,2.0,-1,1\n"
        "2,0Fqav67TDEk,11,0.1,2.0,0,0,,-1,1\n3,gone,1,0.1,2.0,0,0,1,-1,2\n"
    )
}
CMU_MOSEI_FILES = [
    "Audio/Segmented_Audio/train/--qXJuDtHPw_5.wav",
    "Audio/Segmented_Audio/dev/0Fqav67TDEk_10.wav",
    "Audio/Segmented_Audio/dev/0Fqav67TDEk_11.wav",
]


def test_cmu_mosei(tmp_path: Path) -> None:
    columns, rows = read("cmu_mosei", tree(tmp_path, CMU_MOSEI_FILES, CMU_MOSEI))
    assert columns == ["path", "class_id", "actor", "gender", "partition", "sentiment"]
    assert rows == [
        [CMU_MOSEI_FILES[0], "happiness", "--qXJuDtHPw", "unknown", "train", "1"],
        [CMU_MOSEI_FILES[1], "anger", "0Fqav67TDEk", "unknown", "dev", "-1"],
    ]


@pytest.mark.parametrize(
    ("name", "files", "texts"),
    [
        ("cmu_mosei", [], CMU_MOSEI),
        ("emns", [], EMNS),
        ("m3ed", [], M3ED),
        ("mer2023", [], MER2023),
        ("msp_improv", MSP_IMPROV_FILES, {}),
        ("resd", RESD_FILES, {}),
    ],
)
def test_half_of_a_corpus_is_not_the_corpus(
    tmp_path: Path, name: str, files: list[str], texts: dict[str, str]
) -> None:
    message = refusal(name, tree(tmp_path, files, texts))
    assert message.startswith(f"{tmp_path}: does not look like {RECIPES[name].short_title}, which is ")


@pytest.mark.parametrize(
    ("name", "files", "texts", "label", "where"),
    [
        ("m3ed", M3ED_FILES, M3ED, "Happy", "annotation.json"),
        ("mer2023", MER2023_FILMS, MER2023, ",neutral", "train-label.csv"),
        ("resd", RESD_FILES, RESD, ",neutral", "train.csv"),
        ("emns", EMNS_FILES, EMNS, "Sarcastic", "metadata.csv"),
        ("msp_improv", MSP_IMPROV_FILES, MSP_IMPROV, "; N", "Evaluation.txt"),
    ],
)
def test_an_unknown_label_is_named(
    tmp_path: Path, name: str, files: list[str], texts: dict[str, str], label: str, where: str
) -> None:
    unknown = label[:-1] + "Q"
    tree(tmp_path, files, {file: text.replace(label, unknown, 1) for file, text in texts.items()})
    message = refusal(name, tmp_path)
    assert where in message
    assert "is not an emotion of the corpus; it has " in message
