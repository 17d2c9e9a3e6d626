"""Many runs at once: in processes of this machine, on a Ray cluster, as an array job of SLURM."""
