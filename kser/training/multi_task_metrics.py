"""The loss of several tasks at once, over a whole validation set."""

import keras


@keras.saving.register_keras_serializable(package="kser")
class JointLoss(keras.metrics.Metric):
    """Class loss + `regression_weight` × regression loss, each over all utterances.

    Keras gives a metric one output of the model, and its own `loss` averages the losses of batches. This
    metric has no state: it reads two that follow an output each, and must be a metric of the same model.

    Args:
        class_loss: the metric of the class loss.
        regression_loss: the metric of the regression loss.
        regression_weight: float.
    """

    def __init__(
        self,
        class_loss: keras.metrics.Metric,
        regression_loss: keras.metrics.Metric,
        regression_weight: float,
        name="joint_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        metrics = {"class_loss": class_loss, "regression_loss": regression_loss}
        # In a function, where Keras does not find them: their variables would be the model's twice.
        self._metrics_read = lambda: metrics
        self.regression_weight = float(regression_weight)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Nothing: the metrics that are read follow their outputs themselves."""

    def result(self):
        class_loss, regression_loss = (metric.result() for metric in self._metrics_read().values())
        return class_loss + self.regression_weight * regression_loss

    def get_config(self):
        # In a .keras file shared objects stay shared, so that a loaded model's metrics are linked again.
        serialized = {
            name: keras.saving.serialize_keras_object(metric) for name, metric in self._metrics_read().items()
        }
        return {**super().get_config(), **serialized, "regression_weight": self.regression_weight}

    @classmethod
    def from_config(cls, config):
        metrics = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("class_loss", "regression_loss")
        }
        return cls(**{**config, **metrics})
