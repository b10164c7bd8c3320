"""Many runs: an executor for jobs on several processes, a store that survives its process, sweeps over parameters, statistics."""
