"""A metric over time with the range that its past foretold, its alerts and people's labels, as a file."""

from validate_updates_historical.charts.files import save
from validate_updates_historical.charts.points import Point, foretold

__all__ = ["Point", "foretold", "save"]
