"""Long recordings: what is expressed when, by windows or by stretches of voice, whole or as a stream."""
