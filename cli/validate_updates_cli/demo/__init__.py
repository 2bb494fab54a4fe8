"""A small world to try the program in: a database of hearings, weeks of updates, and three for today."""
