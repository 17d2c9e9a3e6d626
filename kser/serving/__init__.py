"""A trained model at work: what it says of recordings, one, many or as a stream."""
