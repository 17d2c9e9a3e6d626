"""Studies of stores: what layers hold, how alike they are, and what training changed in them."""
