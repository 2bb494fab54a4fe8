"""Records that validators of the moment ``records`` keep out: gone from the plan before anybody judges it as a whole.

Of each its number stays in memory, and of the first thousands the reason; the rest happens in the database.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from validate_updates import signals
from validate_updates.answers import Rubbish
from validate_updates.declarations import Moment
from validate_updates.findings import Finding, Severity
from validate_updates.guard import VALIDATOR_FAILED
from validate_updates.intake import ENTRIES
from validate_updates.modes import Mode
from validate_updates.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from validate_updates.declarations import Validator
    from validate_updates.findings import KeepOut
    from validate_updates.manager import Owned
    from validate_updates.result import Judged, KeptOut
    from validate_updates.targets.plan import Plan
    from validate_updates.underway import UnderWay

_ROUNDS = 20
"""How often the validators are asked at most; what they would still keep out then is left to the database."""
_REASONS = 200
"""Different codes, columns and rules in one answer."""
_SAMPLES = 5
"""Records that a finding names."""
_TOGETHER = 500
"""Numbers in one statement."""

_Kind: TypeAlias = "tuple[str, str | None, str | None, str]"


def _kind(one: KeepOut) -> _Kind:
    return one.code, one.table, one.column, one.rule


def keep_records_out(run: UnderWay) -> Sequence[Finding]:
    """Ask until nobody keeps out any more, since one record may need another; what they say in the end is kept.

    What one validator keeps out, the next no longer finds in the plan. Raises ``SettingsError`` where the settings of
    one make no sense for the target.
    """
    validators = run.judges.validators(Moment.RECORDS)
    told: dict[str, Judged] = {}
    kept_out: dict[tuple[str, str], list[_Reason]] = {}
    findings: list[Finding] = []
    for _ in range(_ROUNDS if validators else 0):
        before, findings = run.staged().kept_out, []
        for owned in validators:
            answer, judged, found = _asked(run, owned)
            findings += found
            name = f"{owned.plugin}.{owned.item.name}"
            told[name] = _and_again(told.get(name), judged)
            _merge(kept_out.setdefault((owned.plugin, owned.item.name), []), answer)
        signals.check()
        if run.staged().kept_out == before or any(one.severity is Severity.CRITICAL for one in findings):
            break
    if any(kept_out.values()):
        run.staged().keep_out_what_needs_them(run.planned(), run.judges.keep)
        run.planned().close_ranks()
        run.tell_planned()
    summed_up = [
        reason.finding(run.target.name).by(plugin, validator, Moment.RECORDS)
        for (plugin, validator), reasons in kept_out.items()
        for reason in reasons
    ]
    for judged in told.values():
        run.judges.note(judged)
    run.judges.keep([*findings, *summed_up])
    _ask_in_shadow(run)
    return findings


def _ask_in_shadow(run: UnderWay) -> None:
    """Of what is left in the plan, what validators in shadow would have kept out; once, and nothing is."""
    for owned in run.judges.validators(Moment.RECORDS, Mode.SHADOW):
        answer = _Answer()
        judged, findings = run.judges.ask_one(owned, run.context(Moment.RECORDS), answer.add)
        counted_by_kind: Counter[int] = Counter()
        try:
            if judged.outcome == "found":
                answer = answer.of_records(run.planned())
                kinds = _first_wins(answer.rows, answer.kinds)
                for rows, _, _ in answer.parts():
                    counted_by_kind.update(kinds.pop(row) for row in run.planned().would_keep_out(rows) if row in kinds)
        except LookupError as reason:
            judged, findings = replace(judged, outcome="failed"), [_strange(owned, reason)]
            counted_by_kind.clear()
        would = [
            answer.reasons[kind].in_shadow(run.target.name, count).by(owned.plugin, owned.item.name, Moment.RECORDS)
            for kind, count in counted_by_kind.items()
        ]
        run.judges.note(judged)
        run.judges.keep_in_shadow([*findings, *would])


@dataclass(slots=True)
class _Reason:
    """One code, table, column and rule, and the records kept out for it."""

    first: KeepOut
    count: int = 0
    samples: list[str] = field(default_factory=list)

    @property
    def kind(self) -> _Kind:
        return _kind(self.first)

    def finding(self, table: str) -> Finding:
        """All of them in one."""
        example = self.samples[0] if self.samples else self.first.message
        return Finding(
            code=self.first.code,
            severity=Severity.WARNING,
            message=f"{counted(self.count, 'record')} kept out: {example}",
            hint="mend them in the quarantine, and replay them; the others are written",
            table=self.first.table or table,
            key=None,
            column=self.first.column,
            observed=self.count,
            expected=self.first.rule or None,
            samples=tuple(self.samples),
        )

    def in_shadow(self, table: str, count: int) -> Finding:
        """What it would have been, of a validator in shadow."""
        said = f"{counted(count, 'record')} would have been kept out: {self.first.message}"
        return replace(self.finding(table), message=said, observed=count, hint="")


class _Answer:
    """What one validator keeps out: all numbers, and the reasons of the first."""

    def __init__(self) -> None:
        self.rows = array("q")
        self.kinds = array("H")
        """Of each number, the place of its reason among :attr:`reasons`."""
        self.reasons: list[_Reason] = []
        self.first: list[KeepOut] = []
        self._places: dict[_Kind, int] = {}

    def add(self, one: KeepOut) -> None:
        """Take a record. Runs under guard; raises :class:`Rubbish` where there are too many reasons."""
        kind = _kind(one)
        place = self._places.get(kind)
        if place is None:
            if len(self.reasons) == _REASONS:
                raise Rubbish(f"kept records out for more than {_REASONS} codes, tables, columns and rules")
            place = self._places[kind] = len(self.reasons)
            self.reasons.append(_Reason(one))
        self.rows.append(one.row)
        self.kinds.append(place)
        if len(self.first) < ENTRIES:
            self.first.append(one)

    def parts(self) -> Iterator[tuple[Sequence[int], Sequence[int], Sequence[KeepOut]]]:
        """Numbers, places of reasons, and the reasons that are known, a statement's worth at a time."""
        for start in range(0, len(self.rows), _TOGETHER):
            end = start + _TOGETHER
            yield self.rows[start:end], self.kinds[start:end], self.first[start:end]

    def of_records(self, plan: Plan) -> _Answer:
        """The same, said of the records whose children are to blame. Raises ``LookupError`` where there are no such."""
        if all(reason.first.table in {None, plan.target.name} for reason in self.reasons):
            return self
        told = _Answer()
        told.reasons, told.kinds = self.reasons, self.kinds
        for rows, kinds, known in self.parts():
            tables = [self.reasons[kind].first.table or plan.target.name for kind in kinds]
            owners = plan.owners(list(zip(tables, rows, strict=True)))
            told.rows.extend(unit for unit, _ in owners)
            told.first += [
                replace(one, row=unit, message=f"{whose}{one.message}")
                for one, (unit, whose) in zip(known, owners[: len(known)], strict=True)
            ]
        return told


def _asked(run: UnderWay, owned: Owned[Validator]) -> tuple[_Answer, Judged, Sequence[Finding]]:
    answer = _Answer()
    judged, findings = run.judges.ask_one(owned, run.context(Moment.RECORDS), answer.add)
    if judged.outcome == "failed" or not answer.rows:
        return _Answer(), judged, findings
    plan = run.planned()
    try:
        answer = answer.of_records(plan)
        for rows, kinds, known in answer.parts():
            _take(run, answer, plan.keep_out(rows), _first_wins(rows, kinds), known)
    except LookupError as reason:
        plan.drop_kept_out()  # what was entered before it was found is kept out, and counted
        run.count_anew()
        return _Answer(), replace(judged, outcome="failed"), [_strange(owned, reason)]
    plan.drop_kept_out()
    run.count_anew()
    return answer, judged, findings


def _first_wins(rows: Sequence[int], kinds: Sequence[int]) -> dict[int, int]:
    return dict(reversed(list(zip(rows, kinds, strict=True))))


def _take(
    run: UnderWay, answer: _Answer, fresh: Sequence[int], kinds: dict[int, int], known: Sequence[KeepOut]
) -> None:
    """Enter records that are kept out from now on into the quarantine, and count them."""
    first = {one.row: one for one in reversed(known)}
    reasons = [first[row] for row in fresh if row in first]
    entries = list(run.staged().describe_each(run.planned(), reasons))
    run.staged().keep_out_staged(entries, uncounted=len(fresh) - len(entries))
    for row in fresh:
        answer.reasons[kinds[row]].count += 1
    for reason, entry in zip(reasons, entries, strict=True):
        _show(answer.reasons[kinds[reason.row]], entry)


def _show(reason: _Reason, entry: KeptOut) -> None:
    if len(reason.samples) < _SAMPLES:
        reason.samples.append(f"{entry.key}: {entry.message}")


def _merge(reasons: list[_Reason], answer: _Answer) -> None:
    """Add what a later round kept out to what was before."""
    known = {reason.kind: reason for reason in reasons}
    for new in answer.reasons:
        if not new.count:
            continue
        if new.kind in known:
            known[new.kind].count += new.count
            known[new.kind].samples = [*known[new.kind].samples, *new.samples][:_SAMPLES]
        else:
            reasons.append(new)


def _and_again(earlier: Judged | None, judged: Judged) -> Judged:
    """A validator in all its rounds: what it found at the last, with what it kept out at any."""
    if earlier is None or judged.outcome == "failed":
        return judged
    outcome = "found" if earlier.outcome == "found" else judged.outcome
    return replace(
        judged,
        outcome=outcome,
        findings=max(judged.findings, earlier.findings),
        seconds=judged.seconds + earlier.seconds,
    )


def _strange(owned: Owned[Validator], reason: LookupError) -> Finding:
    return Finding(
        code=VALIDATOR_FAILED,
        severity=Severity.CRITICAL,
        message=f"validator {owned.plugin}.{owned.item.name} kept out {reason}",
        hint="a KeepOut names the vu_row of a staged record, and a child's table: mend it, or run without the plugin",
        observed="rubbish",
    ).by(owned.plugin, owned.item.name, Moment.RECORDS)
