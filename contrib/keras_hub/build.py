"""Build a contribution to keras-hub from kser's classes: `python -m contrib.keras_hub.build FOLDER`.

FOLDER gets what a pull request would add, in keras-hub's layout, and `changes.patch` with what it would
change.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from contrib.keras_hub.parts import FAMILIES, MODELS, PARTS
from contrib.keras_hub.presets import presets_module
from contrib.keras_hub.prose import narrowed
from contrib.keras_hub.registration import changes_patch
from contrib.keras_hub.rewriting import rewritten

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]


def build(folder: Path) -> list[Path]:
    """Write the contribution.

    Args:
        folder: new or empty.

    Returns:
        The files, relative to the folder, in order of their names.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder}: is not empty")
    for path in (HERE / "added").rglob("*.py"):
        write(folder / path.relative_to(HERE / "added"), narrowed(path.read_text(encoding="utf-8")))
    for part in PARTS:
        write(folder / part.target, rewritten(part, REPOSITORY))
    for family in FAMILIES:
        write(folder / MODELS / family / f"{family}_presets.py", presets_module(family))
    format_as_keras_hub(folder)
    write(folder / "changes.patch", changes_patch())
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def format_as_keras_hub(folder: Path) -> None:
    """Sort imports, drop unused ones and format, with keras-hub's settings; what remains is an error."""
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--config", str(HERE / "upstream_ruff.toml"), "--no-cache", "--quiet"]
    subprocess.run([*ruff, "check", "--fix", "--select", "I,F401,F541,F811", *settings, folder], check=True)
    subprocess.run([*ruff, "format", *settings, folder], check=True)
    subprocess.run([*ruff, "check", *settings, folder], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build a contribution to keras-hub from kser's classes.")
    parser.add_argument("folder", type=Path, help="new or empty folder to write into")
    for path in build(parser.parse_args().folder):
        print(path)


if __name__ == "__main__":
    main()
