"""Settings: from files, environment and flags to a :class:`~validate_updates.job.Job`, each value with its origin."""

from validate_updates.settings.jobs import Flags, backup_policy, job_for
from validate_updates.settings.load import Settings, load_settings
from validate_updates.settings.show import Entry, check, show
from validate_updates.settings.target import target_of

__all__ = ["Entry", "Flags", "Settings", "backup_policy", "check", "job_for", "load_settings", "show", "target_of"]
