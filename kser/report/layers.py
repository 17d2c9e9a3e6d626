"""Layers: what each hidden state of a backbone gives, of models that read one each."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from kser.evaluation.layer_plots import draw_layer_curves
from kser.evaluation.statistics.tables import NOTHING
from kser.experiment.tasks.report_kinds import ReportKind
from kser.grouping import grouped
from kser.report.images import figure_image
from kser.report.markup import Html, element, join
from kser.report.numbers import known, mean_and_spread
from kser.report.results import reference_value
from kser.report.study_folder import Evaluation, Study
from kser.report.tables import table

Curves = Mapping[str, Mapping[int, Sequence[Evaluation]]]
"""By what people call the curve, the evaluations of each hidden state in their order."""


def layer_curves(study: Study) -> Curves:
    """The curves over layers in a study `of_kind`: one for each `layer_curve` of its models and test set."""
    settings = {run.folder: run.provenance.get("model_config") or {} for run in study.runs}
    found = []
    for evaluation in study.evaluations:
        of_model = settings[evaluation.folder.parent.parent]
        curve, state = of_model.get("layer_curve"), of_model.get("hidden_state")
        if isinstance(curve, str) and isinstance(state, int):
            found.append((f"{curve} on {evaluation.dataset}", (state, evaluation)))
    return {
        curve: dict(sorted(grouped(evaluations).items())) for curve, evaluations in grouped(found).items()
    }


def layers_section(curves: Curves, kind: ReportKind) -> Html:
    """The main measure over hidden states as a figure and as a table."""
    name = kind.main.display_name
    what = f"{name} over hidden states of {', '.join(curves)}"
    references = _references(curves, kind)
    dashed = f", dashed: {'chance level' if kind.has_classes else '0'}" if references else ""
    caption = (
        f"{name} of models that read one hidden state each: mean over runs, band: ± 1 SD{dashed}. Hidden "
        "state 0 is what enters the first layer of the backbone, k what its k-th layer gives."
    )
    return join(
        [
            element(
                "figure",
                figure_image(_figure(curves, kind, references), what),
                element("figcaption", caption),
            ),
            _table(curves, kind),
        ]
    )


def _references(curves: Curves, kind: ReportKind) -> list[float]:
    """What an answer that ignores the recordings gets."""
    every_run = [run for states in curves.values() for runs in states.values() for run in runs]
    return sorted(known({reference_value(run, kind) for run in every_run}).tolist())


def _figure(curves: Curves, kind: ReportKind, references: Sequence[float]) -> Figure:
    main = kind.main
    values = {
        curve: {
            state: found
            for state, runs in states.items()
            if (found := known(kind.measures_of(run.report)[main.name] for run in runs).tolist())
        }
        for curve, states in curves.items()
    }
    figure = Figure(figsize=(7.0, 3.8), layout="constrained")
    axes = figure.subplots()
    draw_layer_curves(axes, values, main.display_name, references)
    legend = figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _table(curves: Curves, kind: ReportKind) -> Html:
    main = kind.main
    states = sorted({state for of_curve in curves.values() for state in of_curve})
    rows = [
        [
            str(state),
            *(
                mean_and_spread(kind.measures_of(run.report)[main.name] for run in of_curve[state])
                if state in of_curve
                else NOTHING
                for of_curve in curves.values()
            ),
        ]
        for state in states
    ]
    return table(
        f"{main.display_name} by hidden state: mean ± SD over runs",
        ["hidden state", *curves],
        rows,
        below=[
            "The highest of several values is too high by chance: a layer that is chosen by them has to be "
            "tested on other recordings."
        ],
    )
