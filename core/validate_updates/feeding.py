"""The source of an update under way: opened, heard, and, where it is a plugin's, how far it was read kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from validate_updates import remarks
from validate_updates.errors import UsageError
from validate_updates.sources import open_source, plugin_source

if TYPE_CHECKING:
    from validate_updates.declarations import RecordSource
    from validate_updates.job import Job
    from validate_updates.manager import Owned, Plugins
    from validate_updates.sources.base import Source
    from validate_updates.underway import UnderWay


def record_source(job: Job, plugins: Plugins) -> Owned[RecordSource] | None:
    """The plugin's source that the job names; None where it names anything else. Raises ``UsageError``."""
    named = plugin_source(job.source)
    if named is None:
        return None
    if job.source_format is not None:
        raise UsageError(f"the source {':'.join(named)} has no format to be told", hint="leave the format out")
    return plugins.source(*named)


@contextmanager
def opened(run: UnderWay) -> Iterator[Source]:
    """The source, to be read inside the block; what a plugin's has to say is heard at its end, however that comes."""
    declared = record_source(run.job, run.plugins)
    if declared is None:
        yield open_source(run.job.source, run.job.source_format)
        return
    from validate_updates.sources.plugin import PluginSource
    from validate_updates.sourcing import SourceContext

    info = run.info
    with run.database.transaction(run.connection, write=False):
        watermark = run.chronicle.watermark(info.source)
    context = SourceContext(task=info.task, as_of=info.as_of, watermark=watermark, dry_run=info.dry_run)
    source = PluginSource(declared, context)
    try:
        yield source
    finally:
        if declared.shadow:
            run.judges.keep_in_shadow(source.findings())
            run.judges.shadow_metrics.update(source.metrics)
        else:
            run.judges.keep(source.findings())
            run.judges.metrics.update(source.metrics)


def is_whole(source: Source | None) -> bool:
    """Whether the source has all there is, so that rows which it lacks are missing."""
    return bool(getattr(source, "whole", True))  # of the sources, only a plugin's may say no


def keep_watermark(run: UnderWay) -> None:
    """Enter how far a plugin's source was read, in the transaction that commits the update.

    Not where more was kept out than the quarantine holds: such records are in the source alone, and are read again.
    """
    source, watermark = run.source, _watermark(run.source)
    if source is None or watermark is None:
        return
    if any(run.staged().overflow()):
        run.judges.keep([remarks.watermark_stays(source.name)])
    else:
        run.chronicle.keep_watermark(source.name, watermark)


def _watermark(source: Source | None) -> str | None:
    """How far it was read; of the sources, only a plugin's has one, and most updates do without its module."""
    return getattr(source, "watermark", None)
