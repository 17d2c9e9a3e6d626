"""Loading what KerasHub or kser saved: the one door of preset folders, which may be a stranger's."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import keras_hub

from kser.checkpoints.locate import CONFIG_FILE
from kser.errors import UserError
from kser.files import read_json
from kser.keras_internals import (
    AUDIO_CONVERTER_CONFIG_FILE,
    MODEL_WEIGHTS_FILE,
    PREPROCESSOR_CONFIG_FILE,
    SHARDED_MODEL_WEIGHTS_CONFIG_FILE,
    TASK_CONFIG_FILE,
    TASK_WEIGHTS_FILE,
    KerasPresetLoader,
    check_config_class,
    check_file_exists,
    get_file,
    load_json,
)
from kser.models.initializers import room_for_weights, zeros_instead_of_draws
from kser.models.saved_objects import check_saved_object

_SHARD = re.compile(r"\w[\w.-]*\.h5")
_SHOWN_OF_A_REASON = 300


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Within this block, whatever is raised is a `UserError` that begins with `what` is wrong."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{what}: {reason[:_SHOWN_OF_A_REASON]}") from error


class SpeechPresetLoader(KerasPresetLoader):
    """A preset that KerasHub or kser saved.

    Its files may be a stranger's. They are checked before KerasHub makes anything of them, and whatever it or
    Keras raises on them is a `UserError`.
    """

    def load_backbone(self, cls: Any, load_weights: bool, **kwargs: Any) -> Any:
        with self._refusing(load_weights, kwargs), self._room(load_weights, zeros=load_weights):
            self._check_files(CONFIG_FILE)
            return super().load_backbone(cls, load_weights, **kwargs)

    def load_task(self, cls: Any, load_weights: bool, load_task_weights: bool, **kwargs: Any) -> Any:
        with self._refusing(load_weights, kwargs):
            if not check_file_exists(self.preset, TASK_CONFIG_FILE):
                return super().load_task(cls, load_weights, load_task_weights, **kwargs)
            self._check_files(CONFIG_FILE, TASK_CONFIG_FILE)
            # A new head keeps its random weights.
            loaded = load_weights and load_task_weights and check_file_exists(self.preset, TASK_WEIGHTS_FILE)
            with self._room(load_weights, zeros=loaded):
                return super().load_task(cls, load_weights, load_task_weights, **kwargs)

    def saved_task(self, requested: type) -> type | None:
        """The class of the task that the preset was saved from, if it is `requested` or a subclass."""
        with self._refusing():
            if not check_file_exists(self.preset, TASK_CONFIG_FILE):
                return None
            self._check_files(TASK_CONFIG_FILE)
            found: type = check_config_class(load_json(self.preset, TASK_CONFIG_FILE))
            return found if issubclass(found, requested) else None

    def head_names(self) -> dict[str, list[str]]:
        """What the saved task's head is for, by the arguments of its class; it must have one."""
        with self._refusing():
            self._check_files(TASK_CONFIG_FILE)
            saved = load_json(self.preset, TASK_CONFIG_FILE)
            names = {name: saved["config"][name] for name in check_config_class(saved).new_head_arguments}
        for argument, given in names.items():
            if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
                raise UserError(f"{self.preset}: {TASK_CONFIG_FILE}: {argument}: must be a list of names")
        return names

    def weights_name(self) -> str:
        """What tells the weights from others; empty for a folder, whose files do."""
        return "" if Path(self.preset).is_dir() else self.preset

    def load_audio_converter(self, cls: Any, **kwargs: Any) -> Any:
        with self._refusing(False, kwargs):
            self._check_files(AUDIO_CONVERTER_CONFIG_FILE)
            return super().load_audio_converter(cls, **kwargs)

    def load_preprocessor(self, cls: Any, config_file: str = PREPROCESSOR_CONFIG_FILE, **kwargs: Any) -> Any:
        with self._refusing(False, kwargs):
            if check_file_exists(self.preset, config_file):
                self._check_files(config_file)
            return super().load_preprocessor(cls, config_file, **kwargs)

    def _resolve_dtype(self, config: dict, kwargs: dict) -> Any:
        # A mixed policy, of float32 weights, is taken as it was saved; KerasHub fails on its name.
        saved = config.get("config", {}).get("dtype") or {}
        mixed = str(saved.get("config", {}).get("name", "")).startswith("mixed_")
        if mixed and kwargs.get("dtype") is None:
            return saved
        return super()._resolve_dtype(config, kwargs)

    def matching_class(self, requested: type) -> Any:
        """The preset's backbone class, which must be `requested` or a subclass."""
        with self._refusing():
            self._check_files(CONFIG_FILE)
            found = self.check_backbone_class()
        if not issubclass(found, requested):
            raise UserError(
                f"{self.preset}: holds a {found.__name__}, which {requested.__name__} does not load"
            )
        return found

    def _check_files(self, *names: str) -> None:
        for name in names:
            check_saved_object(Path(get_file(self.preset, name)))

    @contextmanager
    def _room(self, load_weights: bool, zeros: bool) -> Iterator[None]:
        """Within this block the weights are made, in no greater number than the files can hold."""
        numbers, where = None, "the memory of this machine holds"
        if load_weights:
            # At a byte each, which leaves room for a new head.
            numbers = sum(path.stat().st_size for path in self._weights_files())
            where = f"its files can hold ({numbers} bytes)"
        too_many = f"{self.preset}: {CONFIG_FILE} describes more weights than {where}"
        with room_for_weights(numbers, too_many), zeros_instead_of_draws() if zeros else nullcontext():
            yield

    def _weights_files(self) -> list[Path]:
        names = [TASK_WEIGHTS_FILE] if check_file_exists(self.preset, TASK_WEIGHTS_FILE) else []
        if check_file_exists(self.preset, MODEL_WEIGHTS_FILE):
            names.append(MODEL_WEIGHTS_FILE)
        else:
            names += self._get_sharded_filenames(get_file(self.preset, SHARDED_MODEL_WEIGHTS_CONFIG_FILE))
        return [Path(get_file(self.preset, name)) for name in names]

    def _get_sharded_filenames(self, config_path: str) -> list[str]:
        index = read_json(config_path)
        shards = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(shards, dict):
            raise UserError(f"{config_path}: has no weight_map, so it is not an index of weights")
        for value in shards.values():
            for name in value if isinstance(value, list) else [value]:
                if not isinstance(name, str) or not _SHARD.fullmatch(name):
                    raise UserError(
                        f"{config_path}: weight_map: {name!r} is not the name of a file beside it"
                    )
        return super()._get_sharded_filenames(config_path)

    @contextmanager
    def _refusing(
        self, load_weights: bool = False, arguments: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        """Within this block, whatever is raised on the preset's files is a `UserError`.

        Args:
            load_weights: whether they are read as well.
            arguments: that the caller has given: what is wrong with these, and not with the files, is raised
                as it is.
        """
        try:
            with warnings.catch_warnings():
                # Keras would go on with weights that nothing has trained.
                warnings.filterwarnings("error", message=".*no matching group found in the saved file")
                yield
        except UserError:
            raise
        except FileNotFoundError as error:
            raise UserError(f"{self.preset}: is a KerasHub preset that lacks a file: {error}") from None
        except Exception:
            if arguments and not self._is_at_fault(load_weights):
                raise
            with refusing(f"{self.preset}: the model cannot be loaded"):
                raise

    def _is_at_fault(self, load_weights: bool) -> bool:
        """Whether the preset cannot be loaded without any arguments either."""
        try:
            if check_file_exists(self.preset, TASK_CONFIG_FILE):
                super().load_task(keras_hub.models.Task, load_weights, True)
            else:
                super().load_backbone(keras_hub.models.Backbone, load_weights)
        except Exception:
            return True
        return False
