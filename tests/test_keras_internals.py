"""What kser uses of Keras and KerasHub beyond their public interface is there, and used in one place."""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np
import pytest

KSER = Path(__file__).parent.parent / "kser"
INTERNALS = "keras_internals.py"

# Private names of other libraries, and where they are used.
OF_OTHER_LIBRARIES = {
    ("processes.py", "_exit"),  # os: documented, despite its name
    ("training/process_group.py", "_exit"),
    ("audio/processing.py", "_filters"),  # pyloudnorm
    ("models/transformers_reference.py", "_get_feat_extract_output_lengths"),  # transformers
}


@contextmanager
def advice(what: str) -> Iterator[None]:
    """Fail with what to do where Keras or KerasHub no longer has it."""
    try:
        yield
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        pytest.fail(
            f"{what} of Keras {keras.__version__} or KerasHub {keras_hub.__version__} is not what it was: "
            f"{error}. Look for its successor in their source, use that in kser/{INTERNALS} (or in the "
            "subclass that overrides it), and run tests/models, tests/training and tests/parity before the "
            "new release is allowed in pyproject.toml and constraints.txt."
        )


@pytest.fixture(scope="module")
def internals() -> Any:
    with advice("an import"):
        return import_module("kser.keras_internals")


def test_layers_inside_layers_are_found(internals: Any) -> None:
    inner = keras.layers.Dense(2, name="inner")
    outer = keras.layers.Bidirectional(keras.layers.LSTM(2), name="outer")
    model = keras.Sequential([inner, outer])
    with advice("Layer._flatten_layers"):
        within = internals.layers_within(model)
        assert {model, inner, outer, outer.forward_layer} <= set(within)
        assert model not in internals.layers_within(model, include_self=False)


def test_the_part_below_a_layer_is_found_inside_models_of_models(internals: Any) -> None:
    inputs = keras.Input((3,), name="x")
    layer = keras.layers.Dense(2)
    hidden = keras.Input((3,))
    inner = keras.Model(hidden, layer(hidden * 2.0))
    model = keras.Model({"x": inputs}, inner(inputs + 1.0))
    with advice("Function._nodes_by_depth or Node.arguments"):
        below = internals.model_up_to(model, layer)
        np.testing.assert_array_equal(below({"x": np.ones((1, 3), "float32")}), np.full((1, 3), 4.0))
        assert internals.model_up_to(model, keras.layers.Dense(2)) is None


def test_what_batch_normalisation_overrides_is_there() -> None:
    norm = keras.layers.BatchNormalization()
    norm.build((None, 2))
    with advice("BatchNormalization._moments"):
        mean, variance = norm._moments(np.array([[1.0, 2.0], [3.0, 6.0]], "float32"), None)
        np.testing.assert_array_equal(mean, [2.0, 4.0])
        np.testing.assert_array_equal(variance, [1.0, 4.0])


@pytest.mark.thorough
def test_parts_of_kerashubs_layers_are_found(internals: Any) -> None:
    whisper = internals.WhisperEncoder(intermediate_dim=4, num_heads=2)
    moonshine = internals.MoonshineEncoderBlock(4, 8, 2, feedforward_expansion_factor=2)
    with advice("WhisperEncoder or MoonshineEncoderBlock"):
        whisper.build((None, None, 4))
        moonshine.build((None, None, 4))
        parts = internals.whisper_layer_parts(whisper)
        for attention in (parts.attention, moonshine.self_attention_layer):
            projections = internals.attention_parts(attention)
            frames = np.ones((1, 3, 4), "float32")
            query, key, value = (project(frames) for project in projections[:3])
            mixed = internals.attend(attention, query, key, value, np.ones((1, 1, 3), bool), False)
            assert projections.output(mixed).shape == (1, 3, 4)
        assert parts.output(parts.intermediate(parts.feedforward_norm(frames))).shape == (1, 3, 4)
        assert moonshine.feedforward.dense_2(moonshine.feedforward.dense_1(frames)).shape == (1, 3, 4)


def test_what_hides_tensorflow_is_there(internals: Any) -> None:
    with advice("module_utils.tensorflow or preset_utils.tf_registered_schemes"):
        assert internals.module_utils.tensorflow._available in (None, False, True)
        assert callable(internals.preset_utils.tf_registered_schemes)


def test_what_the_loader_of_presets_overrides_is_there(internals: Any) -> None:
    with advice("KerasPresetLoader._resolve_dtype"):
        loader = internals.KerasPresetLoader("any", {})
        assert loader._resolve_dtype({}, {"dtype": "bfloat16"}) == "bfloat16"


def test_what_the_optimizer_overrides_and_reads_is_there() -> None:
    optimizer = keras.optimizers.AdamW(use_ema=True, weight_decay=0.1, gradient_accumulation_steps=2)
    with advice("AdamW"):
        weight = keras.Variable(np.ones(2, "float32"))
        optimizer.build([weight])
        for method in (
            "_apply_weight_decay",
            "_backend_update_step",
            "_get_current_learning_rate",
            "_update_model_variables_moving_average",
        ):
            assert callable(getattr(optimizer, method))
        assert optimizer._get_variable_index(weight) == 0
        assert optimizer._use_weight_decay(weight)
        assert optimizer._trainable_variables == [weight]
        slots = (
            optimizer._momentums,
            optimizer._velocities,
            optimizer._accumulated_gradients,
            optimizer._model_variables_moving_average,
        )
        assert all(len(slot) == 1 for slot in slots)
        assert int(optimizer._iterations) == 0


def modules() -> list[Path]:
    return [path for path in sorted(KSER.rglob("*.py")) if path.name != INTERNALS]


def test_private_modules_are_imported_in_one_place() -> None:
    importing = {
        str(path.relative_to(KSER)): name
        for path in modules()
        for name in imported(path)
        if name.split(".")[:2] in (["keras", "src"], ["keras_hub", "src"])
    }
    assert importing == {}, f"import it in kser/{INTERNALS} and say there what for"


def test_private_attributes_are_used_in_one_place() -> None:
    used = {(str(path.relative_to(KSER)), name) for path in modules() for name in private_attributes(path)}
    assert used == OF_OTHER_LIBRARIES, f"put a function for it in kser/{INTERNALS}"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def private_attributes(path: Path) -> Iterator[str]:
    """Attributes with a private name of anything but the object itself, its class and its parent."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr in own:
            continue
        of_itself = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        of_parent = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super"
        if not (of_itself or of_parent or node.attr.startswith("__")):
            yield node.attr
