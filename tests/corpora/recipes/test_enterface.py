"""eNTERFACE'05: what its file names say wrongly, what was never cut, and sound beside the videos."""

from pathlib import Path

import pytest

from kser.corpora.recipes.enterface import RECIPE
from kser.errors import UserError

ROWS = {
    "subject 1/anger/sentence 1/s1_an_1.avi": ["anger", "1", "male", "an_1"],
    "subject 3/happiness/sentence 1/s_3_ha_1.avi": ["happiness", "3", "male", "ha_1"],
    "subject 4/disgust/sentence 5/s4_di_5.avi": ["disgust", "4", "female", "di_5"],
    "subject 11/fear/sentence 2/s12_fe_2.avi": ["fear", "11", "male", "fe_2"],
    "subject 12/fear/sentence 2/s12_fe_2.avi": ["fear", "12", "male", "fe_2"],
    "subject 16/surprise/sentence 3/s16_su_3avi.avi": ["surprise", "16", "male", "su_3"],
    "subject 44/sadness/sentence 4/s44_sa_4.avi": ["sadness", "44", "female", "sa_4"],
}


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"video")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in ROWS:
        touch(tmp_path / file)
    return tmp_path


def rows_by_file(folder: Path) -> dict[str, list[str]]:
    table = RECIPE.read(folder)
    assert list(table.columns) == ["path", "class_id", "actor", "gender", "sentence"]
    files = [Path(path).relative_to(folder).as_posix() for path in table["path"]]
    return dict(zip(files, table.drop(columns="path").to_numpy().tolist(), strict=True))


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        RECIPE.read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_speaker_is_the_folder_and_slips_of_names_are_read(folder: Path) -> None:
    assert rows_by_file(folder) == ROWS
    assert list(rows_by_file(folder)) == list(ROWS)  # by number: subject 3 before subject 11
    assert sorted({row[0] for row in ROWS.values()}) == list(RECIPE.classes)


def test_whole_sessions_are_left_out(folder: Path) -> None:
    for emotion, code in (("anger", "an"), ("surprise", "su")):
        touch(folder / "subject 6" / emotion / f"s6_{code}.avi")
    assert rows_by_file(folder) == ROWS


def test_sentences_cut_from_a_session_are_read(folder: Path) -> None:
    touch(folder / "subject 6/anger/s6_an.avi")
    touch(folder / "subject 6/anger/s6_an_3.wav")
    assert rows_by_file(folder) == ROWS | {"subject 6/anger/s6_an_3.wav": ["anger", "6", "male", "an_3"]}


def test_sound_is_taken_before_the_video_of_the_same_sentence(folder: Path) -> None:
    touch(folder / "subject 1/anger/sentence 1/s1_an_1.wav")
    rows = rows_by_file(folder)
    assert len(rows) == len(ROWS)
    assert rows["subject 1/anger/sentence 1/s1_an_1.wav"] == ["anger", "1", "male", "an_1"]


def test_a_tree_of_sound_alone_with_hyphens_in_its_folders(tmp_path: Path) -> None:
    touch(tmp_path / "subject-26/sadness/sentence-2/s26_sa_2.flac")
    assert list(rows_by_file(tmp_path).values()) == [["sadness", "26", "female", "sa_2"]]


def test_what_is_no_recording_is_passed_over(folder: Path) -> None:
    touch(folder / "subject 1/anger/sentence 1/Thumbs.db")
    touch(folder / "subject 1/anger/sentence 1/._s1_an_1.avi")
    touch(folder / "subjects.avi")
    assert rows_by_file(folder) == ROWS


@pytest.mark.parametrize(
    "strange",
    [
        "subject 1/anger/sentence 1/take.avi",
        "subject 4/s4_bo_1.wav",
        "subject 4/s4_di_6.avi",
        "subject 4/di_1.avi",
    ],
)
def test_unexpected_names_are_told(folder: Path, strange: str) -> None:
    touch(folder / strange)
    assert f"1 audio files have unexpected names: {folder / strange}; names are like s19_an_4.avi" in refusal(
        folder
    )


@pytest.mark.thorough
def test_another_folder_is_refused_with_the_layout(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"{tmp_path}: does not look like eNTERFACE'05")
    touch(tmp_path / "s1_an_1.avi")  # outside the folder that would say who speaks
    touch(tmp_path / "subject 1" / "song.avi")
    assert refusal(tmp_path).endswith(RECIPE.layout)
