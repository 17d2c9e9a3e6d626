"""Dropout whose random numbers cost next to nothing."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kser")
class HashedDropout(keras.layers.Dropout):
    """`keras.layers.Dropout`, its arguments, with random numbers that are a hash of place, call and seed.

    The generators behind `keras.layers.Dropout` on JAX and TensorFlow are made for cryptography's standards;
    on a CPU they took a fifth of a base model's training step. A hash is a few multiplications that XLA
    computes within the operation before, in the backward pass again instead of keeping a mask. JAX and
    TensorFlow drop the same values for a seed. PyTorch has a fast dropout of its own, which is used there.
    A `noise_shape` is left to Keras.

    Call arguments:
        inputs: float tensor of any shape, of fewer than 2³¹ values.
        training: bool; without it the inputs pass through.

    Returns:
        tensor of the shape of `inputs`: each value dropped, that is 0, with probability `rate`, else divided
        by `1 - rate`.
    """

    def call(self, inputs, training=False):
        plain = self.rate in (0, 1) or self.noise_shape is not None
        if not training or plain or keras.config.backend() == "torch":
            return super().call(inputs, training=training)
        bits = random_bits(self.seed_generator.next(), ops.size(inputs))
        kept = ops.reshape(bits >= _constant(round(self.rate * 2**32)), ops.shape(inputs))
        return ops.where(kept, inputs / (1.0 - self.rate), ops.zeros_like(inputs))


def random_bits(seed, count):
    """Random numbers for a simulation, not for secrets.

    Each is its index, mixed with one half of a key, then with the other. The key is the mixed seed.

    Args:
        seed: integer tensor (2,), what a `keras.random.SeedGenerator` gives: its seed and how often it was
            called.
        count: int, how many.

    Returns:
        uint32 tensor (count,).
    """
    seed = ops.cast(seed, "uint32")
    first = mixed(seed[0] + mixed(seed[1] + _constant(0x9E3779B9)))
    second = mixed(first + seed[1])
    place = ops.cast(ops.arange(count, dtype="int32"), "uint32")
    return mixed(mixed(ops.bitwise_xor(place, first)) + second)


def mixed(x):
    """An invertible hash: a change of one bit changes each of the others in half of the cases.

    Args:
        x: uint32 tensor.

    Source: Wellons (2018), [Prospecting for Hash Functions](https://nullprogram.com/blog/2018/07/31/), with
    constants found since (https://github.com/skeeto/hash-prospector/issues/19).
    """
    x = ops.bitwise_xor(x, _shifted(x, 16)) * _constant(0x21F0AAAD)
    x = ops.bitwise_xor(x, _shifted(x, 15)) * _constant(0x735A2D97)
    return ops.bitwise_xor(x, _shifted(x, 15))


def _shifted(x, bits):
    return ops.right_shift(x, _constant(bits))


def _constant(value):
    return ops.convert_to_tensor(value, dtype="uint32")
