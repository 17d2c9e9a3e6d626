"""Where the overlapping windows of a recording lie."""


def windows_within(samples: int, window: int, hop: int) -> range:
    """Starts of the windows that so many samples hold whole: from 0 on, one every hop.

    Of a recording that goes on they are those that are settled.

    Args:
        samples: that are there.
        window: samples of a window, at least 1.
        hop: samples from one start to the next, at least 1.
    """
    return range(0, samples - window + 1, hop)


def windows_of(samples: int, window: int, hop: int) -> list[tuple[int, int]]:
    """The windows of a recording, first sample and the one after the last.

    Those of `windows_within`; where they leave an end, one more, as long as they are, that ends with the
    recording. A recording that is shorter than a window is one window.

    Args:
        samples: of the recording.
        window, hop: see `windows_within`; the hop no longer than the window, so that none is left out.

    Examples:
        >>> windows_of(10, window=4, hop=3)
        [(0, 4), (3, 7), (6, 10)]
        >>> windows_of(9, window=4, hop=3)
        [(0, 4), (3, 7), (5, 9)]
        >>> windows_of(3, window=4, hop=3)
        [(0, 3)]
    """
    found = [(start, start + window) for start in windows_within(samples, window, hop)]
    if samples and (not found or found[-1][1] < samples):
        found.append((max(0, samples - window), samples))
    return found
