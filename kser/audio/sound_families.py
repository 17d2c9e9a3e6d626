"""Which recordings are the same sound, and which are nearly so."""

from collections.abc import Mapping
from dataclasses import dataclass

from kser.audio.acoustic_fingerprint import near_duplicates
from kser.audio.sound_facts import SoundFacts


@dataclass(frozen=True)
class SoundFamilies:
    """Recordings by their sound. Silence belongs to none.

    Attributes:
        digests: of each recording, see `sound_digest`.
        families: by digest the one that stands for all digests whose recordings are nearly the same.
    """

    digests: Mapping[str, str]
    families: Mapping[str, str]

    @classmethod
    def of(cls, facts: Mapping[str, SoundFacts]) -> "SoundFamilies":
        """Compare recordings.

        Args:
            facts: by path.
        """
        digests = {path: each.digest for path, each in facts.items() if each.digest}
        prints = {each.digest: each.fingerprint for each in facts.values() if each.digest}
        names = list(prints)
        place = {name: number for number, name in enumerate(names)}
        families = {name: name for name in names}

        def first_of(name: str) -> str:
            while families[name] != name:
                name = families[name]
            return name

        for pair in near_duplicates(list(prints.values())):
            one, other = sorted(
                (first_of(names[pair.first]), first_of(names[pair.second])), key=place.__getitem__
            )
            families[other] = one
        return cls(digests, {name: first_of(name) for name in names})

    def digest(self, path: str) -> str:
        """What a recording is known by; empty for silence and what cannot be decoded."""
        return self.digests.get(path, "")

    def family(self, path: str) -> str:
        """The same for all that nearly sound alike; empty for silence and what cannot be decoded."""
        return self.families.get(self.digest(path), "")
