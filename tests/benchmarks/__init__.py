"""Programs of eval/benchmarks that others have to rely on where no test can run them in full."""
