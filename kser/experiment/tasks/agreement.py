"""Whether models say the same things, so that their mean can be taken."""

from collections.abc import Mapping
from dataclasses import dataclass

from kser.errors import UserError
from kser.words import listed


@dataclass(frozen=True)
class Vocabulary:
    """What a model can say.

    Attributes:
        model: its folder or name.
        names: what the values of each output are called, in order: the labels of a classifier, say.
    """

    model: str
    names: Mapping[str, list[str]]

    @property
    def all_names(self) -> list[str]:
        """Of all outputs, one after another."""
        return [name for names in self.names.values() for name in names]

    def order_of(self, other: "Vocabulary") -> dict[str, list[int]]:
        """Where another model has what this one says, by output.

        Raises:
            UserError: the other one says something else.
        """
        if _sorted(self) != _sorted(other):
            said = [f"{each.model} says {listed(each.all_names)}" for each in (self, other)]
            raise UserError(f"models of which a mean is taken must say the same things: {'; '.join(said)}")
        return {
            output: [other.names[output].index(name) for name in names]
            for output, names in self.names.items()
        }


def _sorted(vocabulary: Vocabulary) -> dict[str, list[str]]:
    return {output: sorted(names) for output, names in vocabulary.names.items()}
