"""The head first, then the backbone from the top down; what is frozen stays frozen."""

import keras
import numpy as np
import pytest

from kser.errors import UserError
from kser.models import EmotionClassifier, LogMelBackbone
from kser.training.unfreezing import Unfreezing, trained_share
from tests.models.small_models import wav2vec2


@pytest.fixture
def model():
    backbone = LogMelBackbone(filters=[4, 4, 4], kernel_sizes=[3, 3, 3])
    return EmotionClassifier(backbone, ["slow", "fast"], use_batch_norm=True)


def trained_layers(model):
    """Names of the layers with weights that are trained."""
    return {path.split("/")[-2] for path in (weight.path for weight in model.trainable_variables)}


HEAD = {"batch_norm", "logits"}


def test_layers_join_from_the_top_down(model):
    unfreezing = Unfreezing(model, model.backbone.layer_groups(), 7.5, eval_steps=5)
    # The first evaluations at or after 7.5, 15, 22.5 and 30; at last what is below the convolutions.
    assert unfreezing.boundaries == [0, 10, 15, 25, 30]
    seen = []
    for update in unfreezing.boundaries:
        unfreezing.apply(update)
        seen.append(trained_layers(model))
    layers = [{f"convolution_{number}", f"norm_{number}"} for number in (2, 1, 0)]
    assert seen == [
        HEAD,
        HEAD | layers[0],
        HEAD | layers[0] | layers[1],
        HEAD | layers[0] | layers[1] | layers[2],
        HEAD | layers[0] | layers[1] | layers[2] | {"band_norm"},
    ]


def test_between_boundaries_nothing_changes(model):
    unfreezing = Unfreezing(model, model.backbone.layer_groups(), 10, eval_steps=5)
    unfreezing.apply(19)
    before = trained_layers(model)
    unfreezing.apply(10)
    assert trained_layers(model) == before
    assert [unfreezing.next_boundary(update, 25) for update in (0, 9, 10, 19, 20, 24)] == [
        10,
        10,
        20,
        20,
        25,
        25,
    ]
    assert unfreezing.last_boundary(25) == 20


def test_norms_of_what_is_not_trained_keep_their_statistics(model):
    unfreezing = Unfreezing(model, model.backbone.layer_groups(), 10, eval_steps=5)
    unfreezing.apply(10)
    norms = {name: model.backbone.get_layer(name) for name in ("norm_2", "norm_1")}
    inputs = np.random.default_rng(0).normal(3.0, size=(2, 8, 4)).astype("float32")
    for norm in norms.values():
        norm(inputs, training=True)
    moved = {name: bool(np.any(keras.ops.convert_to_numpy(norm.moving_mean))) for name, norm in norms.items()}
    assert moved == {"norm_2": True, "norm_1": False}


def test_what_is_frozen_stays_so_and_costs_no_stage(model):
    model.backbone.freeze_layers(2)
    unfreezing = Unfreezing(model, model.backbone.layer_groups(), 10, eval_steps=5)
    assert unfreezing.boundaries == [0, 10]
    unfreezing.apply(1000)
    assert trained_layers(model) == {*HEAD, "convolution_2", "norm_2"}


def test_of_a_transformer_the_rest_of_the_backbone_joins_last():
    backbone = wav2vec2()
    backbone.freeze_feature_encoder()
    model = EmotionClassifier(backbone, ["slow", "fast"])
    groups = backbone.layer_groups()
    assert sum(map(len, groups)) == len(backbone.weights)
    unfreezing = Unfreezing(model, groups, 10, eval_steps=10)
    layers = backbone.num_layers
    assert unfreezing.boundaries == [10 * number for number in range(layers + 2)]
    unfreezing.apply(10 * layers)
    assert not any("feature_projection" in weight.path for weight in model.trainable_variables)
    unfreezing.apply(10 * layers + 10)
    paths = [weight.path for weight in model.trainable_variables]
    assert any("feature_projection" in path for path in paths)
    assert not any("feature_encoder" in path for path in paths)


def test_the_share_of_what_is_trained(model):
    numbers = model.count_params()
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trained_share(model) == (trainable, numbers)
    unfreezing = Unfreezing(model, model.backbone.layer_groups(), 10, eval_steps=5)
    assert unfreezing.trained_share(updates=100) == (trainable, numbers)
    unfreezing.apply(0)
    head = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert unfreezing.trained_share(updates=10) == trained_share(model) == (head, numbers)


def test_a_run_too_short_for_any_layer_is_refused(model):
    unfreezing = Unfreezing(model, model.backbone.layer_groups(), 3, eval_steps=50)
    unfreezing.check_that_something_joins(51)
    with pytest.raises(UserError, match=r"join at update 50 .* ends at update 50"):
        unfreezing.check_that_something_joins(50)
    Unfreezing(model, model.backbone.layer_groups(), None, eval_steps=50).check_that_something_joins(1)
