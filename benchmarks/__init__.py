"""Benchmarks: how fast an update is, and how fast it starts, beside what people use instead."""
