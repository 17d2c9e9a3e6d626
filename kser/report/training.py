"""Training curves."""

from matplotlib.figure import Figure

from kser.errors import UserError
from kser.evaluation.curves import draw_training_curves, find_metric
from kser.report.images import figure_image
from kser.report.markup import Html, element, join, notes, paragraph
from kser.report.study_folder import Study
from kser.words import counted


def training_section(study: Study) -> Html:
    """The validation metric and both losses of every model."""
    if study.curves is None:
        return join([paragraph("There are no training curves."), notes(study.curve_problems)])
    if not study.curves["step"].any():
        unmoved = "No run made an update of its weights, so there are no training curves."
        return join([paragraph(unmoved), notes(study.curve_problems)])
    figure = Figure(layout="constrained")
    try:
        metric = find_metric(study.curves)
    except UserError as error:
        return join([paragraph("There are no training curves."), notes([error, *study.curve_problems])])
    draw_training_curves(figure, study.curves, metric=metric)
    runs = len(study.curves[["model", "seed"]].drop_duplicates())
    described = (
        f"Curves over training updates of {', '.join(map(str, study.curves['model'].unique()))}: {metric} "
        "above, training and validation loss below."
    )
    return join(
        [
            element(
                "figure",
                figure_image(figure, described),
                element(
                    "figcaption",
                    f"Training curves of {counted(runs, 'run')}. The weights were chosen on the validation "
                    "part. A training loss that falls while the validation loss rises indicates overfitting.",
                ),
            ),
            notes(study.curve_problems),
        ]
    )
