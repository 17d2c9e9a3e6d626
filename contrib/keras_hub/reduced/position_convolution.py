from keras import ops


def convolve_around(frames, kernel, groups):
    """Grouped convolution over time that gives as many frames as there were, zeros before and after them.

    Args:
        frames: tensor (batch, frames, channels).
        kernel: tensor (kernel_size, channels // groups, channels).
        groups: int.

    Returns:
        tensor (batch, frames, channels).
    """
    if frames.shape[-1] != groups * kernel.shape[1]:
        raise ValueError(
            f"`groups` does not fit. Received: groups={groups}, "
            f"frames.shape={frames.shape}, kernel.shape={kernel.shape}"
        )
    padded = pad_around(frames, kernel.shape[0])
    return ops.conv(padded, kernel, padding="valid", data_format="channels_last")
