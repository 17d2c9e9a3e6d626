"""Vectors in memory stay within bounds, and those in use stay."""

import numpy as np

from kser.pipeline.vector_memory import VectorMemory


def test_the_vectors_used_longest_ago_are_dropped():
    one = np.zeros(4, np.float32)
    memory = VectorMemory(most_bytes=4 * one.nbytes)
    put = [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1")]
    for encoder, name in put:
        memory.put(encoder, name, one)
    assert all(memory.get(encoder, name) is not None for encoder, name in put)
    memory.put("c", "2", one)
    assert memory.get("b", "1") is None
    assert memory.get("a", "2") is not None


def test_those_of_the_encoder_in_use_stay():
    one = np.zeros(4, np.float32)
    memory = VectorMemory(most_bytes=2 * one.nbytes)
    for name in "12345":
        memory.put("a", name, one)
    assert all(memory.get("a", name) is not None for name in "12345")
