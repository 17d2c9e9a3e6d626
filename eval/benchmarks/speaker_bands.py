"""How often intervals of CKA contain what a very large corpus gives: the speaker bootstrap and the jackknife.

    python eval/benchmarks/speaker_bands.py [--corpora 150] [--resamples 200]

Made-up corpora: 20 utterances a speaker, two representations of 30 channels that hold the speaker's voice
(8 dimensions, half of them the same in both representations), one of 7 emotions, the sound of the utterance
and noise. "voice" is the standard deviation of voices; "shape" how alike speakers are in that: with a small
one few speakers have most of it.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from kser.analysis.cka import linear_cka
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
    parser.add_argument("--corpora", type=int, default=150)
    parser.add_argument("--resamples", type=int, default=200)
    arguments = parser.parse_args()
    print("| shape | voice | speakers | truth | estimate | corrected | bootstrap: covered | width | ", end="")
    print("jackknife: covered | width |")
    print("| ---: " * 10 + "|")
    for shape, voice in ((1.0, 0.5), (8.0, 0.5), (8.0, 1.5)):
        maker = Maker(shape, voice)
        truth = float(np.mean([linear_cka(*maker.corpus(400, 10**6 + seed)) for seed in range(8)]))
        for speakers in (6, 10, 24):
            corpora = [maker.corpus(speakers, seed) for seed in range(arguments.corpora)]
            row = " | ".join(figures(corpora, speakers, truth, arguments.resamples))
            print(f"| {shape:g} | {voice:g} | {speakers} | {truth:.3f} | {row} |", flush=True)


def figures(corpora: list[Corpus], speakers: int, truth: float, resamples: int) -> Iterator[str]:
    """Mean estimates, then coverage and mean width of both intervals."""
    rng = np.random.default_rng(0)
    jackknife = [jackknife_band(corpus, speakers) for corpus in corpora]
    bootstrap = [bootstrap_interval(corpus, speakers, resamples, rng) for corpus in corpora]
    yield f"{np.mean([band.estimate for band in jackknife]):.3f}"
    yield f"{np.mean([(band.low + band.high) / 2 for band in jackknife]):.3f}"
    for bounds in (np.array(bootstrap), np.array([(band.low, band.high) for band in jackknife])):
        yield f"{np.mean((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])):.0%}"
        yield f"{np.mean(bounds[:, 1] - bounds[:, 0]):.3f}"


def jackknife_band(corpus: Corpus, speakers: int) -> Band:
    """The interval that kser gives."""
    first, second = corpus
    names = np.repeat(np.arange(speakers), UTTERANCES)
    return speaker_band(lambda rows: linear_cka(first[rows], second[rows]), names)


def bootstrap_interval(
    corpus: Corpus, speakers: int, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Percentiles of CKA when speakers are drawn with replacement."""
    rows = np.arange(speakers * UTTERANCES).reshape(speakers, UTTERANCES)
    drawn = []
    for _ in range(resamples):
        chosen = rows[rng.integers(0, speakers, speakers)].ravel()
        drawn.append(linear_cka(*(vectors[chosen] for vectors in corpus)))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
