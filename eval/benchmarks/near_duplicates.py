"""How surely copies of recordings are recognised as near duplicates, and how often others are taken for such.

Every recording of a corpus is compared with every other one (hits are false alarms, unless they are the same
sound indeed: listen to them), and with copies of some that were changed as recordings are on their way
through the world. Times are CPU seconds of one thread.

    python eval/benchmarks/near_duplicates.py data/emodb/metadata.csv data/emovo/metadata.csv
"""

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from kser.audio.acoustic_fingerprint import acoustic_fingerprint, near_duplicates
from kser.audio.decoding import decode
from kser.audio.loading import mixed_down
from kser.audio.sound_facts import sound_digest
from kser.corpora.metadata import read_metadata
from kser.markdown import markdown_table

Copy = tuple[np.ndarray, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("metadata", nargs="+", type=Path, help="metadata CSVs of corpora")
    parser.add_argument("--every", type=int, default=3, help="one in so many recordings is copied")
    arguments = parser.parse_args()
    rows: dict[str, list[str]] = {name: [] for name in COPIES}
    for csv_path in arguments.metadata:
        of_corpus = measure(csv_path, arguments.every)
        for name, found in of_corpus.items():
            rows[name].append(found)
    corpora = [path.parent.name for path in arguments.metadata]
    print(markdown_table(["copy", *corpora], [[name, *found] for name, found in rows.items()]))


def measure(csv_path: Path, every: int) -> dict[str, str]:
    """Hits among the copies by what was done to them, "105 of 107"; prints the rest."""
    table = read_metadata(csv_path)
    sounds = [(mixed_down(sound), sound.sampling_rate) for sound in map(decode, table["path"])]
    started = time.process_time()
    originals = [acoustic_fingerprint(*sound) for sound in sounds]
    fingerprinted = time.process_time()
    alarms = near_duplicates(originals)
    compared = time.process_time()
    hours = sum(len(waveform) / rate for waveform, rate in sounds) / 3600
    print(
        f"{csv_path}: {len(originals)} recordings, {hours:.2f} h; fingerprints "
        f"{fingerprinted - started:.2f} s, {sum(each.nbytes for each in originals) / 1e6:.2f} MB; "
        f"all compared in {compared - fingerprinted:.2f} s"
    )
    digests = [sound_digest(waveform) for waveform, _ in sounds]
    print(
        f"  the same, sample for sample: {len(digests) - len(set(digests))}; near duplicates: {len(alarms)}"
    )
    for pair in alarms:
        names = " and ".join(table["utterance"][number] for number in pair[:2])
        print(f"    {names}: {pair.differing:.1%} of bits differ")
    chosen = range(0, len(sounds), every)
    found = {}
    for name, change in COPIES.items():
        copies = [acoustic_fingerprint(*change(*sounds[number])) for number in chosen]
        wanted = {(number, len(originals) + place) for place, number in enumerate(chosen)}
        # A copy of a recording that is there twice is one of the other, too.
        known = {pair[:2] for pair in alarms} | {pair[1::-1] for pair in alarms}
        hits = {pair[:2] for pair in near_duplicates([*originals, *copies])}
        others = {
            (first, second)
            for first, second in hits - wanted
            if second >= len(originals) and (first, chosen[second - len(originals)]) not in known
        }
        found[name] = f"{len(hits & wanted)} of {len(chosen)}" + (f", {len(others)} wrong" if others else "")
    return found


def _resampled(waveform: np.ndarray, rate: int, to: int) -> np.ndarray:
    resampled: np.ndarray = soxr.resample(waveform, rate, to)
    return resampled


def _coded(
    container: str, encoding: str, rate: int | None = None, level: float | None = None
) -> Callable[..., Copy]:
    """Written and read again, first at another rate where one is given."""

    def change(waveform: np.ndarray, original_rate: int) -> Copy:
        to = rate or original_rate
        file = io.BytesIO()
        options = {} if level is None else {"compression_level": level}
        sf.write(file, _resampled(waveform, original_rate, to), to, encoding, format=container, **options)
        file.seek(0)
        return sf.read(file, dtype="float32")

    return change


def _part(begin_s: float, share: float) -> Callable[..., Copy]:
    def change(waveform: np.ndarray, rate: int) -> Copy:
        begin = int(begin_s * rate)
        return waveform[begin : begin + int(share * len(waveform))], rate

    return change


def _with_noise(waveform: np.ndarray, rate: int) -> Copy:
    noise = np.random.default_rng(len(waveform)).standard_normal(len(waveform)).astype(np.float32)
    return waveform + noise * (np.sqrt(np.square(waveform).mean()) / 10), rate


COPIES: dict[str, Callable[..., Copy]] = {
    "gain −20 dB, inverted": lambda waveform, rate: (np.float32(-0.1) * waveform, rate),
    "resampled to 8 kHz": lambda waveform, rate: (_resampled(waveform, rate, 8000), 8000),
    "resampled to 44.1 kHz": lambda waveform, rate: (_resampled(waveform, rate, 44100), 44100),
    "0.31 s cut off in front": _part(0.31, 1.0),
    "half of it": _part(0.31, 0.5),
    "MP3, least bits": _coded("MP3", "MPEG_LAYER_III", level=0.99),
    "MP3, middle": _coded("MP3", "MPEG_LAYER_III", level=0.5),
    "Vorbis, least bits": _coded("OGG", "VORBIS", level=0.99),
    "Opus, least bits": _coded("OGG", "OPUS", 16000, level=0.99),
    "Opus, middle": _coded("OGG", "OPUS", 16000, level=0.5),
    "GSM 06.10 at 8 kHz": _coded("WAV", "GSM610", 8000),
    "white noise at 20 dB SNR": _with_noise,
}


if __name__ == "__main__":
    main()
