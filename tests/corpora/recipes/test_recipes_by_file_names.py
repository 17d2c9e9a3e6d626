"""Recipes whose file names say all there is: small trees as published, and what each of them must give."""

import unicodedata
from pathlib import Path

import pytest

from kser.corpora.recipe import Recipe
from kser.corpora.recipes import cafe, jl_corpus, mesd, shemo, subesco
from kser.errors import UserError
from tests.corpora.recipes.named_trees import JL, TREES, Tree

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
    for folder in (JL, JL.lower()):
        touch(tmp_path / folder / "male1_sad_1a_2.wav")
    (path,) = jl_corpus.RECIPE.read(tmp_path)["path"]
    assert path == str(tmp_path / JL / "male1_sad_1a_2.wav")


@pytest.mark.parametrize("folder", [JL.lower(), "."])
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
