"""Where a published checkpoint's files are: a local folder, or the Hugging Face hub through its cache."""

from pathlib import Path

from kser.checkpoints.hub import HubFiles
from kser.checkpoints.named_checkpoints import NAMED_CHECKPOINTS, nearest_name
from kser.errors import UserError
from kser.files import expanded


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


CheckpointFiles = FolderFiles | HubFiles


def checkpoint_files(checkpoint: str | Path) -> CheckpointFiles:
    """The files of a checkpoint, wherever they are.

    Args:
        checkpoint: a folder, a hub id such as `"facebook/wav2vec2-base"`, with or without `hf://` before
            and a revision (branch, tag or commit) after it: `"facebook/wav2vec2-base@main"`, or a name of
            `NAMED_CHECKPOINTS`. A folder goes before a name.

    Raises:
        UserError: it is neither a folder, nor a name, nor in the form of a hub id.
    """
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
