"""Backbones by name: what the arguments of a model JSON may be."""

from typing import Any

import pytest

from kser.errors import UserError
from kser.models import LogMelBackbone, Wav2Vec2Backbone
from kser.models.building import build_backbone
from kser.models.families import scratch_backbones
from tests.golden import golden_folder


def test_arguments_take_the_place_of_the_class_and_of_the_checkpoint():
    scratch = build_backbone("scratch:log_mel", {"filters": [4], "kernel_sizes": [3]})
    assert isinstance(scratch, LogMelBackbone)
    assert scratch.filters == [4]
    published = build_backbone(str(golden_folder("group_norm")), {"dropout": 0.4})
    assert isinstance(published, Wav2Vec2Backbone)
    assert published.dropout == 0.4
    assert published.hidden_dim == 32
    assert published.spec_augment is not None
    assert build_backbone(str(golden_folder("group_norm")), {"spec_augment": None}).spec_augment is None


SMALL = {"num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32}
# What a family has besides.
FURTHER = {
    "scratch:wavlm": {"num_buckets": 8, "max_distance": 6},
    "scratch:data2vec_audio": {"position_depth": 1},
    "scratch:whisper": {"max_frames": 20},
    "scratch:moonshine": {"rotary_dim": 6},
}


@pytest.mark.parametrize("name", [name for name in scratch_backbones() if name != "scratch:log_mel"])
def test_every_family_starts_from_random_weights_of_any_size(name: str) -> None:
    arguments: dict[str, Any] = {**SMALL, **FURTHER.get(name, {})}
    if name not in ("scratch:whisper", "scratch:moonshine"):
        arguments |= {"filters": [8] * 7, "position_kernel_size": 5, "position_groups": 2}
    backbone = build_backbone(name, arguments)
    family = name.removeprefix("scratch:").replace("_", "-")
    assert type(backbone).model_types == (family,)
    assert backbone.hidden_dim == 16
    assert len(backbone.hidden_states) == 2


def test_an_architecture_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UserError, match="scratch:wavml: unknown architecture; known are scratch:data2vec"):
        build_backbone("scratch:wavml")


@pytest.mark.parametrize("name", ["scratch:wav2vec2", str(golden_folder("group_norm"))])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"droput": 0.1}, "has no argument droput; did you mean dropout"),
        ({"num_layers": -1}, "num_layers: must be at least 1, got -1"),
        ({"position_groups": 0}, "position_groups: must be at least 1, got 0"),
        ({"dropout": 1.5}, "dropout: must be at least 0 and below 1, got 1.5"),
        ({"filters": [8, "a"]}, "backbone_arguments"),
    ],
)
def test_arguments_that_make_no_sense_are_told(name, arguments, message):
    with pytest.raises(UserError) as refused:
        build_backbone(name, arguments)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
