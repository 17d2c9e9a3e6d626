"""The figure of a long recording."""

import numpy as np
import pytest
from matplotlib.image import imread

from kser.serving.segments.means_over_time import means_over_time
from kser.serving.segments.segment import Segment, SegmentedRecording
from kser.serving.segments.timeline import Envelope, plot_timeline

LABELS = ["anger", "$joy", "fear"]


def segments(step: float, length: float = 2.0, count: int = 5, names=LABELS) -> tuple[Segment, ...]:
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        shares = dict(zip(names, rng.dirichlet(np.ones(len(names))).tolist(), strict=True))
        label = max(shares, key=shares.__getitem__)
        place = {"start_s": number * step, "end_s": number * step + length}
        found.append(Segment("x.wav", length, label, shares[label], shares, number % 2 == 0, **place))
    return tuple(found)


def envelope(seconds: float) -> Envelope:
    waveform = np.random.default_rng(0).normal(size=round(1000 * seconds)).astype(np.float32)
    return Envelope.of(np.array_split(waveform, 3), 1000)


def test_an_envelope_holds_every_sample_and_can_be_coarser():
    outline = envelope(10)
    coarse = outline.coarser(7)
    assert len(outline.lowest) == 500 and len(coarse.lowest) <= 7
    assert coarse.lowest.min() == outline.lowest.min() and coarse.highest.max() == outline.highest.max()


@pytest.mark.parametrize("step", [1.0, 3.0])
def test_windows_and_stretches_are_drawn(tmp_path, step):
    recording = SegmentedRecording("calls/x.wav", 16.0, segments(step))
    plot_timeline(recording, envelope(16), tmp_path / "x.png")
    image = imread(tmp_path / "x.png")
    assert image.shape[1] == 1760 and image[..., :3].std() > 0.05


def test_a_figure_names_classes_times_and_the_file(tmp_path):
    recording = SegmentedRecording("calls/x_$y$.wav", 4000.0, segments(1000.0, 900.0, 4))
    plot_timeline(recording, envelope(4), tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text()
    for words in ("x_$y$.wav", "anger", "$joy", "fear", "Probability", "Time (h:min:s)"):
        assert words in text, words


@pytest.mark.parametrize(
    "found",
    [
        (),
        (Segment("x.wav", 1.0, notes=("silent",), start_s=0.0, end_s=1.0),),
        (Segment("x.wav", 1.0, values={"arousal": 3.5}, start_s=0.0, end_s=1.0),),
        segments(1.0, names=[f"class {number}" for number in range(16)]),
    ],
)
def test_what_is_missing_numbers_and_many_classes_are_drawn(tmp_path, found):
    plot_timeline(SegmentedRecording("x.wav", 5.0, found), envelope(5), tmp_path / "x.svg")
    assert (tmp_path / "x.svg").stat().st_size > 5000


def test_of_more_than_can_be_seen_there_are_means(tmp_path):
    recording = SegmentedRecording("x.wav", 4000.0, segments(5.0, 4.0, 800))
    plot_timeline(recording, envelope(4), tmp_path / "x.svg")
    assert "each point is a mean over 60 s" in (tmp_path / "x.svg").read_text()


def test_means_weigh_segments_by_what_they_share():
    first = Segment("x.wav", 4.0, "joy", 1.0, {"joy": 1.0, "fear": 0.0}, True, start_s=0.0, end_s=4.0)
    second = Segment("x.wav", 3.0, "fear", 0.8, {"joy": 0.2, "fear": 0.8}, False, start_s=4.0, end_s=7.0)
    silent = Segment("x.wav", 5.0, notes=("silent",), start_s=10.0, end_s=15.0)
    means = means_over_time(SegmentedRecording("x.wav", 17.0, (first, second, silent)), 5.0).segments
    assert [(mean.start_s, mean.end_s) for mean in means] == [(0, 5), (5, 10)]
    assert means[0].probabilities == pytest.approx({"joy": 0.84, "fear": 0.16})
    assert means[1].probabilities == pytest.approx({"joy": 0.2, "fear": 0.8})
    assert [(mean.label, mean.is_sure) for mean in means] == [("joy", True), ("fear", False)]


def test_means_of_numbers_have_no_class():
    numbers = [
        Segment("x.wav", 1.0, values={"arousal": float(at)}, start_s=at, end_s=at + 1.0) for at in range(4)
    ]
    means = means_over_time(SegmentedRecording("x.wav", 4.0, tuple(numbers)), 2.0).segments
    assert [mean.values["arousal"] for mean in means] == [0.5, 2.5] and means[0].label is None
