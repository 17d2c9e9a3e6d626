"""Recipes whose file names say all there is: small trees as published, and what each of them must give."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pytest

from kser.corpora.recipe import Recipe
from kser.corpora.recipes import aesdd, cafe, emouerj, jl_corpus, mesd, shemo, subesco, urdu
from kser.errors import UserError


@dataclass(frozen=True)
class Tree:
    """A few files of a corpus as published, and the table they make."""

    recipe: Recipe
    columns: list[str]
    rows: dict[str, list[str]]
    """File → what the table says of it, without its path."""
    strange: tuple[str, ...]
    """Files that may not lie there, one at a time."""


_JL = "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)"
TREES = [
    Tree(
        shemo.RECIPE,
        ["class_id", "actor", "gender", "clip"],
        {
            "female/F03S02.wav": ["sadness", "F03", "female", "02"],
            "female/F14A09.wav": ["anger", "F14", "female", "09"],
            "male/M02F01.wav": ["fear", "M02", "male", "01"],
            "male/M12N101.wav": ["neutral", "M12", "male", "101"],
            "male/M21W03.wav": ["surprise", "M21", "male", "03"],
            "male/M28H02.wav": ["happiness", "M28", "male", "02"],
        },
        ("male/M02X01.wav", "female/03S02.wav", "F03S02 copy.wav"),
    ),
    Tree(
        aesdd.RECIPE,
        ["class_id", "actor", "gender", "sentence", "take"],
        {
            "anger/a03 (4).wav": ["anger", "4", "unknown", "03", "a"],
            "disgust/d20 (6).wav": ["disgust", "6", "unknown", "20", "a"],
            "fear/f10 (01).wav": ["fear", "1", "unknown", "10", "a"],
            "fear/f18 (5)b.wav": ["fear", "5", "unknown", "18", "b"],
            "happiness/h01 (2).wav": ["happiness", "2", "unknown", "01", "a"],
            "sadness/s01 (5)a.wav": ["sadness", "5", "unknown", "01", "a"],
        },
        ("anger/a03.wav", "anger/x03 (4).wav", "fear/f10 (0).wav"),
    ),
    Tree(
        cafe.RECIPE,
        ["class_id", "actor", "gender", "intensity", "sentence"],
        {
            "Colère/Faible/01-C-1-1.wav": ["anger", "01", "male", "low", "1"],
            "Dégoût/Fort/02-D-2-6.wav": ["disgust", "02", "female", "high", "6"],
            "Joie/Faible/03-J-1-3.wav": ["happiness", "03", "male", "low", "3"],
            "Neutre/01-N-1-1.wav": ["neutral", "01", "male", "none", "1"],
            "Neutre/12-N-4.wav": ["neutral", "12", "female", "none", "4"],
            "Peur/Fort/12-P-2-5.wav": ["fear", "12", "female", "high", "5"],
            "Surprise/Faible/10-S-1-2.wav": ["surprise", "10", "female", "low", "2"],
            "Tristesse/Fort/07-T-2-1.wav": ["sadness", "07", "male", "high", "1"],
        },
        (
            "Colère/Faible/13-C-1-1.wav",
            "Neutre/12-N-2-4.wav",
            "Peur/Fort/12-P-5.wav",
            "Joie/Fort/03-J-3-1.wav",
        ),
    ),
    Tree(
        subesco.RECIPE,
        ["class_id", "actor", "gender", "sentence", "take"],
        {
            "F_01_OISHI_S_10_HAPPY_4.wav": ["happiness", "F_01_OISHI", "female", "10", "4"],
            "F_02_MONIKA_S_1_NEUTRAL_5.wav": ["neutral", "F_02_MONIKA", "female", "1", "5"],
            "F_02_MONIKA_S_2_SURPRISE_3].wav": ["surprise", "F_02_MONIKA", "female", "2", "3"],
            "M_07_SIBLY_S_6_DISGUST_1.wav": ["disgust", "M_07_SIBLY", "male", "6", "1"],
            "M_09_SHUMANTA_S_2_FEAR_2.wav": ["fear", "M_09_SHUMANTA", "male", "2", "2"],
            "M_09_SHUMANTA_S_4_ANGRY_3.wav": ["anger", "M_09_SHUMANTA", "male", "4", "3"],
            "M_10_EVAN_S_9_SAD_1.wav": ["sadness", "M_10_EVAN", "male", "9", "1"],
        },
        ("M_11_EVAN_S_9_SAD_1.wav", "F_01_OISHI_S_11_HAPPY_4.wav", "F_01_OISHI_S_1_HAPPY_6.wav"),
    ),
    Tree(
        urdu.RECIPE,
        ["class_id", "actor", "gender", "clip"],
        {
            "Angry/SM1_F1_A01.wav": ["anger", "SM1", "male", "1"],
            "Happy/SF6_F14_H038.wav": ["happiness", "SF6", "female", "14"],
            "Neutral/SM5_F72_N0100.wav": ["neutral", "SM5", "male", "72"],
            "Sad/SM24_F9_S021.wav": ["sadness", "SM24", "male", "9"],
        },
        ("Angry/M1_F1_A01.wav", "Sad/SM24_F9_X021.wav"),
    ),
    Tree(
        jl_corpus.RECIPE,
        ["class_id", "actor", "gender", "emotion_group", "sentence", "session", "repetition"],
        {
            f"{_JL}/female1_angry_10a_2.wav": ["anger", "female1", "female", "primary", "10", "a", "2"],
            f"{_JL}/female2_anxious_11b_2.wav": ["anxiety", "female2", "female", "secondary", "11", "b", "2"],
            f"{_JL}/female2_apologetic_1a_1.wav": [
                "apology",
                "female2",
                "female",
                "secondary",
                "1",
                "a",
                "1",
            ],
            f"{_JL}/male1_assertive_7a_1.wav": ["assertiveness", "male1", "male", "secondary", "7", "a", "1"],
            f"{_JL}/male1_concerned_2b_1.wav": ["concern", "male1", "male", "secondary", "2", "b", "1"],
            f"{_JL}/male1_encouraging_6a_2.wav": [
                "encouragement",
                "male1",
                "male",
                "secondary",
                "6",
                "a",
                "2",
            ],
            f"{_JL}/male2_excited_15b_1.wav": ["excitement", "male2", "male", "primary", "15", "b", "1"],
            f"{_JL}/male2_happy_3a_1.wav": ["happiness", "male2", "male", "primary", "3", "a", "1"],
            f"{_JL}/male2_neutral_9b_1.wav": ["neutral", "male2", "male", "primary", "9", "b", "1"],
            f"{_JL}/male2_sad_9b_1.wav": ["sadness", "male2", "male", "primary", "9", "b", "1"],
        },
        (f"{_JL}/male3_sad_9b_1.wav", f"{_JL}/male2_sad_16b_1.wav", f"{_JL}/male2_sad_9b_3.wav"),
    ),
    Tree(
        mesd.RECIPE,
        ["class_id", "actor", "gender", "word_list", "word"],
        {
            "Anger_C_A_basta_ya.wav": ["anger", "child", "unknown", "A", "basta_ya"],
            "Disgust_F_B_punalada.wav": ["disgust", "female", "female", "B", "punalada"],
            "Fear_M_A_si.wav": ["fear", "male", "male", "A", "si"],
            "Happiness_F_A_de_nada.wav": ["happiness", "female", "female", "A", "de_nada"],
            "Neutral_M_B_extenso.wav": ["neutral", "male", "male", "B", "extenso"],
            "Sadness_C_B_condena.wav": ["sadness", "child", "unknown", "B", "condena"],
        },
        ("Surprise_F_A_hola.wav", "Fear_M_hola.wav", "Fear_X_A_hola.wav"),
    ),
    Tree(
        emouerj.RECIPE,
        ["class_id", "actor", "gender", "clip"],
        {
            "m01h01.wav": ["happiness", "m01", "male", "01"],
            "m03s08.wav": ["sadness", "m03", "male", "08"],
            "w03n09.wav": ["neutral", "w03", "female", "09"],
            "w04a11.wav": ["anger", "w04", "female", "11"],
        },
        ("w05a11.wav", "f04a11.wav", "w04d11.wav"),
    ),
]
each_corpus = pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.recipe.name)


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")


def unpacked(tree: Tree, folder: Path) -> Path:
    for file in tree.rows:
        touch(folder / file)
    return folder


def rows_by_file(tree: Tree, folder: Path) -> dict[str, list[str]]:
    table = tree.recipe.read(folder)
    assert list(table.columns) == ["path", *tree.columns]
    files = [Path(path).relative_to(folder.absolute()).as_posix() for path in table["path"]]
    assert len(set(files)) == len(files)
    return dict(zip(files, table.drop(columns="path").to_numpy().tolist(), strict=True))


def refusal(recipe: Recipe, folder: Path) -> str:
    with pytest.raises(UserError) as error:
        recipe.read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


@each_corpus
def test_the_names_are_read(tmp_path: Path, tree: Tree) -> None:
    assert rows_by_file(tree, unpacked(tree, tmp_path)) == tree.rows


@each_corpus
def test_every_class_of_the_corpus_is_in_its_tree(tree: Tree) -> None:
    assert tuple(sorted({row[0] for row in tree.rows.values()})) == tree.recipe.classes


@each_corpus
def test_unexpected_names_are_told(tmp_path: Path, tree: Tree) -> None:
    unpacked(tree, tmp_path)
    for file in tree.strange:
        touch(tmp_path / file)
        message = refusal(tree.recipe, tmp_path)
        assert f"1 audio files have unexpected names: {tmp_path / file};" in message
        (tmp_path / file).unlink()


@each_corpus
def test_another_folder_is_refused_with_the_layout(tmp_path: Path, tree: Tree) -> None:
    expected = f"{tmp_path}: does not look like"
    assert refusal(tree.recipe, tmp_path).startswith(expected)
    for file in ("song.wav", "female/song.wav", "anger/song.wav", "Angry/song.wav", "other/song.wav"):
        touch(tmp_path / file)
    message = refusal(tree.recipe, tmp_path)
    assert message.startswith(expected)
    assert message.endswith(tree.recipe.layout)


@each_corpus
def test_what_is_no_recording_is_passed_over(tmp_path: Path, tree: Tree) -> None:
    unpacked(tree, tmp_path)
    for file in list(tree.rows):
        recording = tmp_path / file
        touch(recording.with_suffix(".txt"))
        touch(recording.with_name(f"._{recording.name}"))
    assert rows_by_file(tree, tmp_path) == tree.rows


@each_corpus
def test_nothing_of_these_was_run_on_the_published_files(tree: Tree) -> None:
    assert not tree.recipe.verified


def test_shemo_with_all_files_in_one_folder(tmp_path: Path) -> None:
    for file in ("F03S02.wav", "M02F01.wav"):
        touch(tmp_path / file)
    assert list(shemo.RECIPE.read(tmp_path)["actor"]) == ["F03", "M02"]


@pytest.mark.parametrize("wrapped_in", ["CaFE_48k", "CaFE_192k_1", "CaFE_192k_2"])
def test_cafe_in_the_folder_of_its_archive(tmp_path: Path, wrapped_in: str) -> None:
    touch(tmp_path / wrapped_in / "Peur" / "Fort" / "12-P-2-5.aiff")
    touch(tmp_path / wrapped_in / "Neutre" / "12-N-4.aiff")
    assert sorted(cafe.RECIPE.read(tmp_path)["class_id"]) == ["fear", "neutral"]


def test_cafe_takes_each_utterance_once_where_both_versions_lie(tmp_path: Path) -> None:
    touch(tmp_path / "CaFE_48k" / "Peur" / "Fort" / "12-P-2-5.wav")
    touch(tmp_path / "CaFE_192k_1" / "Peur" / "Fort" / "12-P-2-5.aiff")
    (path,) = cafe.RECIPE.read(tmp_path)["path"]
    assert path == str(tmp_path / "CaFE_48k" / "Peur" / "Fort" / "12-P-2-5.wav")


def test_cafe_with_accents_that_archivers_spoilt(tmp_path: Path) -> None:
    touch(tmp_path / "D‚goƒt" / "Fort" / "02-D-2-6.wav")
    touch(tmp_path / unicodedata.normalize("NFD", "Colère") / "Fort" / "02-C-2-6.wav")
    assert sorted(cafe.RECIPE.read(tmp_path)["class_id"]) == ["anger", "disgust"]


@each_corpus
def test_a_folder_further_up_is_refused_and_not_read_in_part(tmp_path: Path, tree: Tree) -> None:
    unpacked(tree, tmp_path / "unpacked")
    assert "does not look like" in refusal(tree.recipe, tmp_path)


def test_jl_corpus_is_read_once_although_its_archive_holds_it_twice(tmp_path: Path) -> None:
    for folder in (_JL, _JL.lower()):
        touch(tmp_path / folder / "male1_sad_1a_2.wav")
    (path,) = jl_corpus.RECIPE.read(tmp_path)["path"]
    assert path == str(tmp_path / _JL / "male1_sad_1a_2.wav")


@pytest.mark.parametrize("folder", [_JL.lower(), "."])
def test_jl_corpus_in_lower_case_or_from_its_inner_folder(tmp_path: Path, folder: str) -> None:
    touch(tmp_path / folder / "male1_sad_1a_2.wav")
    assert list(jl_corpus.RECIPE.read(tmp_path)["actor"]) == ["male1"]


def test_mesd_keeps_voices_apart_and_so_the_people_behind_them(tmp_path: Path) -> None:
    tree = next(tree for tree in TREES if tree.recipe is mesd.RECIPE)
    table = mesd.RECIPE.read(unpacked(tree, tmp_path))
    assert table["actor"].nunique() == mesd.RECIPE.expected_speakers
    assert table.groupby("actor")["gender"].nunique().max() == 1


def test_subesco_can_be_downloaded() -> None:
    (archive,) = subesco.RECIPE.archives
    assert archive.url.startswith("https://zenodo.org/records/4526477/files/")
    assert archive.name == "SUBESCO.zip"
