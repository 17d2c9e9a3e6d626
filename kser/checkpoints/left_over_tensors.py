"""The tensors of a checkpoint that a backbone does not use, sorted and summarised."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# First words of names in models with a head, or of what pre-training needed; for files whose backbone has no
# prefix, or shares one with a decoder.
HEADS = (
    "classifier",
    "ctc_proj",
    "decoder",
    "final_proj",
    "lm_head",
    "objective",
    "project_hid",
    "project_q",
    "projector",
    "proj_out",
    "quantizer",
    "speaker_proj",
    "tdnn",
    "layer_weights",
    "label_embeddings_concat",
)
# Among the backbone's own tensors, but nothing is computed from them: a vector for training with masks (where
# the configuration turns it off), the count of training steps of a batch norm.
_IDLE = re.compile(r"(^|\.)(masked_spec_embed|num_batches_tracked)$")


@dataclass(frozen=True)
class LeftOver:
    """How many tensors were left out, by the beginning of their names.

    Args:
        expected: of heads and pre-training.
        unexpected: of the backbone, so something may be amiss.
    """

    expected: dict[str, int]
    unexpected: dict[str, int]


def sort_left_over(names: Iterable[str], prefix: str) -> LeftOver:
    """Group the names of unused tensors.

    Args:
        names: full names.
        prefix: of the backbone's tensors, e.g. `"wav2vec2."`, or `""`.
    """
    expected: Counter[str] = Counter()
    unexpected: Counter[str] = Counter()
    family = prefix.split(".", maxsplit=1)[0]
    for name in names:
        words = name.removeprefix(prefix).split(".")
        if not name.startswith(prefix):  # beside the backbone, or beside it within one model: model.decoder
            expected[".".join(words[: 2 if words[0] == family else 1])] += 1
        elif _IDLE.search(name):
            expected[words[-1]] += 1
        elif words[0] in HEADS:
            expected[words[0]] += 1
        else:
            unexpected[prefix + ".".join(words[: max(1, min(2, len(words) - 1))])] += 1
    return LeftOver(dict(sorted(expected.items())), dict(sorted(unexpected.items())))


def in_short(counts: dict[str, int]) -> str:
    """E.g. `"lm_head (2), quantizer (3)"`."""
    return ", ".join(f"{beginning} ({count})" for beginning, count in counts.items())
