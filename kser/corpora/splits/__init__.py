"""Training, validation and test parts of a corpus: by whole speakers, in folds, as published, or at random.

Speaker-independent means that no speaker is in two parts. `SplitScheme` is the one way in: it says
which kind of split is wanted and applies it to a table. Every split is a pure function of a seed and of who
recorded what: it does not depend on the machine or on the order of the rows.
"""

from kser.corpora.splits.at_random import random_split
from kser.corpora.splits.by_speaker import speaker_split
from kser.corpora.splits.description import describe_split, split_fingerprint, thin_classes
from kser.corpora.splits.fixed import fixed_split, fixed_split_of_files
from kser.corpora.splits.folds import k_fold_split, leave_one_out_split
from kser.corpora.splits.parts import LEFT_OUT, PARTS
from kser.corpora.splits.scheme import SplitScheme

__all__ = [
    "LEFT_OUT",
    "PARTS",
    "SplitScheme",
    "describe_split",
    "fixed_split",
    "fixed_split_of_files",
    "k_fold_split",
    "leave_one_out_split",
    "random_split",
    "speaker_split",
    "split_fingerprint",
    "thin_classes",
]
