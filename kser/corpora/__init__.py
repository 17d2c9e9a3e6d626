"""What was recorded, by whom and how: metadata tables, labels, speaker-independent splits, corpus recipes."""
