"""The usual signals, each alone: a formula, its source, and what it says about one value after a history.

They explain an alert in words that people know (`runs explain`), and may be used by themselves. Whether there is an
alert is not theirs to say: `score` asks families that are calibrated on the metric's own past.
"""
