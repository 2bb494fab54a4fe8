"""Judging an update by the metrics of earlier ones. Statistics only: series in, judgement out."""
