"""Settings that hold for every test; this file is read before any of them imports keras."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
# TensorFlow's C++ side announces the machine's instruction sets on every start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The tests compile many small models and compute little with each: optimising takes longer than it saves.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
