"""Short names of published checkpoints: the table, KerasHub's list of presets, and loading by name."""

import json
import logging
import os
import re
import shutil
from pathlib import Path

import keras_hub
import pytest

from kser.checkpoints.hub import HubFiles
from kser.checkpoints.locate import checkpoint_files
from kser.checkpoints.named_checkpoints import (
    NAMED_CHECKPOINTS,
    NEWEST,
    NamedCheckpoint,
    named_checkpoint,
)
from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.errors import UserError
from kser.models import (
    Data2VecAudioBackbone,
    HubertBackbone,
    LogMelBackbone,
    SpeechBackbone,
    UniSpeechBackbone,
    Wav2Vec2Backbone,
    preset_loader,
)
from kser.models.published_presets import published_presets
from tests.golden import golden_folder

BY_NAME = pytest.mark.parametrize("checkpoint", NAMED_CHECKPOINTS.values(), ids=NAMED_CHECKPOINTS)
# The checkpoints of the study that VALIDITY.md gives numbers of.
STUDY = {
    "jonatasgrosman/wav2vec2-large-xlsr-53-italian",
    "facebook/wav2vec2-large-xlsr-53",
    "jonatasgrosman/exp_w2v2t_it_hubert_s722",
    "facebook/hubert-large-ll60k",
}


@BY_NAME
def test_entry(checkpoint: NamedCheckpoint) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]+", checkpoint.name)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", checkpoint.repository)
    assert checkpoint.revision == NEWEST or re.fullmatch("[0-9a-f]{40}", checkpoint.revision)
    assert re.fullmatch(r"\d{4}\.\d{5}", checkpoint.paper)
    assert checkpoint.sampling_rate_hz == 16_000
    assert checkpoint.licence
    files = checkpoint_files(checkpoint.name)
    assert isinstance(files, HubFiles)
    assert (files.name, files.repository, files.revision) == (
        checkpoint.name,
        checkpoint.repository,
        checkpoint.revision,
    )


def test_every_checkpoint_has_one_name_and_every_commit_is_of_one_checkpoint() -> None:
    checkpoints = list(NAMED_CHECKPOINTS.values())
    assert len({checkpoint.repository for checkpoint in checkpoints}) == len(checkpoints)
    commits = [checkpoint.revision for checkpoint in checkpoints if checkpoint.revision != NEWEST]
    assert len(set(commits)) == len(commits)
    assert {checkpoint.repository for checkpoint in checkpoints} >= STUDY


def test_commercial_use() -> None:
    forbidden = {name for name, checkpoint in NAMED_CHECKPOINTS.items() if checkpoint.forbids_commercial_use}
    owners = {NAMED_CHECKPOINTS[name].repository.split("/")[0] for name in forbidden}
    assert forbidden >= {"mms_300m", "wav2vec2_large_robust_emotion"}
    assert owners == {"facebook", "audeering"}
    assert not named_checkpoint("hubert_base").forbids_commercial_use
    assert NamedCheckpoint("a", "a/b", "wav2vec2", 1, "cc-by-nc", "0000.00000").forbids_commercial_use


@pytest.mark.parametrize(
    "name",
    [
        "mms_300m",
        "facebook/mms-300m",
        "hf://facebook/mms-300m",
        "facebook/mms-300m@main",
        "Facebook/MMS-300m",
    ],
)
def test_checkpoint_is_known_by_any_of_its_names(name: str) -> None:
    assert named_checkpoint(name) is NAMED_CHECKPOINTS["mms_300m"]


@pytest.mark.parametrize("name", ["mms_300", "facebook/mms-300m-2", "somebody/mms-300m", "", "./mms_300m"])
def test_checkpoint_that_is_not_known(name: str) -> None:
    assert named_checkpoint(name) is None


def test_name_that_is_nearly_one() -> None:
    with pytest.raises(UserError, match=r"^wavlm_bas: folder not found, .*; did you mean wavlm_base\?$"):
        SpeechBackbone.from_preset("wavlm_bas")


def published_configs() -> list[Path]:
    folder = Path(os.environ.get("KSER_CHECKPOINTS", Path(__file__).parents[3] / "shared" / "checkpoints"))
    # An encoder that was cut out of a published model has fewer parameters than that.
    return sorted(path for path in folder.glob("*/config.json") if not path.parent.name.endswith("-encoder"))


@pytest.mark.parametrize("path", published_configs(), ids=lambda path: path.parent.name)
def test_parameters_are_those_of_the_published_configuration(path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    known = named_checkpoint(path.parent.name.replace("__", "/"))
    assert known is not None
    fields = json.loads(path.read_text())
    config = transformers.AutoConfig.for_model(fields.pop("model_type"), **fields)
    assert known.model_type == config.model_type
    with torch.device("meta"):  # shapes without memory
        model = transformers.AutoModel.from_config(config)
    assert known.parameters == model.num_parameters()


def test_keras_hub_lists_them_for_the_classes_that_load_them() -> None:
    assert set(HubertBackbone.presets) == set(published_presets(("hubert",)))
    assert "distilhubert" in HubertBackbone.presets
    assert set(UniSpeechBackbone.presets) == {"unispeech_large_1500h_cv"}
    assert set(Wav2Vec2Backbone.presets) >= {"wav2vec2_base", "mms_300m", *UniSpeechBackbone.presets}
    assert "hubert_base" not in Wav2Vec2Backbone.presets
    assert set(SpeechBackbone.presets) == set(NAMED_CHECKPOINTS)
    assert LogMelBackbone.presets == {}
    metadata = Data2VecAudioBackbone.presets["data2vec_audio_base"]["metadata"]
    assert metadata["licence"] == "apache-2.0"
    assert metadata["sampling_rate"] == 16_000
    assert metadata["revision"] == "main"
    assert metadata["paper"] == "https://arxiv.org/abs/2202.03555"
    assert metadata["params"] == 93_164_288


def test_no_name_is_one_of_keras_hub_itself() -> None:
    for name in NAMED_CHECKPOINTS:
        holders = [
            cls.__name__
            for cls in (keras_hub.models.WhisperBackbone, keras_hub.models.MoonshineBackbone)
            if name in cls.presets
        ]
        assert holders == []


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The hub's cache holds a small model as `mms_300m`, and there is no network."""
    checkpoint = NAMED_CHECKPOINTS["mms_300m"]
    snapshot = tmp_path / "cache" / "models--facebook--mms-300m" / "snapshots" / checkpoint.revision
    shutil.copytree(golden_folder("with_head"), snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    preset_loader.warn_of_licence.cache_clear()


@pytest.mark.usefixtures("cached")
def test_loading_by_name_takes_the_pinned_revision_and_tells_the_licence_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            assert type(SpeechBackbone.from_preset("mms_300m")) is Wav2Vec2Backbone
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["mms_300m: its licence, cc-by-nc-4.0, forbids commercial use"]
    heads = [record.getMessage() for record in caplog.records if "without its head" in record.getMessage()]
    assert heads == ["mms_300m: without its head: classifier (2), projector (2)"] * 2


@pytest.mark.usefixtures("cached")
def test_without_a_network_the_line_names_repository_and_revision() -> None:
    with pytest.raises(UserError) as refusal:
        SpeechBackbone.from_preset("hubert_base")
    line = str(refusal.value)
    assert line.startswith("hubert_base: folder not found, the Hugging Face hub cannot be reached (")
    assert f"download facebook/hubert-base-ls960 at {NAMED_CHECKPOINTS['hubert_base'].revision} where" in line


@pytest.mark.usefixtures("cached")
def test_a_folder_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(golden_folder("hubert"), tmp_path / "mms_300m")
    assert PublishedCheckpoint("mms_300m").model_type == "hubert"


def test_xlarge_has_48_layers(tmp_path: Path) -> None:
    """The published configuration of hubert-xlarge-ll60k, with few channels; random weights."""
    config = {
        "model_type": "hubert",
        "num_hidden_layers": 48,
        "hidden_size": 32,
        "num_attention_heads": 16,
        "intermediate_size": 40,
        "conv_dim": [8] * 7,
        "conv_bias": True,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "num_conv_pos_embeddings": 128,
        "num_conv_pos_embedding_groups": 16,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    backbone = SpeechBackbone.from_preset(tmp_path, load_weights=False)
    assert type(backbone) is HubertBackbone
    assert backbone.num_layers == 48
    assert len(backbone.hidden_states) == 49


@pytest.mark.thorough
def test_adapters_of_mms_are_refused(tmp_path: Path) -> None:
    """What config.json of facebook/mms-1b-all says of its adapters, one for each language."""
    fields = json.loads((golden_folder("layer_norm") / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**fields, "adapter_attn_dim": 16}))
    with pytest.raises(
        UserError, match=r"adapter_attn_dim is 16; adapters are not supported; load the model"
    ):
        SpeechBackbone.from_preset(tmp_path)
