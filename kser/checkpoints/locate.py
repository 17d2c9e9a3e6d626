"""Where a published checkpoint's files are: a local folder, or the Hugging Face hub through its cache."""

from pathlib import Path

from kser.checkpoints.hub import HubFiles
from kser.files import expanded


class FolderFiles:
    """A checkpoint in a local folder."""

    def __init__(self, folder: Path, name: str):
        self.folder = folder
        self.name = name

    def has(self, filename: str) -> bool:
        """Whether the folder has a file of that name."""
        return (self.folder / filename).is_file()

    def find(self, *filenames: str) -> Path | None:
        """Path of the first of these that the folder has."""
        return next((self.folder / filename for filename in filenames if self.has(filename)), None)


CheckpointFiles = FolderFiles | HubFiles


def checkpoint_files(checkpoint: str | Path) -> CheckpointFiles:
    """The files of a checkpoint, wherever they are.

    Args:
        checkpoint: a folder, or a hub id such as `"facebook/wav2vec2-base"`, with or without `hf://` before
            and a revision (branch, tag or commit) behind it: `"facebook/wav2vec2-base@main"`.

    Raises:
        UserError: neither a folder nor of the form of a hub id.
    """
    folder = expanded(checkpoint)
    return FolderFiles(folder, str(checkpoint)) if folder.is_dir() else HubFiles(str(checkpoint))
