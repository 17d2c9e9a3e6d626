"""What eval/benchmarks/gpu_suite.py measures, a file each."""
