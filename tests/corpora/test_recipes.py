"""Recipes: names are read as published, and what does not belong is said; also on the real corpora, if there.

The real ones are looked for in the folder that the environment variable KSER_CORPORA names, else in
`../shared/corpora` beside the repository.
"""

import os
import re
from pathlib import Path

import pandas as pd
import pytest

from kser.corpora.metadata import read_metadata
from kser.corpora.preparing import difference_from_published, prepare
from kser.corpora.recipe import Recipe
from kser.corpora.recipes import RECIPES, recipe
from kser.corpora.splits import describe_split, speaker_split
from kser.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]
CORPORA = Path(os.environ.get("KSER_CORPORA", REPOSITORY.parent / "shared" / "corpora"))
REAL_FOLDERS = {"emodb": "EmoDB", "emovo": "EMOVO"}

MADE_UP_FILES = {
    "emodb": ["wav/03a01Fa.wav", "wav/08b10Wc.wav", "wav/16a07Tb.wav", "lablaut/03a01Fa.lablaut"],
    "emovo": ["f1/dis-f1-b1.wav", "f3/gio-f3-n5.wav", "m2/neu-m2-d2.wav", "documents.pdf"],
}
ROWS_OF_MADE_UP_FILES = {
    "emodb": [
        ["wav/03a01Fa.wav", "happiness", "03", "male", "a01", "a"],
        ["wav/08b10Wc.wav", "anger", "08", "female", "b10", "c"],
        ["wav/16a07Tb.wav", "sadness", "16", "female", "a07", "b"],
    ],
    "emovo": [
        ["f1/dis-f1-b1.wav", "disgust", "f1", "female", "b1"],
        ["f3/gio-f3-n5.wav", "joy", "f3", "female", "n5"],
        ["m2/neu-m2-d2.wav", "neutrality", "m2", "male", "d2"],
    ],
}


def made_up(folder: Path, name: str) -> Path:
    for file in MADE_UP_FILES[name]:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"sound")
    return folder


def refusal(*arguments) -> str:
    with pytest.raises(UserError) as error:
        prepare(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", RECIPES)
def test_names_are_read(tmp_path: Path, name: str) -> None:
    table = prepare(RECIPES[name], made_up(tmp_path, name), tmp_path / "metadata.csv")
    assert table.drop(columns="path").to_numpy().tolist() == ROWS_OF_MADE_UP_FILES[name]
    pd.testing.assert_frame_equal(table, read_metadata(tmp_path / "metadata.csv"))


@pytest.mark.parametrize("name", RECIPES)
def test_a_csv_elsewhere_finds_the_files_too(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up(tmp_path / "source", name)
    monkeypatch.chdir(tmp_path)
    prepare(RECIPES[name], "source", "data/metadata.csv")
    monkeypatch.chdir("/")
    assert len(read_metadata(tmp_path / "data/metadata.csv")) == 3


def test_emodb_from_its_inner_folder(tmp_path: Path) -> None:
    made_up(tmp_path, "emodb")
    table = prepare(RECIPES["emodb"], tmp_path / "wav", tmp_path / "metadata.csv")
    assert len(table) == 3


@pytest.mark.parametrize(
    ("name", "strange"),
    [
        ("emodb", "wav/17a01Fa.wav"),
        ("emodb", "wav/03a01Xa.wav"),
        ("emodb", "wav/test.WAV"),
        ("emovo", "f1/dis-f9-b1.wav"),
        ("emovo", "m1/xyz-m1-b1.flac"),
    ],
)
def test_unexpected_names_are_listed(tmp_path: Path, name: str, strange: str) -> None:
    made_up(tmp_path, name)
    (tmp_path / strange).parent.mkdir(exist_ok=True)
    (tmp_path / strange).write_bytes(b"sound")
    message = refusal(RECIPES[name], tmp_path, tmp_path / "metadata.csv")
    assert f"1 audio files have unexpected names: {tmp_path / strange};" in message
    assert not (tmp_path / "metadata.csv").exists()


@pytest.mark.parametrize("name", RECIPES)
def test_files_that_are_no_audio_are_passed_over(tmp_path: Path, name: str) -> None:
    made_up(tmp_path, name)
    for strange in ("notes.txt", ".DS_Store", "._03a01Fa.wav"):
        for folder in (tmp_path, (tmp_path / MADE_UP_FILES[name][0]).parent):
            (folder / strange).write_bytes(b"")
    assert len(prepare(RECIPES[name], tmp_path, tmp_path / "metadata.csv")) == 3


@pytest.mark.parametrize("name", RECIPES)
def test_another_folder_is_refused_with_the_layout(tmp_path: Path, name: str) -> None:
    (tmp_path / "song.wav").write_bytes(b"sound")
    (tmp_path / "corpus.zip").write_bytes(b"")
    csv_path = tmp_path / "metadata.csv"
    layout = RECIPES[name].layout
    assert f"{tmp_path}: does not look like" in refusal(RECIPES[name], tmp_path, csv_path)
    assert "no such folder" in refusal(RECIPES[name], tmp_path / "none", csv_path)
    assert "unpack it first" in refusal(RECIPES[name], tmp_path / "corpus.zip", csv_path)
    for source in (tmp_path, tmp_path / "none", tmp_path / "corpus.zip"):
        assert layout in refusal(RECIPES[name], source, csv_path)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    table = prepare(RECIPES["emovo"], made_up(tmp_path, "emovo"), tmp_path / "metadata.csv")
    assert difference_from_published(RECIPES["emovo"], table) == (
        "emovo: 3 utterances, 588 were published; no utterance of anger, fear, sadness, surprise"
    )


def test_recipe_by_name() -> None:
    assert recipe("EmoDB") is RECIPES["emodb"]
    with pytest.raises(UserError, match=re.escape("'emobd': did you mean 'emodb'? there are emodb, emovo")):
        recipe("emobd")
    with pytest.raises(UserError, match=re.escape("'xyz': there are emodb, emovo")):
        recipe("xyz")


@pytest.mark.parametrize("corpus", RECIPES.values(), ids=RECIPES)
def test_every_recipe_has_its_card(corpus: Recipe) -> None:
    card = (REPOSITORY / "data" / f"{corpus.name}.md").read_text(encoding="utf-8")
    assert f"kser data prepare {corpus.name} --source" in card
    assert str(corpus.expected_utterances) in card
    assert f"[{corpus.title}]" in (REPOSITORY / "data" / "README.md").read_text(encoding="utf-8")
    for text in (corpus.home_page, corpus.licence, corpus.citation, *corpus.classes):
        assert text in " ".join(card.split())


@pytest.mark.parametrize("name", REAL_FOLDERS)
def test_the_real_corpus(tmp_path: Path, name: str) -> None:
    folder = CORPORA / REAL_FOLDERS[name]
    if not folder.is_dir():
        pytest.skip(f"no {REAL_FOLDERS[name]} in {CORPORA}: set KSER_CORPORA")
    corpus = RECIPES[name]
    table = prepare(corpus, folder, tmp_path / "metadata.csv")
    assert difference_from_published(corpus, table) is None
    assert tuple(sorted(set(table["class_id"]))) == corpus.classes
    speakers = table.groupby("gender")["actor"].nunique()
    assert speakers["female"] == speakers["male"] == {"emodb": 5, "emovo": 3}[name]
    for seed in range(5):
        described = describe_split(table, speaker_split(table, 0.8, seed))
        assert described["speakers"].tolist() == {"emodb": [6, 2, 2], "emovo": [4, 1, 1]}[name]
        assert (described[list(corpus.classes)].to_numpy() > 0).all()
