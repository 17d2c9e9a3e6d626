"""Checkpoints on the hub: only what is needed is downloaded, and without a network the cache serves."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from kser.checkpoints.hub import HubFiles
from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError
from tests.checkpoints.fake_hub import COMMITS, REPOSITORY, FakeHub

CONFIG = b'{"model_type": "wav2vec2"}'
EXTRACTOR = b'{"do_normalize": false}'
INDEX = json.dumps({"weight_map": {"a": "model-1.safetensors", "head": "model-2.safetensors"}}).encode()


def weights(value: float, name: str = "a") -> bytes:
    return save({name: np.array([value], np.float32)})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    fake = FakeHub()
    fake.files = {
        "main": {
            "README.md": b"# Small",
            "config.json": CONFIG,
            "preprocessor_config.json": EXTRACTOR,
            "pytorch_model.bin": b"not read",
            "model.safetensors": weights(1),
            "tf_model.h5": b"not read",
        },
        "older": {"config.json": CONFIG, "model.safetensors": weights(2)},
    }
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", fake.endpoint)
    template = f"{fake.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("kser.checkpoints.hub.SILENCE_S", 0.0)
    yield fake
    fake.close()


def go_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def load(name: str = REPOSITORY) -> tuple[dict, float]:
    """The feature extractor and the one number in the weights."""
    checkpoint = PublishedCheckpoint(name)
    return checkpoint.feature_extractor_config(), float(checkpoint.tensor("a")[0])


def refusal(name: str = REPOSITORY) -> str:
    with pytest.raises(UserError) as refused:
        load(name)
    line = str(refused.value)
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize("name", [REPOSITORY, f"hf://{REPOSITORY}", f"{REPOSITORY}@main"])
def test_only_what_is_needed_is_downloaded(hub: FakeHub, name: str) -> None:
    assert load(name) == ({"do_normalize": False}, 1.0)
    assert hub.downloads == ["config.json", "preprocessor_config.json", "model.safetensors"]


def test_nothing_is_downloaded_twice(hub: FakeHub) -> None:
    assert load() == load()
    assert len(hub.downloads) == 3


def test_downloads_may_take_longer_than_the_answer(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    files = HubFiles(REPOSITORY)
    assert files.has("config.json")
    monkeypatch.setattr("kser.checkpoints.hub.ANSWER_S", 0.1)
    hub.slow_files_s = 0.15
    path = files.find("config.json")
    assert path is not None
    assert path.read_bytes() == CONFIG


@pytest.mark.parametrize("revision", ["older", COMMITS["older"]])
def test_revision(hub: FakeHub, revision: str) -> None:
    hub.files[COMMITS["older"]] = hub.files["older"]
    assert load(f"{REPOSITORY}@{revision}") == ({}, 2.0)
    assert load(f"hf://{REPOSITORY}@{revision}") == ({}, 2.0)
    assert hub.downloads == ["config.json", "model.safetensors"]


def test_only_the_shards_with_tensors_that_are_read_are_downloaded(hub: FakeHub) -> None:
    hub.files["main"] = {
        "config.json": CONFIG,
        "model.safetensors.index.json": INDEX,
        "model-1.safetensors": weights(3),
        "model-2.safetensors": weights(4, "head"),
    }
    assert load() == ({}, 3.0)
    assert hub.downloads == ["config.json", "model.safetensors.index.json", "model-1.safetensors"]


def test_every_shard_is_downloaded_for_another_program(hub: FakeHub) -> None:
    hub.files["main"] = {
        "config.json": CONFIG,
        "model.safetensors.index.json": INDEX,
        "model-1.safetensors": weights(3),
        "model-2.safetensors": weights(4, "head"),
        "pytorch_model.bin": b"not read",
    }
    folder = PublishedCheckpoint(REPOSITORY).local_folder()
    assert folder.name == COMMITS["main"]
    found = {path.name for path in folder.iterdir()}
    assert found == {*hub.files["main"]} - {"pytorch_model.bin"}


@pytest.mark.parametrize("how", ["", "closed"])
def test_weights_that_are_not_read_are_known_as_far_as_the_hub_answers(
    hub: FakeHub, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    if how:
        disconnect(hub, how, monkeypatch)
    checkpoint = PublishedCheckpoint(REPOSITORY)
    assert checkpoint.weights_path.name == "model.safetensors"
    assert checkpoint.other_weights_files() == ([] if how else ["pytorch_model.bin"])


def test_shard_that_the_repository_lacks(hub: FakeHub) -> None:
    hub.files["main"] = {
        "config.json": CONFIG,
        "model.safetensors.index.json": INDEX,
        "model-1.safetensors": b"",
    }
    with pytest.raises(
        UserError, match=r"names the shards model-2\.safetensors, which kser-tests/small does not"
    ):
        load()


def test_repository_without_weights(hub: FakeHub) -> None:
    hub.files["main"] = {"config.json": CONFIG, "tf_model.h5": b""}
    assert "has no model.safetensors (nor " in refusal()


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("RepoNotFound", "found neither as a folder nor as a repository on the Hugging Face hub"),
        ("GatedRepo", "access is granted by its owner: request it at"),
        ("RevisionNotFound", "the repository has no revision main"),
    ],
)
def test_what_the_hub_says_about_a_repository(hub: FakeHub, trouble: str, says: str) -> None:
    hub.trouble = trouble
    assert says in refusal()
    hub.trouble = ""  # an answer is no silence: the hub is asked again
    load()


def test_revision_that_is_not_there(hub: FakeHub) -> None:
    assert "the repository has no revision v7" in refusal(f"{REPOSITORY}@v7")


@pytest.mark.parametrize("revision", ["", "../main", "a b", "a//b", "/a"])
def test_what_is_no_revision(revision: str) -> None:
    with pytest.raises(UserError, match="what follows @ is not a revision"):
        HubFiles(f"{REPOSITORY}@{revision}")


def disconnect(hub: FakeHub, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "HF_HUB_OFFLINE":
        go_offline(monkeypatch)
    elif how == "closed":
        hub.close()
    else:
        monkeypatch.setattr("kser.checkpoints.hub.ANSWER_S", 0.1)
        hub.trouble = how


WAYS = {
    "HF_HUB_OFFLINE": "HF_HUB_OFFLINE is set",
    "closed": "Connection refused",
    "hang": "no answer within 0.1 s|timed out",
    "page": "",
    "503": "it answers with status 503",
}


@pytest.mark.parametrize("how", WAYS)
def test_cache_serves_without_an_answer(hub: FakeHub, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    online = load()
    disconnect(hub, how, monkeypatch)
    assert load() == online


def test_cache_knows_which_files_a_repository_does_not_have(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{REPOSITORY}@older"
    online = load(name)
    disconnect(hub, "HF_HUB_OFFLINE", monkeypatch)
    assert load(name) == online == ({}, 2.0)


@pytest.mark.parametrize("how", WAYS)
def test_one_line_says_what_to_do_without_an_answer_and_without_a_cache(
    hub: FakeHub, how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disconnect(hub, how, monkeypatch)
    line = refusal()
    assert any(reason in line for reason in WAYS[how].split("|"))
    assert f"its cache {tmp_path / 'cache'} lacks config.json" in line
    assert f"download {REPOSITORY} where there is a network (config.json, preprocessor_config.json" in line
    assert f"{hub.endpoint}/{REPOSITORY}/tree/main) into a folder and give its path" in line


def test_line_names_the_weights_that_the_cache_lacks(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    PublishedCheckpoint(f"{REPOSITORY}@older").feature_extractor_config()
    disconnect(hub, "closed", monkeypatch)
    line = refusal(f"{REPOSITORY}@older")
    assert "lacks model.safetensors; download" in line
    assert f"download {REPOSITORY} at older where" in line


def test_shards_that_the_cache_lacks(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.files["main"] = {
        "config.json": CONFIG,
        "model.safetensors.index.json": INDEX,
        "model-1.safetensors": weights(3),
        "model-2.safetensors": weights(4, "head"),
    }
    load()
    disconnect(hub, "closed", monkeypatch)
    assert load() == ({}, 3.0)  # nothing of it is read
    with pytest.raises(UserError, match=r"lacks model-2\.safetensors; download"):
        PublishedCheckpoint(REPOSITORY).local_folder()


def test_a_hub_that_was_silent_is_not_asked_at_every_file(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    disconnect(hub, "503", monkeypatch)
    asked = hub.questions
    load()
    load()
    assert hub.questions == asked + 2  # once for each checkpoint
    monkeypatch.setattr("kser.checkpoints.hub.SILENCE_S", 60.0)
    asked = hub.questions
    load()
    load()
    assert hub.questions == asked + 1


def test_a_commit_in_the_cache_needs_no_hub(hub: FakeHub) -> None:
    hub.files[COMMITS["older"]] = {**hub.files["older"], "preprocessor_config.json": EXTRACTOR}
    name = f"{REPOSITORY}@{COMMITS['older']}"
    online = load(name)
    asked = hub.questions
    assert load(name) == online
    assert hub.questions == asked


def test_file_that_vanishes_after_it_was_listed(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    files = HubFiles(REPOSITORY)
    assert files.has("config.json")
    assert not files.has("vocab.json")
    hub.trouble = "GatedRepo"
    with pytest.raises(UserError, match="access is granted by its owner"):
        files.find("config.json")


def test_every_file_of_a_preset(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.files["main"] |= {"assets/labels.txt": b"anger", "model.weights.h5": b"", "sound.wav": b""}
    folder = HubFiles(REPOSITORY).fetch("*.json", "model.weights.h5", "assets/*")
    expected = ["assets/labels.txt", "config.json", "model.weights.h5", "preprocessor_config.json"]
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == expected
    disconnect(hub, "closed", monkeypatch)
    assert HubFiles(REPOSITORY).fetch("*.json") == folder


def test_revision_of_a_preset_that_kerashub_wrote(hub: FakeHub, tmp_path: Path) -> None:
    from kser.models import SpeechBackbone
    from tests.models.small_models import log_mel

    saved = log_mel()
    saved.save_to_preset(str(tmp_path / "preset"))
    hub.files["older"] = {path.name: path.read_bytes() for path in (tmp_path / "preset").iterdir()}
    loaded = SpeechBackbone.from_preset(f"{REPOSITORY}@older")
    assert loaded.get_config() == saved.get_config()
    for one, other in zip(loaded.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
