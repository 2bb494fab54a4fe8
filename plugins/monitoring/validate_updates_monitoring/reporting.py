"""``report incident``: of the run that is named, else of the last one that was an incident."""

from __future__ import annotations

from validate_updates import Answer, ReportContext, Section, StoredRun
from validate_updates_monitoring.incident import incident
from validate_updates_monitoring.policy import CODE
from validate_updates_monitoring.severity import Level
from validate_updates_monitoring.troubles import PLUGIN


def told(context: ReportContext) -> Answer:
    """The report of an incident, as data."""
    stored = context.run or _last(context)
    if stored is None:
        hint = f"of any run: validate-updates report incident RUN --task {context.task}"
        return Answer(sections=(Section(title=f"No incident on {context.task}", lines=(hint,)),), data={"run_id": None})
    sections = incident(context.journal, stored)
    return Answer(sections=sections, data={"run_id": stored.run.run_id, "state": stored.run.state})


def _last(context: ReportContext) -> StoredRun | None:
    """The newest run of the window that the policy, or a person, has called one."""
    for one in context.journal.judged([run.run_id for run in context.runs]):
        by_policy = any(finding.plugin == PLUGIN and finding.code == CODE[Level.ONE] for finding in one.findings)
        if by_policy or one.run.label == "incident":
            return context.journal.run(one.run.run_id)
    return None
