"""What contrib/ builds of kser for others."""
