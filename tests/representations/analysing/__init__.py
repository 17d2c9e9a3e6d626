"""Studies of stores with planted structure."""
