"""Backbones by name: what the arguments of a model JSON may be."""

import pytest

from kser.errors import UserError
from kser.models import LogMelBackbone, Wav2Vec2Backbone
from kser.models.building import build_backbone
from tests.golden import golden_folder


def test_arguments_take_the_place_of_the_class_and_of_the_checkpoint():
    scratch = build_backbone("scratch:log_mel", {"filters": [4], "kernel_sizes": [3]})
    assert isinstance(scratch, LogMelBackbone)
    assert scratch.filters == [4]
    published = build_backbone(str(golden_folder("group_norm")), {"dropout": 0.4})
    assert isinstance(published, Wav2Vec2Backbone)
    assert published.dropout == 0.4
    assert published.hidden_dim == 32


@pytest.mark.parametrize("name", ["scratch:wav2vec2", str(golden_folder("group_norm"))])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"droput": 0.1}, "has no argument droput; did you mean dropout"),
        ({"num_layers": -1}, "num_layers: wants at least 1, not -1"),
        ({"position_groups": 0}, "position_groups: wants at least 1, not 0"),
        ({"dropout": 1.5}, "dropout: wants 0 ≤ share < 1, not 1.5"),
        ({"filters": [8, "a"]}, "backbone_arguments"),
    ],
)
def test_arguments_that_make_no_sense_are_told(name, arguments, told):
    with pytest.raises(UserError) as refused:
        build_backbone(name, arguments)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
