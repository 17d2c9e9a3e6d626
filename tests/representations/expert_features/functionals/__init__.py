"""Stores of hidden states and of features, and studies of them."""
