"""Throughput benchmarks: the simulator beside general-purpose discrete-event engines, in one process."""
