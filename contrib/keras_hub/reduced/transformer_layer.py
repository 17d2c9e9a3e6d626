from keras import ops


class SelfAttention:
    def attend(self, frames, frame_mask, score_bias=None, training=None):
        """Attention with a tensor added to the scores, broadcast to (batch, heads, frames, frames)."""
        projections = (self.query, self.key, self.value)
        query, key, value = (self.split_heads(part(frames), frames) for part in projections)
        scale = (frames.shape[-1] // self.num_heads) ** -0.5
        scores = ops.matmul(query * scale, ops.transpose(key, (0, 1, 3, 2)))
        if score_bias is not None:
            scores = scores + score_bias
        attendable = ops.expand_dims(ops.expand_dims(frame_mask, 1), 1)
        scores = ops.where(attendable, scores, masked_score(scores))
        weights = ops.cast(ops.softmax(ops.cast(scores, "float32"), axis=-1), value.dtype)
        weights = self.attention_dropout(weights, training=training)
        mixed = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        return self.output_projection(ops.reshape(mixed, ops.shape(frames)))

    def split_heads(self, x, frames):
        """(batch, frames, channels) → (batch, heads, frames, channels // heads)."""
        batch, num_frames, channels = ops.shape(frames)
        heads = ops.reshape(x, (batch, num_frames, self.num_heads, channels // self.num_heads))
        return ops.transpose(heads, (0, 2, 1, 3))
