"""The files of a checkpoint on the Hugging Face hub, through its local cache, also where there is no network.

The hub is asked once for the list of a repository's files, within a bounded time. `hf_hub_download` alone
repeats its question with growing pauses: without a network that takes 23 to 55 seconds for each file. Its
downloads, once the hub has answered, keep their own patience and are resumed.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from kser.errors import UserError

# For the list of files. The bound holds for all of name resolution, connecting and answering: the HTTP
# library's own timeouts start anew for each address and leave out name resolution.
ANSWER_S = 5.0
# Loading a model asks several times; after silence the cache alone is looked at for so long.
SILENCE_S = 10.0

_COMMIT = re.compile("[0-9a-f]{40}")
_WANTED = (
    "config.json, preprocessor_config.json where it has one, and model.safetensors or else pytorch_model.bin"
)


class HubFiles:
    """A checkpoint on the Hugging Face hub.

    Args:
        checkpoint: `owner/name`, with or without `hf://` before it and `@revision` (branch, tag or commit)
            behind it.
        name: what errors call it; `None` means as above.

    Raises:
        UserError: it is not of that form.
    """

    def __init__(self, checkpoint: str, name: str | None = None):
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id

        self.name = name or checkpoint
        self.repository, at, revision = checkpoint.removeprefix("hf://").partition("@")
        self.revision = revision or "main"
        self._listing: frozenset[str] | None = None
        if self.repository.count("/") != 1 or self.repository.startswith((".", "/", "~")):
            raise UserError(f"{checkpoint}: no such folder, and not a Hugging Face id of the form owner/name")
        if at and (".." in revision or not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", revision)):
            raise UserError(f"{checkpoint}: what stands behind @ is no revision (a branch, tag or commit)")
        try:
            validate_repo_id(self.repository)
        except HFValidationError as error:
            raise UserError(f"{checkpoint}: no such folder, and not a Hugging Face id: {error}") from None

    def has(self, filename: str) -> bool:
        """Whether the repository has a file of that name; without an answer, whether the cache has it.

        Raises:
            UserError: there is no such repository or revision, or the hub gives no answer and the cache has
                nothing to say about the file.
        """
        if self._without_asking((filename,)):
            return True
        try:
            return filename in self._list()
        except _NoListError as reason:
            return self._from_cache((filename,), reason) is not None

    def known_to_have(self, filename: str) -> bool:
        """As `has`, but no error: what nobody knows of is not there."""
        try:
            return filename in self._list()
        except _NoListError:
            return isinstance(self._in_cache(filename), str)

    def find(self, *filenames: str) -> Path | None:
        """Path of the first of these that the repository has, downloaded where needed.

        Without an answer of the hub: the first of these that the cache has.

        Raises:
            UserError: as for `has`, or the file cannot be downloaded.
        """
        if path := self._without_asking(filenames):
            return path
        try:
            listing = self._list()
        except _NoListError as reason:
            return self._from_cache(filenames, reason)
        found = next((filename for filename in filenames if filename in listing), None)
        if found is None and len(filenames) > 1:
            return None
        # Asking for a single file that is not there lets the cache remember that it is not.
        return self._download(found or filenames[0])

    def fetch(self, *patterns: str) -> Path:
        """Download every file whose path in the repository matches one of the patterns.

        Args:
            patterns: e.g. `"*.json"`; `*` stands for any characters, `/` too.

        Returns:
            The folder in the cache that holds them.
        """
        from fnmatch import fnmatch

        config = self.find("config.json")
        if config is None:
            raise UserError(f"{self.name}: has no config.json")
        try:
            listing = self._list()
        except _NoListError:
            return config.parent
        for filename in sorted(listing):
            if any(fnmatch(filename, pattern) for pattern in patterns):
                self._download(filename)
        return config.parent

    def _list(self) -> frozenset[str]:
        if self._listing is None:
            self._listing = _HUB.list_files(self.repository, self.revision)
        return self._listing

    def _without_asking(self, filenames: tuple[str, ...]) -> Path | None:
        """A file that the cache has, where that settles it: a commit never changes."""
        path = self._in_cache(filenames[0]) if _COMMIT.fullmatch(self.revision) else None
        return Path(path) if isinstance(path, str) else None

    def _in_cache(self, filename: str) -> Any:
        """Its path, `None` if nothing is known, or an object that says that the revision has no such file."""
        from huggingface_hub import try_to_load_from_cache

        return try_to_load_from_cache(self.repository, filename, revision=self.revision)

    def _from_cache(self, filenames: tuple[str, ...], reason: "_NoListError") -> Path | None:
        states = [self._in_cache(filename) for filename in filenames]
        for state in states:
            if isinstance(state, str):
                return Path(state)
        if None not in states:
            return None
        if reason.verdict:
            raise UserError(f"{self.name}: {reason.verdict}") from None
        raise self._unreachable(" or ".join(filenames), str(reason)) from None

    def _download(self, filename: str) -> Path | None:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        try:
            return Path(hf_hub_download(self.repository, filename, revision=self.revision))
        except LocalEntryNotFoundError as error:  # a subclass of EntryNotFoundError, and not the same thing
            raise self._unreachable(filename, _in_a_line(error.__cause__ or error)) from None
        except EntryNotFoundError:
            return None
        except _http_errors(RuntimeError) as error:  # RuntimeError: of its faster protocol, xet
            verdict = _verdict(error, self.repository, self.revision)
            raise UserError(
                f"{self.name}: {verdict or f'{filename} could not be downloaded: {_in_a_line(error)}'}"
            ) from None

    def _unreachable(self, missing: str, reason: str) -> UserError:
        from huggingface_hub import constants

        at = "" if self.revision == "main" else f" at {self.revision}"
        return UserError(
            f"{self.name}: no such folder, the Hugging Face hub cannot be reached ({reason}), and its cache "
            f"{constants.HF_HUB_CACHE} lacks {missing}; "
            f"download {self.repository}{at} where there is a network "
            f"({_WANTED}, from {_page(self.repository, self.revision)}) "
            "into a folder and give its path"
        )


class _NoListError(Exception):
    """The hub did not list a repository's files; the text says why, or `verdict` what it said instead."""

    def __init__(self, reason: str, verdict: str = ""):
        super().__init__(reason)
        self.verdict = verdict


class _Hub:
    """The hub; for a while after it gave no answer it is not asked again."""

    def __init__(self) -> None:
        self._silent_until = float("-inf")
        self._reason = ""

    def list_files(self, repository: str, revision: str) -> frozenset[str]:
        """Names of all files of a repository.

        Raises:
            _NoListError: see there.
        """
        from huggingface_hub import HfApi

        if time.monotonic() < self._silent_until:
            raise _NoListError(self._reason)
        try:
            answer = _within(
                ANSWER_S, lambda: HfApi().model_info(repository, revision=revision, timeout=ANSWER_S)
            )
        except _http_errors(ValueError) as error:  # ValueError: a page, such as a hotel's, and no list
            verdict = _verdict(error, repository, revision)
            if not verdict:
                self._silent_until, self._reason = time.monotonic() + SILENCE_S, _in_a_line(error)
            raise _NoListError(_in_a_line(error), verdict) from None
        return frozenset(sibling.rfilename for sibling in answer.siblings or ())


_HUB = _Hub()


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """The result of `call`, or `TimeoutError`; the call is then left to itself."""
    results: list[Any] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            results.append(call())
        except Exception as error:  # raised again where the result is waited for
            errors.append(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]


def _http_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What the HTTP library raises, whichever it is: the hub's own errors have its base class for theirs."""
    from huggingface_hub.errors import HfHubHTTPError

    return OSError, *HfHubHTTPError.__bases__, *others


def _verdict(error: Exception, repository: str, revision: str) -> str:
    """What the hub said about a repository, if the error is an answer to the question."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):  # a subclass of RepositoryNotFoundError
        page = _page(repository, revision)
        return f"is given to those whom its owner admits: ask at {page} and set HF_TOKEN to your token"
    if isinstance(error, RepositoryNotFoundError):
        return (
            "no such folder, and no such repository on the Hugging Face hub (a private one needs a token in "
            "HF_TOKEN)"
        )
    if isinstance(error, RevisionNotFoundError):
        return f"the repository has no revision {revision}"
    return ""


def _page(repository: str, revision: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{repository}/tree/{revision}"


def _in_a_line(error: BaseException) -> str:
    """The reason for silence in a few words."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, HfHubHTTPError):
        return f"it answers with status {error.response.status_code}"
    first_line = next(iter(str(error).splitlines()), "")[:200]
    return first_line or type(error).__name__
