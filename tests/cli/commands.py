"""How a command ended, and that a refused one changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it said on stderr: each line one mistake, without the name in front."""
        lines = self.err.splitlines()
        assert lines, "nothing on stderr"
        assert all(line.startswith("kser: ") for line in lines), self.err
        return [line.removeprefix("kser: ") for line in lines]


Command = Callable[..., Ended]


def everything_in(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every path below a folder with size and time of change."""
    stats = {path: path.stat() for path in sorted(folder.rglob("*"))}
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items() if not path.is_dir()}


def refused(run, folder: Path, *arguments: object) -> list[str]:
    """The lines that a command is refused with; nothing in the folder may change."""
    before = everything_in(folder)
    ended = run(*arguments)
    assert ended.status == 2
    assert everything_in(folder) == before
    return [line.replace(f"{folder}/", "") for line in ended.lines]
