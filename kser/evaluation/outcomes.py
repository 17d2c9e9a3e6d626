"""What an evaluation counts, utterance by utterance: all that measures, intervals and tests are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kser.evaluation.labels import Label
from kser.evaluation.speaker_sums import Measures, SpeakerSums, sum_by_speaker


@dataclass(frozen=True)
class Outcome:
    """What each utterance adds to the sums that the measures are computed from.

    Attributes:
        entries: float64 (counted utterances, entries).
        measures: computes the measures from sums, see `kser.evaluation.speaker_sums.SpeakerSums`.
        counted: bool (utterances,): those that the entries are about; the others cannot be judged.
        labels: classes or labels, where two groups can only be compared on those that both have; empty for
            numbers.
        has_label: bool (counted utterances, labels): the truth.
        label_of_entry: int (entries,): position of the label whose utterances an entry counts; −1 for an
            entry that counts all of them.
    """

    entries: np.ndarray
    measures: Measures
    counted: np.ndarray
    labels: Sequence[Label] = ()
    has_label: np.ndarray | None = None
    label_of_entry: np.ndarray | None = None

    @property
    def estimates(self) -> dict[str, float]:
        """The measures over all utterances that count."""
        return self.by_speaker(np.zeros(len(self.entries), dtype=np.int64), 1).estimates

    def by_speaker(
        self, speakers: np.ndarray, n_speakers: int, chosen: np.ndarray | slice = slice(None)
    ) -> SpeakerSums:
        """The sums of each speaker.

        Args:
            speakers: int (counted utterances,).
            n_speakers: how many there are; one without an utterance adds nothing.
            chosen: the utterances that are summed, bool (counted utterances,); all without it.
        """
        return SpeakerSums(sum_by_speaker(self.entries[chosen], speakers[chosen], n_speakers), self.measures)

    def labels_of(self, chosen: np.ndarray) -> np.ndarray:
        """bool (labels,): those that any of the chosen utterances has."""
        if self.has_label is None:
            return np.zeros(0, dtype=bool)
        return np.asarray(self.has_label[chosen].any(axis=0))

    def entries_of(self, labels: np.ndarray) -> np.ndarray:
        """bool (entries,): those that count utterances of some labels, bool (labels,), or all utterances."""
        if self.label_of_entry is None:
            return np.ones(self.entries.shape[1], dtype=bool)
        return (self.label_of_entry < 0) | labels[self.label_of_entry]
