"""Low-rank adaptation: what learns, what is saved, and that a run with it continues exactly."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kser.errors import UserError
from kser.models import EmotionClassifier
from tests.models.small_families import FAMILIES
from tests.models.small_models import classifier, log_mel, waveforms

TRAINING = (waveforms(400, 330, 280, 250), np.array([0, 1, 2, 1]))


def adapted(name: str = "wavlm", **lora) -> EmotionClassifier:
    """A compiled classifier of that family with LoRA."""
    keras.utils.set_random_seed(0)
    backbone = FAMILIES[name]()
    backbone.enable_lora(**{"rank": 2, **lora})
    model = classifier(backbone, use_relu=False)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.AdamW(1e-2), loss=loss)
    return model


def logits(model: keras.Model) -> np.ndarray:
    return np.asarray(model.predict_on_batch(TRAINING[0]))


@pytest.mark.parametrize("name", FAMILIES)
def test_of_the_backbone_the_small_matrices_alone_learn(name: str) -> None:
    backbone = FAMILIES[name]()
    backbone.enable_lora(2)
    learning = {variable.path for variable in backbone.trainable_variables}
    assert learning == {
        f"transformer_layer_{layer}/attention/{target}/lora_kernel_{part}"
        for layer in (0, 1)
        for target in ("query", "value")
        for part in "ab"
    }


@pytest.mark.thorough
def test_before_training_nothing_has_changed_and_the_head_learns() -> None:
    model, plain = adapted(), classifier(FAMILIES["wavlm"](), use_relu=False)
    frozen = [weight for weight in model.weights if "lora" not in weight.path]
    for ours, theirs in zip(frozen, plain.weights, strict=True):
        theirs.assign(keras.ops.convert_to_numpy(ours))  # JAX would share the array, and give it away
    np.testing.assert_allclose(logits(model), logits(plain), atol=1e-6)
    assert {path.split("/")[0] for path in (v.path for v in model.trainable_variables)} == {
        "transformer_layer_0",
        "transformer_layer_1",
        "logits",
    }


def test_targets_and_weight_are_those_asked_for() -> None:
    backbone = FAMILIES["wav2vec2"]()
    backbone.enable_lora(3, target_layer_names=["key", "intermediate"], alpha=6.0)
    assert {variable.path.split("/")[-2] for variable in backbone.trainable_variables} == {
        "key",
        "intermediate",
    }
    dense = backbone.get_layer("transformer_layer_0").intermediate
    plain = keras.ops.convert_to_numpy(dense.kernel)
    a, b = (keras.ops.convert_to_numpy(part) for part in (dense.lora_kernel_a, dense.lora_kernel_b))
    assert a.shape == (16, 3)
    b = np.random.default_rng(0).normal(size=b.shape).astype(np.float32)
    dense.lora_kernel_b.assign(b)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(dense.kernel), plain + 2.0 * a @ b, atol=1e-5)


def test_layers_frozen_before_are_not_adapted() -> None:
    backbone = FAMILIES["wav2vec2"]()
    backbone.freeze_layers(1)
    backbone.enable_lora(2)
    assert {variable.path.split("/")[0] for variable in backbone.trainable_variables} == {
        "transformer_layer_1"
    }


def test_what_cannot_be_adapted_is_told() -> None:
    with pytest.raises(
        UserError, match="lora_targets: Wav2Vec2Backbone has no dense layer keys; it has intermediate, key, "
    ):
        FAMILIES["wav2vec2"]().enable_lora(2, ["keys"])
    with pytest.raises(UserError, match="lora_targets: LogMelBackbone has no dense layer query; it has none"):
        log_mel().enable_lora(2)
    backbone = FAMILIES["wav2vec2"]()
    backbone.freeze_layers("all")
    with pytest.raises(UserError, match="lora_rank: every layer of lora_targets is frozen"):
        backbone.enable_lora(2)


@pytest.mark.thorough
def test_a_saved_model_is_one_like_any_other(tmp_path: Path) -> None:
    model = adapted(alpha=8.0)
    before = logits(model)
    for _ in range(3):
        model.train_on_batch(*TRAINING)
    learned = logits(model)
    assert np.abs(learned - before).max() > 1e-2
    model.save_to_preset(str(tmp_path / "preset"))
    loaded = EmotionClassifier.from_preset(str(tmp_path / "preset"))
    assert not [weight.path for weight in loaded.weights if "lora" in weight.path]
    np.testing.assert_allclose(logits(loaded), learned, atol=1e-5)
    files = (tmp_path / "preset").rglob("*.json")
    assert not any("lora" in path.read_text(encoding="utf-8") for path in files)
    # Every part of it learns, should it be trained further.
    assert len(loaded.trainable_variables) == len(classifier(FAMILIES["wavlm"]()).trainable_variables)
