"""EmoDB and EMOVO, also on the real recordings if they are there, and the laws that every recipe keeps.

The real ones are looked for in the folder that the environment variable KSER_CORPORA names, else in
`../shared/corpora` beside the repository.
"""

import json
import os
import pkgutil
import re
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest

from kser.corpora import recipes
from kser.corpora.archives import is_archive
from kser.corpora.metadata import read_metadata
from kser.corpora.preparing import difference_from_published, prepare
from kser.corpora.recipe import Recipe
from kser.corpora.recipes import RECIPES, recipe
from kser.corpora.splits import describe_split, speaker_split
from kser.errors import UserError
from tests.corpora.made_up_corpora import write_tree

REPOSITORY = Path(__file__).resolve().parents[2]
CORPORA = Path(os.environ.get("KSER_CORPORA", REPOSITORY.parent / "shared" / "corpora"))
REAL_FOLDERS = {"emodb": "EmoDB", "emovo": "EMOVO"}
# As the corpora's papers and pages count them.
REAL_COUNTS = {
    "emodb": {
        "anger": 127,
        "boredom": 81,
        "disgust": 46,
        "fear": 69,
        "happiness": 71,
        "neutral": 79,
        "sadness": 62,
    },
    "emovo": dict.fromkeys(RECIPES["emovo"].classes, 84),
}

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
    return write_tree(folder, MADE_UP_FILES[name])


def refusal(*arguments) -> str:
    with pytest.raises(UserError) as error:
        prepare(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", MADE_UP_FILES)
def test_names_are_read(tmp_path: Path, name: str) -> None:
    table = prepare(RECIPES[name], made_up(tmp_path, name), tmp_path / "metadata.csv")
    assert table.drop(columns="path").to_numpy().tolist() == ROWS_OF_MADE_UP_FILES[name]
    pd.testing.assert_frame_equal(table, read_metadata(tmp_path / "metadata.csv"))


@pytest.mark.parametrize("name", MADE_UP_FILES)
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


@pytest.mark.parametrize("name", MADE_UP_FILES)
def test_files_that_are_no_audio_are_passed_over(tmp_path: Path, name: str) -> None:
    made_up(tmp_path, name)
    for strange in ("notes.txt", ".DS_Store", "._03a01Fa.wav"):
        for folder in (tmp_path, (tmp_path / MADE_UP_FILES[name][0]).parent):
            (folder / strange).write_bytes(b"")
    assert len(prepare(RECIPES[name], tmp_path, tmp_path / "metadata.csv")) == 3


@pytest.mark.parametrize("name", MADE_UP_FILES)
def test_another_folder_is_refused_with_the_layout(tmp_path: Path, name: str) -> None:
    (tmp_path / "song.wav").write_bytes(b"sound")
    (tmp_path / "corpus.rar").write_bytes(b"")
    csv_path = tmp_path / "metadata.csv"
    layout = RECIPES[name].layout
    assert f"{tmp_path}: does not look like" in refusal(RECIPES[name], tmp_path, csv_path)
    assert "folder or archive not found" in refusal(RECIPES[name], tmp_path / "none", csv_path)
    assert "unpack it first" in refusal(RECIPES[name], tmp_path / "corpus.rar", csv_path)
    for source in (tmp_path, tmp_path / "none", tmp_path / "corpus.rar"):
        assert layout in refusal(RECIPES[name], source, csv_path)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    table = prepare(RECIPES["emovo"], made_up(tmp_path, "emovo"), tmp_path / "metadata.csv")
    assert difference_from_published(RECIPES["emovo"], table) == (
        "emovo: 3 utterances, 588 were published; 3 speakers, 6 were published; "
        "no utterance of anger, fear, sadness, surprise"
    )


def test_recipe_by_name() -> None:
    assert recipe("EmoDB") is RECIPES["emodb"]
    names = ", ".join(RECIPES)
    with pytest.raises(UserError, match=re.escape(f"'emobd' (did you mean 'emodb'?); there are {names}")):
        recipe("emobd")
    with pytest.raises(UserError, match=re.escape(f"'xyz'; there are {names}")):
        recipe("xyz")


def test_every_recipe_is_listed_under_the_name_of_its_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(recipes.__path__)}
    with_recipe = {name for name in modules if hasattr(getattr(recipes, name, None), "RECIPE")}
    assert list(RECIPES) == sorted(with_recipe)
    assert all(getattr(recipes, name).RECIPE is corpus for name, corpus in RECIPES.items())
    # Modules without a RECIPE hold what two corpora share.
    sources = {name: Path(recipes.__path__[0], f"{name}.py").read_text(encoding="utf-8") for name in modules}
    assert {name for name, source in sources.items() if re.search("^RECIPE = ", source, re.M)} == with_recipe


@pytest.mark.parametrize("corpus", RECIPES.values(), ids=RECIPES)
class TestEveryRecipe:
    """Laws that a recipe keeps, whoever writes it."""

    def test_its_facts_are_there(self, corpus: Recipe) -> None:
        assert re.fullmatch("[a-z][a-z0-9_]*", corpus.name)
        for field in ("title", "short_title", "citation", "licence", "language", "layout"):
            text = getattr(corpus, field)
            assert text == " ".join(text.split())
            assert text
        assert re.search(r"\b(19|20)[0-9]{2}\b", corpus.citation), "no year"
        assert urlsplit(corpus.home_page).scheme in ("http", "https")
        assert urlsplit(corpus.home_page).netloc
        assert corpus.sampling_rate_hz is None or 8_000 <= corpus.sampling_rate_hz <= 192_000
        assert corpus.expected_utterances >= corpus.expected_speakers >= 1

    def test_its_classes_are_emotions_in_order(self, corpus: Recipe) -> None:
        assert len(corpus.classes) >= 2
        assert list(corpus.classes) == sorted({name.strip().lower() for name in corpus.codes.values()})

    def test_it_says_what_it_was_run_on(self, corpus: Recipe) -> None:
        assert corpus.verified == (corpus.name in REAL_FOLDERS)

    def test_its_archives_can_be_verified(self, corpus: Recipe) -> None:
        names = [archive.name for archive in corpus.archives]
        assert len(set(names)) == len(names)
        for archive in corpus.archives:
            assert urlsplit(archive.url).scheme == "https"
            assert is_archive(archive.name)
            assert archive.size_bytes > 0
            assert re.fullmatch("md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", archive.checksum)
            assert not Path(archive.unpack_into).is_absolute()
            assert ".." not in Path(archive.unpack_into).parts

    @pytest.mark.parametrize("files", [[], ["song.wav", "notes.txt"]], ids=["empty", "other files"])
    def test_another_folder_is_refused(self, corpus: Recipe, tmp_path: Path, files: list[str]) -> None:
        write_tree(tmp_path, files)
        said = refusal(corpus, tmp_path, tmp_path / "out" / "metadata.csv")
        assert f"does not look like {corpus.short_title}, which is" in said
        assert said.startswith(f"{tmp_path}: ")
        assert corpus.layout in said
        assert not (tmp_path / "out").exists()

    def test_it_has_a_card(self, corpus: Recipe) -> None:
        card = (REPOSITORY / "data" / f"{corpus.name}.md").read_text(encoding="utf-8")
        assert f"kser data prepare {corpus.name} --" in card
        assert str(corpus.expected_utterances) in card
        assert f"[{corpus.title}]({corpus.name}.md)" in (REPOSITORY / "data" / "README.md").read_text(
            encoding="utf-8"
        )
        for text in (corpus.home_page, corpus.licence, corpus.citation, *corpus.classes):
            assert text in " ".join(card.split())


@pytest.mark.thorough
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
    report = json.loads((tmp_path / "metadata_report.json").read_text(encoding="utf-8"))
    assert report["recordings"]["found"] == report["utterances"] == corpus.expected_utterances
    assert (report["unreadable"], report["duplicates"], report["other_audio_files"]) == ({}, [], 0)
    assert {name: group["utterances"] for name, group in report["classes"].items()} == REAL_COUNTS[name]
    assert all(speaker["gender"] in ("female", "male") for speaker in report["by_speaker"].values())
    assert 1.0 < report["durations"]["min_s"] < report["durations"]["median_s"] < 4.0
    for seed in range(5):
        described = describe_split(table, speaker_split(table, 0.8, seed))
        assert described["speakers"].tolist() == {"emodb": [6, 2, 2], "emovo": [4, 1, 1]}[name]
        assert (described[list(corpus.classes)].to_numpy() > 0).all()
