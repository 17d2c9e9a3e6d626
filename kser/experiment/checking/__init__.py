"""What an experiment would do, told before it does it: `kser check`. Nothing here trains."""
