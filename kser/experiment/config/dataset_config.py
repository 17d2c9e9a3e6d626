"""The data sets of an experiment JSON: the corpus to train on, how it is split, and further test sets."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from kser.corpora.splits.dealing import CANDIDATES
from kser.corpora.splits.scheme import SchemeName, SplitScheme
from kser.errors import UserError
from kser.experiment.config.field_types import Config, Name, Text


def _label_map(value: Any) -> Any:
    # Left to itself, pydantic reports a mistake once for each type that the field may have.
    if isinstance(value, dict) and all(new is None or isinstance(new, str) for new in value.values()):
        return value
    if value is None or (isinstance(value, str) and value):
        return value
    raise ValueError(
        'should be an object from classes of the corpus to new names or null, or a name such as "canonical"'
    )


LabelMap = Annotated[
    str | dict[str, str | None] | None,
    BeforeValidator(_label_map),
    Field(
        description="New names of classes by their names in the corpus, null to leave a class out; or "
        "'canonical', or a corpus whose codes the column has, e.g. 'emodb'; see kser/corpora/emotions.py."
    ),
]


Classes = Annotated[
    Annotated[list[str], Field(min_length=1)] | None,
    Field(description="Only these classes are kept, named as after label_map; unset: all."),
]


def _distinct(columns: dict[str, str]) -> dict[str, str]:
    if len(set(columns.values())) < len(columns):
        raise ValueError("should give each column a name of its own")
    return columns


Columns = Annotated[
    dict[Text, Text],
    AfterValidator(_distinct),
    Field(
        description="What columns of the CSV are called here, by their names in it: "
        '{"file": "path", "emotion": "class_id", "speaker": "actor"}; the others keep their names.'
    ),
]


class EvaluationDataset(Config):
    """A test set that every trained model is evaluated on."""

    name: Name = Field(description="What reports call it.")
    eval_csv_path: str = Field(description="Metadata CSV, or a folder that has it as test.csv.")
    columns: Columns = Field(default_factory=dict)
    label_map: LabelMap = None
    classes: Classes = None


class SplitConfig(Config):
    """How the corpus is split. With folds, the seed chooses the one that is the test part: seed % folds."""

    scheme: SchemeName = Field(
        "speaker", description="Whole speakers, unless random (by utterance) is asked for."
    )
    folds: int | None = Field(None, description="k_fold only: number of folds.")
    folds_seed: int = Field(
        0, description="k_fold only: random seed of the folds, which are the same for all seeds of the study."
    )
    column: str | None = Field(
        None,
        description="leave_one_session_out: column with the sessions, unless it is called session; fixed: "
        "column with the parts, official or your own.",
    )
    parts: dict[Literal["train", "validation", "test"], list[str]] | None = Field(
        None, description="fixed only: the values of the column that make each part; others are left out."
    )
    test_csv: str | None = Field(None, description="fixed only, by files: metadata of the test part.")
    validation_csv: str | None = Field(
        None,
        description="fixed only, by files: metadata of the validation part; unset: from the training part.",
    )
    min_per_class: int = Field(
        0,
        description="speaker only: least number of utterances of each class in validation and test part.",
    )
    candidates: int = Field(
        CANDIDATES,
        description="speaker only: the best balanced of so many random splits is taken; more come closer to "
        "the class proportions, and make the splits of different seeds more alike.",
    )
    corpus: str | None = Field(None, description="emobox only: the corpus, by the name of its recipe.")

    def mistakes(self) -> list[str]:
        """See `Config.mistakes`."""
        if not self.by_files:
            try:
                self.splitting(0.8, allow_shared_speakers=False)
            except UserError as error:
                return [str(error).removeprefix("split: ")]
            return []
        mistakes = []
        if self.scheme != "fixed":
            mistakes.append(f"scheme: must be fixed for parts in files of their own, got {self.scheme}")
        if self.test_csv is None:
            mistakes.append("validation_csv: requires test_csv")
        others = self.model_fields_set - {"scheme", "test_csv", "validation_csv"}
        mistakes += [
            f"{name}: has no effect: the parts are in files of their own"
            for name in type(self).model_fields
            if name in others and getattr(self, name) != type(self).model_fields[name].default
        ]
        return mistakes

    @property
    def by_files(self) -> bool:
        """Whether test (and validation) part stand in files of their own."""
        return self.test_csv is not None or self.validation_csv is not None

    @property
    def names_all_parts(self) -> bool:
        """Whether nothing is left to `train_test_split`: each part has its file, or values of the column."""
        return self.validation_csv is not None or bool((self.parts or {}).get("validation"))

    def splitting(self, train_test_split: float, allow_shared_speakers: bool) -> SplitScheme:
        """The scheme as `kser.corpora` knows it; not for parts in files of their own.

        Args:
            train_test_split: the model's field.
            allow_shared_speakers: whether a speaker may be in two parts of a fixed split.

        Raises:
            UserError: fields that do not belong together.
        """
        fields = self.model_dump(exclude={"scheme", "test_csv", "validation_csv"})
        return SplitScheme(
            self.scheme,
            train_test_split,
            allow_shared_speakers=allow_shared_speakers and self.scheme == "fixed",
            **fields,
        )


class TrainingDataset(Config):
    """The corpus that is split into training, validation and test part."""

    name: Name = Field(description="What reports call it.")
    data_csv: str = Field(description="Metadata CSV: path, class_id, actor, gender and any further columns.")
    columns: Columns = Field(default_factory=dict)
    label_map: LabelMap = None
    classes: Classes = None
    split: SplitConfig = Field(default_factory=SplitConfig, description="How the corpus is split.")
