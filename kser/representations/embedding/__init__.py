"""What the layers of a model make of recordings: hidden states, pooled, in arrays or in a folder of them."""
