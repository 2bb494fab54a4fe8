"""The contract: every hook a plugin may implement.

All hooks collect declarations when the plugins have been selected and their settings read, before anything is read
from the source. They are called once a run, in the order of the plugins' names, and must be quick: what costs time
belongs into what they declare. A hook that raises, or returns something else than promised, is an error that names the
plugin and its distribution.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from validate_updates.markers import hookspec

if TYPE_CHECKING:
    from validate_updates.declarations import (
        Backtest,
        Criteria,
        Metric,
        Observer,
        PluginSettings,
        RecordSource,
        Report,
        ReportSection,
        SettingsOf,
        Subcommand,
        UpdateStrategy,
        Validator,
    )


@hookspec
def vu_settings() -> type[PluginSettings]:  # type: ignore[empty-body]
    """The class of this plugin's settings, for the table ``[plugins.<name>]``.

    Called first, right after loading. Return one subclass of
    :class:`~validate_updates.declarations.PluginSettings` whose fields all have defaults. A plugin without settings
    leaves this hook out; any key in its table is then an error.

    .. code-block:: python

        from typing import Annotated
        from msgspec import Meta
        from validate_updates import PluginSettings, hookimpl

        class Limits(PluginSettings, frozen=True, kw_only=True):
            most: Annotated[int, Meta(ge=1, description="most records an update may add")] = 1000

        @hookimpl
        def vu_settings():
            return Limits
    """


@hookspec
def vu_sources(settings: SettingsOf) -> Iterable[RecordSource]:  # type: ignore[empty-body]
    """Where records come from: a task of the settings names one as ``source = "<plugin>:<name>"``.

    Its function is called when the run is under the lock and entered in the journal, with a
    :class:`~validate_updates.sourcing.SourceContext`, and read once, forward, before any transaction is open. It gives
    mappings of column to value; what cannot be read it gives as
    :class:`~validate_updates.sourcing.UnreadableRecord`. What it tells ``context.advance`` is committed with the
    update, and is ``context.watermark`` of the next run. Whatever it raises fails the run, which is rolled back.

    .. code-block:: python

        from validate_updates import RecordSource, hookimpl

        def new_numbers(context):
            last = int(context.watermark or 0)
            for number in range(last + 1, last + 4):
                yield {"id": number, "title": f"number {number}"}
            context.advance(str(last + 3))

        @hookimpl
        def vu_sources(settings):
            yield RecordSource(name="numbers", summary="three numbers at a time", read=new_numbers)
    """


@hookspec
def vu_validators(settings: SettingsOf) -> Iterable[Validator]:  # type: ignore[empty-body]
    """The checks of this plugin.

    ``settings[Limits]`` is the plugin's own settings object. Each validator is run at its moment in a thread of its
    own, with a time limit and read-only access to the database, inside the transaction that it judges. One that raises,
    exits, prints, hangs or returns anything but findings counts as a critical finding. One whose settings make no sense
    for this target raises :class:`~validate_updates.errors.SettingsError`, which ends the run with exit code 2.

    A validator of the moment ``records`` may also give :class:`~validate_updates.findings.KeepOut`: that record goes to
    quarantine with the reason, and the others are written. Such validators are asked again until nobody keeps out any
    more, since one record may need another. Where records carry children, ``context.of(table)`` is about a table of
    theirs, and a ``KeepOut`` with that ``table`` takes the whole unit out.

    .. code-block:: python

        import sqlalchemy as sa
        from validate_updates import Finding, KeepOut, Moment, Severity, Validator, hookimpl

        def not_on_sunday(context):
            if context.run.as_of.weekday() == 6:
                yield Finding(code="sunday", severity=Severity.WARNING, message="updates do not run on Sundays")

        def titled(context):
            staged = context.staged
            for (row,) in context.db.each(sa.select(staged.c.vu_row).where(staged.c.title.is_(None))):
                yield KeepOut(row=row, code="title_missing", message="it has no title", column="title")

        def seated(context):
            for name in context.tables:
                staged = context.of(name).staged
                if "seats" in staged.c:
                    for (row,) in context.db.each(sa.select(staged.c.vu_row).where(staged.c.seats < 1)):
                        yield KeepOut(row=row, table=name, code="no_seats", message="nobody can sit", column="seats")

        @hookimpl
        def vu_validators(settings):
            yield Validator(name="not_on_sunday", moment=Moment.PLAN, check=not_on_sunday, summary="the day of week")
            yield Validator(name="titled", moment=Moment.RECORDS, check=titled, summary="records without a title")
            yield Validator(name="seated", moment=Moment.RECORDS, check=seated, summary="rows without seats")
    """


@hookspec
def vu_strategy(settings: SettingsOf) -> UpdateStrategy | None:
    """The way updates are applied, in place of the built-in all-or-nothing.

    At most one selected plugin may return one; two are an error that names both. None means none.

    .. code-block:: python

        from validate_updates import UpdateStrategy, hookimpl

        def in_one_go(application):
            application.batch().write()

        @hookimpl
        def vu_strategy(settings):
            return UpdateStrategy(name="in_one_go", summary="all of it at once", apply=in_one_go)
    """


@hookspec
def vu_metrics(settings: SettingsOf) -> Iterable[Metric]:  # type: ignore[empty-body]
    """Numbers to measure at each update and to keep in the journal, where checks of later updates find them.

    Measured under the same guard as validators, before the validators of the same moment, which can read them.

    .. code-block:: python

        from validate_updates import Metric, hookimpl

        @hookimpl
        def vu_metrics(settings):
            yield Metric(name="share_new", summary="share of records that are new",
                         measure=lambda context: context.counts.inserted / max(context.counts.read, 1))
    """


@hookspec
def vu_sections(settings: SettingsOf) -> Iterable[ReportSection]:  # type: ignore[empty-body]
    """Parts for the summary and the reports of a run, as data.

    Built after the verdict. A section that cannot be built is left out with a warning; it never changes the outcome.

    .. code-block:: python

        from validate_updates import ReportSection, Section, hookimpl

        def speed(result):
            return Section(title="Speed", rows=(("records read", str(result.counts.read)),))

        @hookimpl
        def vu_sections(settings):
            yield ReportSection(name="speed", title="Speed", build=speed)
    """


@hookspec
def vu_observers(settings: SettingsOf) -> Iterable[Observer]:  # type: ignore[empty-body]
    """What is to happen when a run has begun or ended: drawing conclusions, telling people.

    Called in a thread of its own with a time limit, when the outcome is in the journal and the lock is given back; at
    ``begin`` the run waits. Not for dry runs. What an observer answers is added to the findings and decides nothing;
    one that fails is a warning. ``observation.state`` keeps texts between the runs of a task, ``observation.shared``
    between those of all tasks.

    .. code-block:: python

        from validate_updates import Finding, Observer, Occasion, Severity, hookimpl

        def count(observation):
            if observation.result and observation.result.exit_code == 0:
                observation.state.pop("troubles", None)
                return
            troubles = int(observation.state.get("troubles", "0")) + 1
            observation.state["troubles"] = str(troubles)
            if troubles >= 3:
                yield Finding(code="again", severity=Severity.WARNING, message=f"{troubles} runs in a row went wrong")

        @hookimpl
        def vu_observers(settings):
            yield Observer(name="count", occasion=Occasion.RECORDED, observe=count, summary="runs in a row that failed")
    """


@hookspec
def vu_backtests(settings: SettingsOf) -> Iterable[Backtest]:  # type: ignore[empty-body]
    """What this plugin would have said of the past, under the settings that hold now.

    Asked for only before the plugin is tried, as by ``canary start``, never in a run. ``history`` is the one that its
    validators see. A plugin that judges records, of which the journal keeps nothing, leaves this hook out.

    .. code-block:: python

        from validate_updates import Backtest, Section, hookimpl

        def replay(history, runs):
            large = [run for run in history.runs(runs) if run.counts.inserted > 1000]
            return Section(title="Large updates", lines=(f"{len(large)} of the last {runs} runs are too large",))

        @hookimpl
        def vu_backtests(settings):
            yield Backtest(name="large", replay=replay, summary="updates that add too much")
    """


@hookspec
def vu_criteria(settings: SettingsOf) -> Iterable[Criteria]:  # type: ignore[empty-body]
    """What this plugin asks of a task over a while, each with target, actual, evidence, and what came of it.

    Asked for by those who judge a task as a whole, such as ``gate check``, never in a run. What cannot be told is
    ``CriterionState.UNKNOWN``, and says in ``todo`` what to run.

    .. code-block:: python

        from validate_updates import Criteria, Criterion, CriterionState, hookimpl

        def busy(journal, task, since, until):
            runs = [run for run in journal.runs(task=task, since=since) if run.started_at <= until]
            yield Criterion(
                name="runs",
                target="at least 3",
                actual=str(len(runs)),
                state=CriterionState.PASS if len(runs) >= 3 else CriterionState.UNKNOWN,
                evidence=f"since {since:%Y-%m-%d}",
                todo=f"validate-updates run {task}",
            )

        @hookimpl
        def vu_criteria(settings):
            yield Criteria(name="busy", judge=busy, summary="whether it runs at all")
    """


@hookspec
def vu_reports(settings: SettingsOf) -> Iterable[Report]:  # type: ignore[empty-body]
    """What is told of a task over a while, as data: ``validate-updates report <name>``, as text, Markdown, JSON, HTML.

    Asked of all installed plugins when a report is, never in a run: a plugin need not be selected. The function gets a
    :class:`~validate_updates.reporting.ReportContext`. A name belongs to one plugin; others may add to its report:
    ``extends=True``.

    .. code-block:: python

        from validate_updates import Answer, Report, Section, hookimpl

        def slowest(context):
            slow = sorted(context.runs, key=lambda run: run.seconds or 0, reverse=True)[:5]
            rows = tuple((run.run_id, f"{run.seconds or 0:.1f} s") for run in slow)
            section = Section(title="The slowest runs", header=("run", "took"), rows=rows)
            return Answer(sections=(section,), data={"runs": [run.run_id for run in slow]})

        @hookimpl
        def vu_reports(settings):
            yield Report(name="slowest", build=slowest, days=30, summary="the runs that took longest")
            yield Report(name="weekly", build=slowest, extends=True, summary="the slowest runs, in the weekly report")
    """


@hookspec
def vu_subcommands(settings: SettingsOf) -> Iterable[Subcommand]:  # type: ignore[empty-body]
    """Commands of this plugin, shown as ``validate-updates <plugin> <command>``.

    Asked for only when a command that is not built in is called, or help is shown for it. A text in a parameter's
    annotation is its help. A parameter annotated with :class:`~validate_updates.desk.Desk` is filled in: the tasks of
    the settings, and their journals.

    .. code-block:: python

        from typing import Annotated
        from validate_updates import Subcommand, hookimpl

        def hello(name: Annotated[str, "whom to greet"] = "world") -> str:
            return f"hello {name}"

        @hookimpl
        def vu_subcommands(settings):
            yield Subcommand(name="hello", summary="say hello", function=hello)
    """
