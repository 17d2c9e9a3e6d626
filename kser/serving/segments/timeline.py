"""The figure of a long recording: its waveform, and over it what is expressed when."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MultipleLocator

from kser.evaluation.curves import COLOURS
from kser.evaluation.figure_files import luminance
from kser.files import replacing
from kser.serving.segments.means_over_time import means_over_time
from kser.serving.segments.segment import Segment, SegmentedRecording
from kser.serving.segments.source import Source

_DPI = 160
_WIDTH_INCHES = 11.0
_FRAME_S = 0.02
_COLUMNS = 2000
_LINE_STYLES = ("-", "--", ":")
_HATCHES = ("", "///", "...")
# Of more segments than can be told apart there are so many means, each over a round time.
_MOST_SEGMENTS, _MOST_MEANS = 300, 120
_ROUND_TIMES_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_TICKS, _MOST_LARGE_MARKERS = 10, 80
_SHORTEST_WITH_MINUTES_S = 120
# Text of a label is written where its bar has so much of the figure's width for each letter.
_LETTER_SHARE = 0.0066


@dataclass(frozen=True)
class Envelope:
    """The outline of a waveform.

    Attributes:
        lowest, highest: sample of each 20 ms, float32 (frames,).
    """

    lowest: np.ndarray
    highest: np.ndarray

    @classmethod
    def of(cls, blocks: Iterable[np.ndarray], sampling_rate: int) -> "Envelope":
        """The outline of a waveform in blocks, float32 (samples,), at a rate in Hz."""
        frame = max(1, round(_FRAME_S * sampling_rate))
        rest, lowest, highest = np.zeros(0, np.float32), [np.zeros(0)], [np.zeros(0)]
        for block in blocks:
            samples = np.concatenate([rest, block])
            whole = len(samples) // frame * frame
            frames, rest = samples[:whole].reshape(-1, frame), samples[whole:]
            lowest.append(frames.min(axis=1))
            highest.append(frames.max(axis=1))
        return cls(np.concatenate(lowest), np.concatenate(highest))

    @classmethod
    def of_file(cls, path: str, sampling_rate: int) -> "Envelope":
        """The outline of a recording at a rate in Hz."""
        with Source.of(path, sampling_rate).waveform(sampling_rate) as blocks:
            return cls.of(blocks, sampling_rate)

    def coarser(self, columns: int) -> "Envelope":
        """The same in so many columns or fewer."""
        starts = np.arange(0, len(self.lowest), max(1, -(-len(self.lowest) // columns)))
        if not len(starts):
            return self
        return Envelope(np.minimum.reduceat(self.lowest, starts), np.maximum.reduceat(self.highest, starts))


def plot_timeline(recording: SegmentedRecording, envelope: Envelope, path: str | Path) -> None:
    """Draw what is expressed when to a PNG or SVG file.

    Above the waveform; below a strip with the most probable class, faint where the model is not sure, and the
    probability of each class, or numbers in their units. What is said of a window stands at its middle, what
    is said of a stretch of voice reaches over it; of more than can be seen there are means, see
    `kser.serving.segments.means_over_time`.

    Args:
        recording: with its segments.
        envelope: of its waveform.
        path: the file to write, its suffix says the format; an older one is replaced whole.
    """
    path = Path(path)
    mean_over_s = None
    if len(recording.segments) > _MOST_SEGMENTS:
        mean_over_s = _round_time(recording.duration_s / _MOST_MEANS)
        recording = means_over_time(recording, mean_over_s)
    panels = [
        name for name in ("probabilities", "values") if any(getattr(s, name) for s in recording.segments)
    ]
    has_strip = any(segment.label is not None for segment in recording.segments)
    heights = [1.3, *[0.32] * has_strip, *[2.4] * len(panels)]
    figure = Figure(
        figsize=(_WIDTH_INCHES, 1.0 + 1.05 * sum(heights)),
        layout=ConstrainedLayoutEngine(hspace=0.02, h_pad=0.03),
    )
    all_axes = list(figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0])
    figure.suptitle(Path(recording.recording).name, fontsize=11, parse_math=False)
    _draw_waveform(all_axes[0], envelope, recording.duration_s)
    if has_strip:
        _draw_strip(all_axes[1], recording)
    for axes, panel in zip(all_axes[len(heights) - len(panels) :], panels, strict=True):
        _draw_panel(axes, recording.segments, panel, in_lines=mean_over_s is not None)
    _name_time(all_axes[-1], recording.duration_s, mean_over_s)
    with replacing(path) as draft:
        figure.savefig(draft, format=path.suffix[1:].lower(), dpi=_DPI)


def _draw_waveform(axes: Axes, envelope: Envelope, duration_s: float) -> None:
    coarse = envelope.coarser(_COLUMNS)
    times = np.linspace(0, duration_s, len(coarse.lowest), endpoint=False)
    axes.fill_between(times, coarse.lowest, coarse.highest, color="0.35", linewidth=0.3, step="post")
    highest = max(1e-6, float(np.abs([*coarse.lowest, *coarse.highest]).max(initial=0)))
    axes.set_ylim(-1.05 * highest, 1.05 * highest)
    axes.set_yticks([])
    axes.set_ylabel("Waveform", fontsize=9)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _draw_strip(axes: Axes, recording: SegmentedRecording) -> None:
    """The most probable classes, those of neighbours with one class in one bar."""
    styles = _styles(recording.segments, "probabilities")
    for start, end, label, is_sure in _bars(recording.segments):
        number, colour = styles[label]
        axes.axvspan(
            start,
            end,
            facecolor=(*colour, 1.0 if is_sure else 0.35),
            edgecolor="white",
            linewidth=0.6,
            hatch=_of(_HATCHES, number),
        )
        if (end - start) / recording.duration_s > _LETTER_SHARE * (len(label) + 1):
            shown = np.array(colour) if is_sure else 0.35 * np.array(colour) + 0.65
            axes.text(
                (start + end) / 2,
                0.47,
                label,
                ha="center",
                va="center",
                fontsize=7.5,
                color="white" if luminance(shown) < 0.3 else "black",
                parse_math=False,
                clip_on=True,
            )
    if any(segment.is_sure is False for segment in recording.segments):
        axes.annotate(
            "faint: not sure", (1.0, 0.5), (8, 0), "axes fraction", "offset points", va="center", fontsize=8
        )
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_ylabel("Class", fontsize=9, rotation=0, ha="right", va="center")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _draw_panel(axes: Axes, segments: Sequence[Segment], panel: str, in_lines: bool) -> None:
    styles = _styles(segments, panel)
    in_lines = in_lines or any(after.start_s < before.end_s for before, after in pairwise(segments))
    for name, (number, colour) in styles.items():
        line_style = _of(_LINE_STYLES, number)
        heights = np.array([getattr(segment, panel).get(name, np.nan) for segment in segments])
        if in_lines:
            middles = np.array([(segment.start_s + segment.end_s) / 2 for segment in segments])
            size = 3.0 if len(segments) <= _MOST_LARGE_MARKERS else 1.5
            # Where there is a pause the line is broken.
            pauses = [at + 1 for at, (a, b) in enumerate(pairwise(segments)) if b.start_s > a.end_s + 1e-6]
            points = (np.insert(middles, pauses, np.nan), np.insert(heights, pauses, np.nan))
            axes.plot(*points, line_style, color=colour, linewidth=1.5, marker="o", markersize=size)
        else:
            starts, ends = ([getattr(each, at) for each in segments] for at in ("start_s", "end_s"))
            axes.hlines(heights, starts, ends, color=colour, linewidth=2.4, linestyle=line_style)
    axes.grid(alpha=0.3, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylabel("Probability" if panel == "probabilities" else "Value", fontsize=9)
    if panel == "probabilities":
        axes.set_ylim(-0.02, 1.02)
    handles = [
        Patch(facecolor=colour, edgecolor="white", hatch=_of(_HATCHES, number))
        for number, colour in styles.values()
    ]
    legend = axes.legend(
        handles, list(styles), loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, frameon=False
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _bars(segments: Sequence[Segment]) -> list[tuple[float, float, str, bool]]:
    """Start, end, class and whether the model is sure, neighbours that say the same together.

    Where windows overlap a bar reaches from the middle of the overlap to that of the next one.
    """
    bars: list[tuple[float, float, str, bool]] = []
    for number, segment in enumerate(segments):
        if segment.label is None:
            continue
        before_s = segments[number - 1].end_s if number else -np.inf
        after_s = segments[number + 1].start_s if number + 1 < len(segments) else np.inf
        start = max(segment.start_s, (segment.start_s + before_s) / 2)
        end = min(segment.end_s, (segment.end_s + after_s) / 2)
        said = (segment.label, segment.is_sure is not False)
        if bars and bars[-1][2:] == said and abs(bars[-1][1] - start) < 1e-6:
            bars[-1] = (bars[-1][0], end, *said)
        else:
            bars.append((start, end, *said))
    return bars


def _styles(segments: Sequence[Segment], panel: str) -> dict[str, tuple[int, tuple[float, float, float]]]:
    """Number and colour by the names of what is drawn."""
    names = dict.fromkeys(name for segment in segments for name in getattr(segment, panel))
    return {name: (number, to_rgb(COLOURS[number % len(COLOURS)])) for number, name in enumerate(names)}


def _of(further: Sequence[str], number: int) -> str:
    """What tells a name from the one that has the same colour."""
    return further[number // len(COLOURS) % len(further)]


def _name_time(axes: Axes, duration_s: float, mean_over_s: float | None) -> None:
    axes.set_xlim(0, max(duration_s, 1e-3))
    unit = "s"
    if duration_s >= _SHORTEST_WITH_MINUTES_S:
        axes.xaxis.set_major_locator(MultipleLocator(_round_time(duration_s / _MOST_TICKS)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _clock(seconds)))
        unit = "h:min:s" if duration_s >= 3600 else "min:s"
    means = "" if mean_over_s is None else f"; each point is a mean over {mean_over_s:g} s"
    axes.set_xlabel(f"Time ({unit}){means}", fontsize=9)


def _round_time(seconds: float) -> float:
    """A round time that is no shorter."""
    return next((time_s for time_s in _ROUND_TIMES_S if time_s >= seconds), math.ceil(seconds / 3600) * 3600)


def _clock(seconds: float) -> str:
    """`1:02:03`, or `2:03` within the first hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
