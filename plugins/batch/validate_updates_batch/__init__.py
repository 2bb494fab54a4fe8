"""Batches that stand or fall alone: an update strategy."""
