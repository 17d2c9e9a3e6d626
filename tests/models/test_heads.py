"""A head is what its steps make of it, those of other packages too."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kser.models import EmotionClassifier
from kser.models.heads import HEAD_STEPS, Head, head_step
from tests.models.small_models import classifier, log_mel, waveforms


@pytest.fixture
def bottleneck() -> Any:
    """A step that is no part of kser, while a test runs."""

    @head_step(bottleneck_dim=None)
    def bottleneck(head: Head) -> list[keras.layers.Layer]:
        return [] if head.bottleneck_dim is None else [head.dense(head.bottleneck_dim, "bottleneck")]

    yield bottleneck
    del HEAD_STEPS["bottleneck"]


def names(**settings: Any) -> list[str]:
    return [layer.name for layer in Head(**settings).layers()]


def test_steps_follow_each_other_in_their_order() -> None:
    assert names() == ["relu", "dropout"]
    assert names(use_relu=False, use_batch_norm=True) == ["batch_norm", "dropout"]
    projected = ["dropout", "projection", "projection_activation", "projection_dropout"]
    assert names(use_relu=False, projection_dim=3) == projected


def test_penalty_is_on_the_kernels_of_all_dense_layers() -> None:
    model = classifier(log_mel(), projection_dim=3, l2=0.1)
    kernels = [model.get_layer(name).kernel for name in ("projection", "logits")]
    expected = sum(0.1 * float(keras.ops.sum(kernel**2)) for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("bottleneck")
def test_step_from_outside_is_an_argument_of_every_task_and_saved_with_it(tmp_path: Path) -> None:
    assert names(bottleneck_dim=2)[-1] == "bottleneck"
    assert "bottleneck" not in names()
    model = classifier(log_mel(), bottleneck_dim=2, projection_dim=5)
    assert model.get_layer("logits").kernel.shape == (2, 3)
    model.save_to_preset(str(tmp_path))
    loaded = EmotionClassifier.from_preset(tmp_path)
    assert loaded.get_config()["bottleneck_dim"] == 2
    utterances = waveforms(400, 250)
    np.testing.assert_array_equal(loaded.predict_on_batch(utterances), model.predict_on_batch(utterances))


def test_setting_of_no_step_is_refused() -> None:
    with pytest.raises(
        ValueError, match="A task has no argument `droput`, and its head has l2, use_standardization, "
    ):
        classifier(log_mel(), droput=0.5)
