"""What is computed of stores."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from kser.errors import UserError
from kser.words import as_option

Part = Literal["similarity", "features", "drift", "geometry", "probes", "maps"]
PARTS: tuple[Part, ...] = get_args(Part)
Measure = Literal["cka", "rbf_cka", "svcca", "pwcca", "procrustes", "rsa"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
MapMethod = Literal["pca", "umap"]
USUAL_CLASSES = ("class_id", "gender", "sentence")
"""Columns that probes read beside the speaker, where the metadata have them."""


@dataclass(frozen=True)
class AnalysisSettings:
    """Equal settings of equal stores give equal numbers.

    Attributes:
        parts: which tables.
        measures: of similarity of layers with layers.
        standardise: whether channels have variance 1 before similarity, rank and maps: a few channels of
            transformers vary so much that they decide everything else. Probes always do, drift never does.
        speaker: column of the speakers.
        sentence: column of the sentences.
        classes: columns that probes read as classes, beside the speaker; `None`: those of `USUAL_CLASSES`
            that there are.
        numbers: columns that probes read as numbers.
        permutations: of utterances within speakers, by which the similarity to features is tested; 0: none.
        control_draws: random targets that each probe is compared with; 0: none.
        control_by: column whose values get random labels; `None`: each utterance gets another one's.
        probe_seeds: how many times probes are trained, with other folds.
        map_method: how utterances become points of a plane.
        keep_known: whether utterances of speakers that a model was trained on stay.
        seed: of everything that is drawn.
    """

    parts: tuple[Part, ...] = PARTS
    measures: tuple[Measure, ...] = ("cka",)
    standardise: bool = True
    speaker: str = "actor"
    sentence: str = "sentence"
    classes: tuple[str, ...] | None = None
    numbers: tuple[str, ...] = ()
    permutations: int = 199
    control_draws: int = 1
    control_by: str | None = None
    probe_seeds: int = 1
    map_method: MapMethod = "pca"
    keep_known: bool = False
    seed: int = field(default=0)

    def __post_init__(self) -> None:
        for name, given, allowed in (
            ("parts", self.parts, PARTS),
            ("measures", self.measures, MEASURES),
            ("map", (self.map_method,), get_args(MapMethod)),
        ):
            if unknown := [value for value in given if value not in allowed]:
                raise UserError(f"{as_option(name)} {unknown[0]}: must be of {', '.join(allowed)}")
            if not given:
                raise UserError(f"{as_option(name)}: none given; there are {', '.join(allowed)}")
        for name, least in (("permutations", 0), ("control_draws", 0), ("probe_seeds", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{as_option(name)} {getattr(self, name)}: must be at least {least}")


USUAL = AnalysisSettings()
