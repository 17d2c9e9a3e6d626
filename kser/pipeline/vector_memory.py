"""Vectors that a process keeps of recordings, within bounds."""

import numpy as np


class VectorMemory:
    """Vectors by the encoder that made them and a name.

    Of the encoder that gave the newest all stay: a run counts on them. Those of others are dropped when all
    together are too many, first of the encoder that gave none for longest.

    Args:
        most_bytes: that vectors of several encoders may take.
    """

    def __init__(self, most_bytes: int):
        self.most_bytes = most_bytes
        self._by_encoder: dict[str, dict[str, np.ndarray]] = {}
        self._bytes: dict[str, int] = {}

    def get(self, encoder: str, name: str) -> np.ndarray | None:
        """The vectors that were put there and not dropped, or `None`."""
        return self._by_encoder.get(encoder, {}).get(name)

    def put(self, encoder: str, name: str, vectors: np.ndarray) -> None:
        """Keep vectors under a name that has none."""
        of_encoder = self._by_encoder.pop(encoder, {})
        of_encoder[name] = vectors
        self._by_encoder[encoder] = of_encoder  # the newest stand last
        self._bytes[encoder] = self._bytes.get(encoder, 0) + vectors.nbytes
        for other in list(self._by_encoder)[:-1]:
            if sum(self._bytes.values()) <= self.most_bytes:
                break
            del self._by_encoder[other], self._bytes[other]
