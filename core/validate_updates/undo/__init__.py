"""The undo log: what every changed row was before, kept with the change, and the way back to it."""
