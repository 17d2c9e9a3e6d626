"""What a training run is asked to do, in plain numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingPlan:
    """Settings of one run.

    Attributes:
        epochs: passes over the training part.
        batch_size: utterances in a batch.
        evaluation_batch_size: utterances in a batch of validation.
        learning_rate: the highest of the run, that of the head.
        gradient_accumulation_steps: batches for one update.
        max_grad_norm: longest gradient.
        eval_steps: updates between two evaluations on the validation part.
        logging_steps: updates between two rows of training loss in the log.
        save_steps: updates between two saved states, a multiple of `eval_steps`.
        save_total_limit: how many saved states stay.
        keep_states_every: updates between two sets of weights that are kept, see `keep_weights`, a multiple
            of `eval_steps`; those before the first update are kept too. `None`: none are.
        kept_states_limit: how many of them stay beside those before the first, the newest; `None`: all.
        length_buckets: how many different lengths utterances are padded to.
        seed: of the order of the utterances.
        lr_scheduler: how the learning rate goes on after the warm-up, see `WarmupSchedule`.
        warmup_ratio: share of the updates in which it rises linearly from 0, 0 ≤ r < 1.
        layerwise_lr_decay: d, 0 < d ≤ 1: the k-th layer of the backbone from the top learns with the learning
            rate times dᵏ, and what is below its n layers with it times dⁿ⁺¹.
        weight_decay: of AdamW.
        ema_momentum: of the moving average of the weights, which evaluations and the final model use; `None`
            for no average.
        best_metric: the validation metric that chooses the best weights.
        early_stopping_patience: evaluations in a row without an improvement that end the run; `None`: none
            do. With gradual unfreezing they count when all is trained.
        early_stopping_threshold: an improvement is larger than this.
        gradual_unfreezing_epochs: epochs after which one layer more of the backbone is trained, beginning
            with the head only; `None`: all from the start.
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
    seed: int
    lr_scheduler: str = "linear"
    warmup_ratio: float = 0.0
    layerwise_lr_decay: float = 1.0
    weight_decay: float = 0.0
    ema_momentum: float | None = None
    best_metric: str = "loss"
    early_stopping_patience: int | None = None
    early_stopping_threshold: float = 0.0
    gradual_unfreezing_epochs: float | None = None
    keep_states_every: int | None = None
    kept_states_limit: int | None = None

    def updates(self, batches_per_epoch: int) -> int:
        """Updates of the whole run.

        A window of accumulated batches may cross the end of an epoch; the last window of the run is completed
        with batches of one epoch more, not cut.
        """
        return -(-self.epochs * batches_per_epoch // self.gradient_accumulation_steps)

    def learning_rate_sum(self, updates: int) -> float:
        """The sum of the learning rates of all updates of a run.

        Args:
            updates: of the whole run.
        """
        rising = updates * self.warmup_ratio
        share = 1.0 if self.lr_scheduler == "constant" else 0.5
        return self.learning_rate * (0.5 * rising + share * (updates - rising))

    def updates_per_layer(self, batches_per_epoch: int) -> float | None:
        """Updates from one layer that joins to the next; `None` where all are trained from the start."""
        if self.gradual_unfreezing_epochs is None:
            return None
        return self.gradual_unfreezing_epochs * (batches_per_epoch / self.gradient_accumulation_steps)
