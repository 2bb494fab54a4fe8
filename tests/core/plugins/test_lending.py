"""A plugin may ask the checks of another one that is not selected."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.engine.target import Target
from validate_updates import Context, Finding, Moment, SettingsOf, Validator, hookimpl
from validate_updates.errors import SettingsError
from validate_updates.manager import load

LENT = "validate_updates_static_thresholds.plugin"


class Borrower:
    """Asks the checks of static_thresholds at both moments."""

    def __init__(self, plugin: str = "static_thresholds") -> None:
        self.plugin = plugin
        self.selected: frozenset[str] = frozenset()

    @hookimpl
    def vu_validators(self, settings: SettingsOf) -> Iterator[Validator]:
        self.selected = settings.selected
        lent: list[Any] = []

        def check(context: Context) -> Iterator[Finding]:
            lent.append(lent[0] if lent else settings.lend(self.plugin))
            yield from lent[0].ask(context)

        for moment in (Moment.PLAN, Moment.RESULT):
            yield Validator(name=f"borrowed_{moment}", moment=moment, check=check, summary="what another one says")


@pytest.fixture
def target(sqlite_url: str) -> Target:
    target = Target(sqlite_url)
    target.execute("CREATE TABLE t (id integer PRIMARY KEY, day date)")
    return target


def test_findings_of_both_moments_and_the_metrics_that_they_rest_on(target: Target) -> None:
    borrower = Borrower()
    records = [{"id": number, "day": "1999-01-01"} for number in range(30)]

    result = target.judged(records, borrower, plugin_settings={"static_thresholds": {"added_most": 10}})

    found = {finding.code: (finding.plugin, finding.validator) for finding in result.findings}
    assert found["rows_added_high"] == ("given", "borrowed_plan")
    assert borrower.selected == {"given"}

    result = target.judged(records, Borrower())

    found = {finding.code: (finding.plugin, finding.validator) for finding in result.findings}
    assert found["dates_out_of_range"] == ("given", "borrowed_result")
    assert {one.plugin for one in result.judged} == {"given"}


def test_a_plugin_that_does_not_exist(target: Target) -> None:
    result = target.judged([{"id": 1}], Borrower("statistics"))

    assert [finding.code for finding in result.findings][:1] == ["validator_failed"]
    assert "no plugin is called 'statistics'" in result.findings[0].message


def test_nothing_is_lent_outside_of_a_run() -> None:
    with pytest.raises(LookupError, match="nobody to lend"):
        SettingsOf().lend("static_thresholds")


def test_what_is_lent_is_imported_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, LENT, raising=False)
    plugins = load([], {}, extra={"given": Borrower()})
    assert LENT not in sys.modules

    lent = plugins.settings.lend("static_thresholds")

    assert LENT in sys.modules
    assert lent.plugin == "static_thresholds"
    assert "rows_added_high" in {validator.name for validator in lent.validators}


def test_settings_of_what_is_lent_are_judged() -> None:
    plugins = load([], {"static_thresholds": {"added_mots": 1}}, extra={"given": Borrower()})
    with pytest.raises(SettingsError, match="added_mots"):
        plugins.settings.lend("static_thresholds")
