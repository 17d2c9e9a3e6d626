"""Where a published checkpoint's files are: a local folder, or the Hugging Face hub through its cache."""

from pathlib import Path

from kser.errors import UserError
from kser.files import expanded


def locate(checkpoint: str | Path, filename: str) -> Path | None:
    """Find one file of a checkpoint, downloading it into the Hugging Face cache where needed.

    Args:
        checkpoint: a folder, or a hub id such as `"facebook/wav2vec2-base"` (with or without `hf://`).
        filename: name of the file in it, e.g. `"config.json"`.

    Returns:
        Path of the local file, or `None` if the checkpoint has no file of that name.

    Raises:
        UserError: neither a folder nor a hub id that can be reached.
    """
    folder = expanded(checkpoint)
    if folder.is_dir():
        return folder / filename if (folder / filename).is_file() else None
    return _from_hub(str(checkpoint), filename)


def _from_hub(checkpoint: str, filename: str) -> Path | None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    repository = checkpoint.removeprefix("hf://")
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")):
        raise UserError(f"{checkpoint}: no such folder, and not a Hugging Face id of the form owner/name")
    try:
        return Path(hf_hub_download(repository, filename))
    except LocalEntryNotFoundError:  # a subclass of EntryNotFoundError, and not the same thing
        raise UserError(
            f"{checkpoint}: no such folder, and the Hugging Face hub cannot be reached for {filename}; "
            f"download {repository} where there is a network and give the folder's path instead"
        ) from None
    except EntryNotFoundError:
        return None
    except RepositoryNotFoundError:
        raise UserError(
            f"{checkpoint}: no such folder, and no such repository on the Hugging Face hub"
        ) from None
    except HFValidationError as error:
        raise UserError(f"{checkpoint}: no such folder, and not a Hugging Face id: {error}") from None
