"""What each command does: plain functions, which the command line only translates to."""
