from keras import ops


def gelu(x):
    """Gaussian error linear unit, exact form (https://arxiv.org/abs/1606.08415), any shape."""
    return ops.gelu(x, approximate=False)


class FeatureEncoder:
    def call(self, waveform, padding_mask):
        # A choice and not a product: the padding may hold anything, even NaN.
        x = ops.where(padding_mask, waveform, ops.zeros_like(waveform))
        x = ops.expand_dims(x, -1)
        for index, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if self.norm == "layer":
                x = self.layer_norms[index](x)
            elif index == 0:
                first = self.kernel_sizes[:1], self.strides[:1]
                x = self.group_norm(x, mask_frames(x, padding_mask, *first))
            x = gelu(x)
        return x
