"""What has happened to a task over a day, a week, a month; told from the journal."""
