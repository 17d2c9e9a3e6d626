"""The JSON of experiments and models: fields, rules of what goes together, loading."""
