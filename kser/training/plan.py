"""What a training run is asked to do, in plain numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingPlan:
    """Settings of one run.

    Attributes:
        epochs: passes over the training part.
        batch_size: utterances in a batch.
        evaluation_batch_size: utterances in a batch of validation.
        learning_rate: of the first update; it falls linearly to 0.
        gradient_accumulation_steps: batches for one update.
        max_grad_norm: longest gradient.
        eval_steps: updates between two evaluations on the validation part.
        logging_steps: updates between two rows of training loss in the log.
        save_steps: updates between two saved states, a multiple of `eval_steps`.
        save_total_limit: how many saved states stay.
        length_buckets: how many different lengths utterances are padded to.
        use_class_weights: whether a class counts by 1 / its utterances.
        seed: of the order of the utterances.
    """

    epochs: int
    batch_size: int
    evaluation_batch_size: int
    learning_rate: float
    gradient_accumulation_steps: int
    max_grad_norm: float
    eval_steps: int
    logging_steps: int
    save_steps: int
    save_total_limit: int
    length_buckets: int
    use_class_weights: bool
    seed: int

    def updates(self, batches_per_epoch: int) -> int:
        """Updates of the whole run: the last window of accumulated batches is completed, not cut."""
        return -(-self.epochs * batches_per_epoch // self.gradient_accumulation_steps)
