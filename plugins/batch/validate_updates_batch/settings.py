"""What can be set about batches: the table ``[plugins.batch]``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from validate_updates import PluginSettings

Limit = Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern=r"^\d{1,3}(\.\d+)? ?%\Z")]
"""A number, or a share as text: ``"20 %"``."""


class OnFailure(StrEnum):
    """What happens to a batch that holds a record the database, or a validator, refuses."""

    ISOLATE = "isolate"
    SKIP = "skip"
    REJECT = "reject"


class Publishing(StrEnum):
    """When others see what is written."""

    AUDITED = "audited"
    PROGRESSIVE = "progressive"


class BatchSettings(PluginSettings, frozen=True, kw_only=True):
    """``[plugins.batch]``."""

    size: Annotated[int, Meta(ge=1, le=1_000_000, description="records in a batch")] = 50
    on_failure: Annotated[
        OnFailure,
        Meta(description="a failed batch: isolate its bad records, skip all of it, or reject the update"),
    ] = OnFailure.ISOLATE
    max_failed_batches: Annotated[
        Limit, Meta(description="batches of which nothing could be written before the update is rejected")
    ] = "20 %"
    max_quarantined: Annotated[
        Limit, Meta(description="records kept out, of those read, before the update is rejected")
    ] = "20 %"
    publish: Annotated[
        Publishing, Meta(description="audited: all at the end; progressive: groups of batches as they succeed")
    ] = Publishing.AUDITED
    commit_batches: Annotated[int, Meta(ge=1, le=10_000, description="batches in a group")] = 20
    commit_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="seconds that a group should take; groups become smaller to meet it")
    ] = 1.0
