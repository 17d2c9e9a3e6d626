"""Where a published checkpoint's files are: a local folder, or the Hugging Face hub through its cache."""

from pathlib import Path

from kser.checkpoints.config_fields import read_fields
from kser.checkpoints.hub import HubFiles
from kser.checkpoints.named_checkpoints import NAMED_CHECKPOINTS, nearest_name
from kser.errors import UserError
from kser.files import expanded, is_there, visible_files

CONFIG_FILE = "config.json"
ADAPTER_CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""The first of these that a checkpoint has is read, and no other: the order in which `transformers` looks,
so that both see the same weights."""

MODEL_CARD = "README.md"
TRAINED_MODEL = "kser.json"
"""In the folder of a model that kser trained: where it comes from."""


class FolderFiles:
    """A checkpoint in a local folder."""

    def __init__(self, folder: Path, name: str):
        self.folder = folder
        self.name = name

    def has(self, filename: str) -> bool:
        """Whether the folder has a file of that name."""
        return (self.folder / filename).is_file()

    def is_local(self, filename: str) -> bool:
        """As `has`."""
        return self.has(filename)

    def is_available(self, filename: str) -> bool:
        """As `has`."""
        return self.has(filename)

    def find(self, *filenames: str) -> Path | None:
        """Path of the first of these that the folder has."""
        return next((self.folder / filename for filename in filenames if self.has(filename)), None)


class AdapterFiles:
    """A PEFT adapter in a folder or repository of its own: its files, then those of its base model."""

    def __init__(self, adapter: FolderFiles | HubFiles, base: FolderFiles | HubFiles):
        self.name = adapter.name
        self.base = base
        self._both = (adapter, base)

    def has(self, filename: str) -> bool:
        """Whether one of the two has the file."""
        return any(files.has(filename) for files in self._both)

    def is_local(self, filename: str) -> bool:
        """Whether the file of that name is here."""
        return any(files.is_local(filename) for files in self._both)

    def is_available(self, filename: str) -> bool:
        """Whether the file is here, or can be downloaded."""
        return any(files.is_available(filename) for files in self._both)

    def find(self, *filenames: str) -> Path | None:
        """Path of the first of these, the adapter's before the base model's."""
        return next((path for files in self._both if (path := files.find(*filenames)) is not None), None)


CheckpointFiles = FolderFiles | HubFiles | AdapterFiles


def checkpoint_files(checkpoint: str | Path) -> CheckpointFiles:
    """The files of a checkpoint, wherever they are.

    Args:
        checkpoint: a folder, a hub id such as `"facebook/wav2vec2-base"`, with or without `hf://` before
            and a revision (branch, tag or commit) after it: `"facebook/wav2vec2-base@main"`, or a name of
            `NAMED_CHECKPOINTS`. A folder goes before a name.

    A PEFT adapter without weights beside it comes with the files of its `base_model_name_or_path`.

    Raises:
        UserError: it is neither a folder, nor a name, nor in the form of a hub id; or it is an adapter that
            names no base model.
    """
    files = _files_of(checkpoint)
    has_weights = any(files.is_local(filename) for filename in WEIGHTS_FILES)
    if has_weights or not files.is_available(ADAPTER_CONFIG_FILE):
        return files
    if any(files.is_available(filename) for filename in WEIGHTS_FILES):
        return files
    config_path = files.find(ADAPTER_CONFIG_FILE)
    assert config_path is not None
    base = read_fields(config_path).get("base_model_name_or_path", "")
    if not base:
        raise UserError(
            f"{config_path}: base_model_name_or_path: names no model, and none is beside the adapter"
        )
    return AdapterFiles(files, _files_of(_beside(base, config_path.parent)))


def local_files(checkpoint: str | Path) -> list[Path]:
    """All files of a checkpoint in a folder, and of the base model of an adapter if that is in a folder, too.

    What is computed with the checkpoint is out of date when one of them changes. None for a hub id. The card
    of a model that kser trained is left out: each evaluation of the model renews it.
    """
    folder = expanded(checkpoint)
    if not folder.is_dir():
        return []
    files = checkpoint_files(checkpoint)
    base = files.base if isinstance(files, AdapterFiles) else None
    folders = [folder, *([base.folder] if isinstance(base, FolderFiles) else [])]
    return [
        path
        for folder in folders
        for path in visible_files(folder, "*")
        if path.name != MODEL_CARD or not (folder / TRAINED_MODEL).is_file()
    ]


def _files_of(checkpoint: str | Path) -> FolderFiles | HubFiles:
    name = str(checkpoint)
    folder = expanded(checkpoint)
    if folder.is_dir():
        return FolderFiles(folder, name)
    if name in NAMED_CHECKPOINTS:
        return HubFiles(NAMED_CHECKPOINTS[name].handle, name)
    if "/" not in name and (nearest := nearest_name(name)):
        raise UserError(
            f"{name}: folder not found, and not a Hugging Face id of the form owner/name; "
            f"did you mean {nearest}?"
        )
    return HubFiles(name)


def _beside(base: str, folder: Path) -> str | Path:
    """The model that an adapter names: a folder relative to its own, if it is there, else as it says."""
    beside = folder / expanded(base)
    return beside if is_there(beside) else base
