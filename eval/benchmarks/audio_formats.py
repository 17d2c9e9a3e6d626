"""Which audio files kser decodes exactly, which it refuses and which it gets wrong, for every format.

    python eval/benchmarks/audio_formats.py [--folder FOLDER] > TABLE.md

Each command of audio_format_commands.py encodes each source that the format takes (Debian: ffmpeg, sox,
libsox-fmt-all, flac, lame, speex, twolame, vorbis-tools, opus-tools). What `kser.audio.decoding.decode`
makes of the file is compared with reference decoders: ffmpeg, the format's own where ffmpeg is not exact
itself, and in lossless encodings the source. Exact: the same rate, channels and number of samples as one of
them, and the same values, within one step of 16 bits in lossy encodings. Refused: with a reason that does
not blame the file, which is intact. Wrong: anything else. Then with PyAV as if it were not installed, and,
with it, without the last tenth of the file's bytes: it should be refused. Files that are not exact are
listed on standard error.
"""

import argparse
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf
from audio_format_commands import COMMANDS, LOSSLESS, references

from kser.audio.decoding import Sound, decode
from kser.errors import UserError

SOURCES = {"16k": (16_000, 1, 1.9), "44k": (44_100, 2, 1.3)}
"""Sampling rate in Hz, channels, seconds."""
STEP_OF_16_BITS = 2.0**-15
COLUMNS = ("exact", "refused", "wrong")
BLAMES_THE_FILE = re.compile("cut short|damaged|obtain it again|not exist|not found")


def main() -> None:
    """Make the files, decode them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("audio_formats"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    sources = {name: written_source(folder / f"{name}.wav", *source) for name, source in SOURCES.items()}
    print("| format | tried | exact, refused, wrong | without PyAV | cut short: refused, read |")
    print("| --- | ---: | ---: | ---: | ---: |")
    total: Counter[tuple[str, str]] = Counter()
    for name, commands in COMMANDS.items():
        counts = Counter(found for command in commands for found in verdicts(name, command, sources, folder))
        print(row(name, counts), flush=True)
        total += counts
    print(row("all", total))


def row(name: str, counts: Counter[tuple[str, str]]) -> str:
    """A line of the table."""
    cells = [name, str(sum(counts["with", verdict] for verdict in COLUMNS))]
    cells += [", ".join(str(counts[how, verdict]) for verdict in COLUMNS) for how in ("with", "without")]
    cells.append(f"{counts['cut', 'refused']}, {counts['cut', 'read']}")
    return f"| {' | '.join(cells)} |"


def verdicts(name: str, command: str, sources: dict[str, Path], folder: Path) -> Iterator[tuple[str, str]]:
    """What is found of a command's files: (`with` or `without` PyAV or `cut`, verdict)."""
    stem = re.sub(r"\W+", "_", f"{name} {command.replace('OUT', '')}")
    for source_name, source in sources.items():
        file = encoded(command, source, folder / f"{stem}_{source_name}")
        if file is None:
            continue
        decoded = list(decoded_by_others(name, file))
        if LOSSLESS.search(command):
            decoded.append(Sound(*sf.read(source, dtype="float32", always_2d=True)))
        limit = 0 if LOSSLESS.search(command) else STEP_OF_16_BITS
        for how in ("with", "without"):
            with available(how):
                verdict, remark = verdict_on(file, decoded, limit)
            yield how, verdict
            if verdict != "exact":
                print(f"{verdict} {how}: {file.name}: {remark}", file=sys.stderr, flush=True)
        cut = file.with_name(f"cut_{file.name}")
        cut.write_bytes(file.read_bytes()[: int(0.9 * file.stat().st_size)])
        verdict, remark = verdict_on(cut, [], limit)
        yield "cut", "refused" if verdict in ("refused", "blamed") else "read"
        if verdict != "blamed":
            print(f"{verdict} cut: {file.name}: {remark}", file=sys.stderr, flush=True)
        cut.unlink()


def written_source(path: Path, rate: int, channels: int, seconds: float) -> Path:
    """A voice-like sound: harmonics that come and go, some noise, a silent start; of an odd length."""
    time = np.arange(int(rate * seconds) + 7) / rate
    rng = np.random.default_rng(rate)
    voices = []
    for channel in range(channels):
        phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 1.7 * time + channel)) / rate
        harmonics = sum(np.sin(n * phase) / n for n in range(1, 20) if n * 150 < rate / 2)
        envelope = np.clip(np.sin(2 * np.pi * 2.3 * time), 0, 1)
        noise = 0.002 * rng.standard_normal(len(time)) * (time > 0.1)
        voices.append(0.2 * envelope * harmonics + noise)
    sf.write(path, np.stack(voices, axis=1), rate, subtype="PCM_16")
    return path


def encoded(command: str, source: Path, stem: Path) -> Path | None:
    """The file that a command makes of a source; `None` where the format does not take it."""
    file = stem.with_suffix(command.rsplit(maxsplit=1)[-1].removeprefix("OUT"))
    if not file.exists():
        words = [{"IN": str(source)}.get(word, word) for word in shlex.split(command)[:-1]]
        done = subprocess.run([*words, str(file)], capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode or not file.exists() or not file.stat().st_size:
            file.unlink(missing_ok=True)
            return None
    return file


def decoded_by_others(name: str, file: Path) -> Iterator[Sound]:
    """What the reference decoders make of a file; they write WAV."""
    decoded = file.with_name("reference.wav")
    for command in references(name):
        decoded.unlink(missing_ok=True)
        words = [{"IN": str(file), "OUT": str(decoded)}.get(word, word) for word in shlex.split(command)]
        subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if decoded.exists() and decoded.stat().st_size > 100:
            yield Sound(*sf.read(decoded, dtype="float32", always_2d=True))


@contextmanager
def available(how: str) -> Iterator[None]:
    """PyAV as it is, or as if it were not installed."""
    import av

    sys.modules["av"] = av if how == "with" else None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules["av"] = av


def verdict_on(file: Path, references: list[Sound], limit: float) -> tuple[str, str]:
    """`exact`, `refused`, `blamed` or `wrong`, and what is remarkable."""
    try:
        sound = decode(file)
    except UserError as error:
        reason = str(error).removeprefix(f"{file}: ")
        if not references:
            return "blamed", reason
        return ("wrong" if BLAMES_THE_FILE.search(reason) else "refused"), reason
    remarks = [difference(sound, reference, limit) for reference in references]
    return ("exact" if "" in remarks else "wrong"), "; ".join(remarks)


def difference(sound: Sound, reference: Sound, limit: float) -> str:
    """In what two sounds differ, in words; empty when they are equal."""
    for one, other in zip(shape(sound), shape(reference), strict=True):
        if one != other:
            return f"{one}, reference {other}"
    largest = np.abs(sound.samples - reference.samples).max()
    return f"differs by {largest:.2e}" if largest > limit else ""


def shape(sound: Sound) -> tuple[str, str, str]:
    """Rate, channels and length, in words."""
    length, channels = sound.samples.shape
    return f"{sound.sampling_rate} Hz", f"{channels} channels", f"{length} samples"


if __name__ == "__main__":
    main()
