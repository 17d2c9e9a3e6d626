"""What a run learns to say of an utterance, one kind of task a module."""
