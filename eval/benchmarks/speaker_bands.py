"""How often intervals of CKA contain what a very large corpus gives: speaker bootstrap and jackknife.

    python eval/benchmarks/speaker_bands.py [--corpora 100] [--resamples 200]

Made-up corpora: 20 utterances a speaker, two representations of 30 channels that hold the speaker's voice
(8 dimensions, half of them the same in both representations), one of 7 emotions, the sound of the utterance
and noise. "voice" is the standard deviation of voices; "shape" how alike speakers are in that: with a small
one few speakers have most of it. "unrelated": the representations are of two corpora that have only the
numbers of speakers and utterances in common.
"""

import argparse
from collections.abc import Iterable, Iterator

import numpy as np

from kser.analysis.cka import linear_cka
from kser.analysis.speaker_cka import speaker_cka
from kser.analysis.uncertainty import Band, speaker_band

UTTERANCES, CHANNELS, DIMENSIONS, EMOTIONS = 20, 30, 8, 7
Corpus = tuple[np.ndarray, np.ndarray]


class Maker:
    """Corpora of one kind."""

    def __init__(self, shape: float, voice: float):
        self.shape, self.voice = shape, voice
        rng = np.random.default_rng(1)
        self.voices, self.emotions, self.sounds = rng.normal(size=(3, 2, DIMENSIONS, CHANNELS))
        self.voices[1, : DIMENSIONS // 2] = self.voices[0, : DIMENSIONS // 2]

    def corpus(self, speakers: int, seed: int) -> Corpus:
        """Two representations of a corpus of so many speakers."""
        rng = np.random.default_rng(seed)
        strength = self.voice * rng.gamma(self.shape, 1 / self.shape, size=(speakers, 1))
        voice = np.repeat(strength * rng.normal(size=(speakers, DIMENSIONS)), UTTERANCES, axis=0)
        emotion = 1.5 * np.eye(DIMENSIONS)[rng.integers(0, EMOTIONS, len(voice))]
        sound = rng.normal(size=voice.shape)
        first, second = (
            voice @ self.voices[i]
            + emotion @ self.emotions[i]
            + weight * sound @ self.sounds[i]
            + rng.normal(size=(len(voice), CHANNELS))
            for i, weight in enumerate((0.6, 1.0))
        )
        return first, second


def main() -> None:
    """Print a row a kind of corpus and number of speakers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=200)
    arguments = parser.parse_args()
    columns = ["corpora", "speakers", "truth"]
    columns += [f"{name}: {what}" for name in WAYS for what in ("estimate", "covered", "width")]
    print(f"| {' | '.join(columns)} |")
    print(f"|{' --- |' * len(columns)}")
    for shape, voice, related in ((1.0, 0.5, True), (8.0, 0.5, True), (8.0, 1.5, True), (8.0, 1.5, False)):
        maker = Maker(shape, voice)
        name = f"shape {shape:g}, voice {voice:g}{'' if related else ', unrelated'}"
        truth = mean_of(linear_cka(*maker.corpus(400, 10**6 + seed)) for seed in range(8)) if related else 0.0
        for speakers in (6, 10, 24):
            corpora = [maker.corpus(speakers, seed) for seed in range(arguments.corpora)]
            if not related:
                corpora = [(corpora[i][0], corpora[i - 1][1]) for i in range(len(corpora))]
            row = " | ".join(figures(corpora, speakers, truth, arguments.resamples))
            print(f"| {name} | {speakers} | {truth:.3f} | {row} |", flush=True)


def figures(corpora: list[Corpus], speakers: int, truth: float, resamples: int) -> Iterator[str]:
    """Of each way the mean estimate, how many intervals contain the truth, and their mean width."""
    names = np.repeat(np.arange(speakers), UTTERANCES)
    for way in WAYS.values():
        bands = np.array([way(*corpus, names, resamples) for corpus in corpora], dtype=float)
        estimate, low, high = bands.T
        yield f"{estimate.mean():.3f}"
        yield f"{np.mean((low <= truth) & (truth <= high)):.0%}"
        yield f"{np.mean(high - low):.3f}"


def bootstrap(first: np.ndarray, second: np.ndarray, names: np.ndarray, resamples: int) -> Band:
    """Percentiles of debiased CKA when speakers are drawn with replacement."""
    rng = np.random.default_rng(0)
    rows = np.arange(len(names)).reshape(-1, UTTERANCES)
    drawn = []
    for _ in range(resamples):
        chosen = rows[rng.integers(0, len(rows), len(rows))].ravel()
        drawn.append(linear_cka(first[chosen], second[chosen]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Band(np.array(linear_cka(first, second)), low, high)


def jackknife(first: np.ndarray, second: np.ndarray, names: np.ndarray, _: int) -> Band:
    """The interval of debiased CKA when each speaker is left out once."""
    return speaker_band(lambda rows: linear_cka(first[rows], second[rows]), names)


def jackknife_between_speakers(first: np.ndarray, second: np.ndarray, names: np.ndarray, _: int) -> Band:
    """The same of CKA between speakers, which is what kser gives."""
    return speaker_band(lambda rows: speaker_cka(first[rows], second[rows], names[rows]), names)


def mean_of(values: Iterable[float]) -> float:
    """The mean of some numbers."""
    return float(np.mean(list(values)))


WAYS = {
    "debiased CKA, bootstrap": bootstrap,
    "debiased CKA, jackknife": jackknife,
    "CKA between speakers, jackknife": jackknife_between_speakers,
}


if __name__ == "__main__":
    main()
