from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pluggy
import pytest

import validate_updates_static_thresholds
from tests.plugins.static_thresholds.world import World, codes, context, earlier
from validate_updates import Context, Counts, Finding, Moment, SettingsOf, Severity, Validator
from validate_updates_static_thresholds import plugin
from validate_updates_static_thresholds.settings import CODES, SqlCheck, StaticThresholds

PACKAGE = Path(validate_updates_static_thresholds.__file__).parent
PAGE = Path(__file__).parents[3] / "docs" / "static-thresholds.md"
OTHER_CODES = {"not_checked", "sql_check_outside_limits", "sql_check_not_a_number"}


def validators(limits: StaticThresholds | None = None) -> dict[str, Validator]:
    return {one.name: one for one in plugin.vu_validators(SettingsOf([limits or StaticThresholds()]))}


def configured() -> StaticThresholds:
    lonely = SqlCheck(name="lonely", sql="select 0", warn_above=0)
    return StaticThresholds(required_tables=("hearings",), minimum_rows={"hearings": 1}, checks=(lonely,))


def test_a_check_a_validator_and_the_code_of_its_finding_have_one_name() -> None:
    assert list(validators(configured())) == [*CODES, "check.lonely"]


def test_checks_that_have_nothing_to_look_at_are_not_declared() -> None:
    assert set(CODES) - set(validators()) == {"table_missing", "table_too_small"}
    assert "table_missing" in validators(StaticThresholds(required_tables=("hearings",)))
    assert "table_missing" in validators(StaticThresholds(minimum_rows={"hearings": 1}))


def test_every_code_in_the_package_is_known() -> None:
    said = set()
    for module in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                said.add(node.value.value)
    assert said | OTHER_CODES == {*CODES, *OTHER_CODES}
    assert set(CODES) <= said


def test_metrics_are_declared_for_their_moments() -> None:
    metrics = {one.name: one.moment for one in plugin.vu_metrics(SettingsOf([configured()]))}
    assert metrics == {"foreign_key_orphans": Moment.PLAN, "values": Moment.PLAN, "check.lonely": Moment.RESULT}


def told(validator: Validator, judged: Context) -> list[Finding]:
    answer = list(validator.check(judged))
    findings = [one for one in answer if isinstance(one, Finding)]
    assert len(findings) == len(answer), "no check of this plugin keeps records out"
    return findings


def test_severities_of_the_settings_win_and_leave_the_rest_alone() -> None:
    judged = context(counts=Counts(read=2000, inserted=2000), history=earlier(Counts(inserted=1)))
    limits = StaticThresholds(severities={"rows_added_high": Severity.INFO})
    (lowered,) = told(validators(limits)["rows_added_high"], judged)
    (other,) = told(validators(limits)["rows_added_above_average"], judged)
    assert (lowered.code, lowered.severity) == ("rows_added_high", Severity.INFO)
    assert other.severity is Severity.CRITICAL


def test_all_checks_pass_on_an_empty_database_and_say_what_they_could_not_look_at(world: World) -> None:
    judged = world.context(counts=Counts(), metrics={"foreign_key_orphans.total": 0, "values.records": 0})
    found = {name: codes(told(one, judged)) for name, one in validators().items()}
    assert {name: said for name, said in found.items() if said} == {
        "source_empty": ["source_empty"],
        "rows_changed_low": ["not_checked"],
        "values_missing": ["not_checked"],
        "dates_out_of_range": ["not_checked"],
        "text_repeated": ["not_checked"],
    }


def test_the_hooks_are_those_of_the_contract() -> None:
    from validate_updates import hookspecs
    from validate_updates.markers import PROJECT

    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    assert {caller.name for caller in manager.get_hookcallers(plugin) or ()} == {
        "vu_settings",
        "vu_validators",
        "vu_metrics",
    }


def test_only_the_public_contract_is_imported() -> None:
    for module in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "validate_updates":
                assert node.module == "validate_updates", f"{module.name} imports from {node.module}"


@pytest.mark.parametrize("name", [*CODES, *sorted(OTHER_CODES)])
def test_the_page_explains_every_code(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("kind", [StaticThresholds, SqlCheck])
def test_the_page_lists_every_setting_with_its_default(kind: type[StaticThresholds | SqlCheck]) -> None:
    page = PAGE.read_text()
    for field in msgspec.structs.fields(kind):
        row = re.search(rf"^\| `{field.name}` \| (.*?) \|", page, re.MULTILINE)
        assert row, f"{field.name} is not on the page"
        if isinstance(field.default, int | float):
            assert row[1] == f"{field.default:g}"


def test_the_settings_shown_on_the_page_are_settings() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        table = tomllib.loads(block)["plugins"]["static_thresholds"]
        assert msgspec.convert(table, StaticThresholds) != StaticThresholds()


def test_the_plugin_is_loaded_without_anything_heavy() -> None:
    script = "import sys, validate_updates_static_thresholds.plugin; print({'sqlalchemy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
