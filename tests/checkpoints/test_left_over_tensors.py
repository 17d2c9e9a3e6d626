"""Tensors that no backbone uses: heads are told apart from what should not be there."""

import pytest

from kser.checkpoints.left_over_tensors import LeftOver, in_short, sort_left_over

DECODER = ["model.decoder.a.b", "model.decoder.c", "proj_out.weight"]


@pytest.mark.parametrize(
    ("prefix", "names", "expected", "unexpected"),
    [
        ("wav2vec2.", ["lm_head.weight", "lm_head.bias"], {"lm_head": 2}, {}),
        (
            "wav2vec2.",
            ["quantizer.codevectors", "quantizer.weight_proj.weight", "project_q.bias"],
            {"project_q": 1, "quantizer": 2},
            {},
        ),
        ("wav2vec2.", ["wav2vec2.masked_spec_embed"], {"masked_spec_embed": 1}, {}),
        ("wav2vec2.", ["encoder.layers.0.bias"], {"encoder": 1}, {}),  # another model's, beside the backbone
        (
            "wav2vec2.",
            ["wav2vec2.encoder.layers.0.adapter.bias", "wav2vec2.encoder.layers.1.adapter.bias"],
            {},
            {"wav2vec2.encoder.layers": 2},
        ),
        ("", ["classifier.bias", "projector.bias"], {"classifier": 1, "projector": 1}, {}),
        (
            "",
            ["encoder.layers.12.attention.k_proj.bias", "adapter.proj"],
            {},
            {"adapter": 1, "encoder.layers": 1},
        ),
        ("", ["extra"], {}, {"extra": 1}),
        ("", ["encoder.pos_conv_embed.batch_norm.num_batches_tracked"], {"num_batches_tracked": 1}, {}),
        ("model.encoder.", DECODER, {"model.decoder": 2, "proj_out": 1}, {}),
        ("model.", DECODER, {"decoder": 2, "proj_out": 1}, {}),
    ],
)
def test_sorting(prefix: str, names: list[str], expected: dict[str, int], unexpected: dict[str, int]) -> None:
    assert sort_left_over(names, prefix) == LeftOver(expected, unexpected)


def test_in_short() -> None:
    assert in_short({"lm_head": 2, "quantizer": 3}) == "lm_head (2), quantizer (3)"
    assert in_short({}) == ""
