"""Constructor arguments that make each pooling small, for any even number of channels."""

from typing import Any

POOLING_ARGUMENTS: dict[str, dict[str, Any]] = {
    "multi_head_attention": {"num_heads": 2},
    "att_stats": {"attention_channels": 4},
    "ecapa": {
        "channels": [4, 8, 12],
        "kernel_sizes": [5, 3, 1],
        "dilations": [1, 4, 1],
        "attention_channels": 4,
        "res2net_scale": 2,
        "se_channels": 4,
    },
}
"""By the name of the pooling; those that are not here have no weights that depend on arguments."""
