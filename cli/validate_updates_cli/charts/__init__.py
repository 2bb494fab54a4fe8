"""A metric over time with the range that its past made to be expected, its alerts and labels, as drawings."""
