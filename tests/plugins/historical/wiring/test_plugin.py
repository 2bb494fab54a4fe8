"""What the plugin declares, and that its page tells it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec

from validate_updates import Moment, SettingsOf
from validate_updates_historical import plugin, telling
from validate_updates_historical.seasons import Calendar
from validate_updates_historical.settings import Historical

PAGE = Path(__file__).parents[4] / "docs" / "historical.md"
LIGHT = """
import sys
from validate_updates.manager import load
load(["historical"], {}, origins={})
print({"numpy", "scipy", "sqlalchemy", "validate_updates_static_thresholds"} & set(sys.modules))
"""

JUDGED = """
import sys
from datetime import date, timedelta
from validate_updates_historical.rule import judge
from validate_updates_historical.series import Series
days = [date(2025, 1, 1) + timedelta(days=number) for number in range(90)]
known = {"read": Series(days, [float(100 + number * 7 % 5) for number in range(90)])}
print(len(judge(known, {"read": 0.0}, at=date(2025, 4, 1)).alerts), "scipy" in sys.modules)
"""


def test_the_page_lists_every_setting_with_its_default() -> None:
    told = dict(re.findall(r"^\| `([\w.]+)` \| `(.*?)` \|", PAGE.read_text().split("## Settings")[1], re.MULTILINE))
    defaults = Historical()
    known = {one.name: getattr(defaults, one.name) for one in msgspec.structs.fields(Historical)}
    known |= {f"calendar.{one.name}": getattr(Calendar(), one.name) for one in msgspec.structs.fields(Calendar)}
    del known["calendar"]

    assert {name: json.loads(default) for name, default in told.items()} == {
        name: json.loads(msgspec.json.encode(value)) for name, value in known.items()
    }


def test_the_page_names_every_finding() -> None:
    text = PAGE.read_text()

    assert all(f"`{code}`" in text for code in (telling.UNUSUAL, telling.EXPECTED, telling.LEARNING))


def test_loading_the_plugin_imports_no_statistics() -> None:
    child = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)

    assert child.stdout.strip() == "set()"


def test_judging_an_update_imports_no_scipy_which_takes_longer_than_all_else() -> None:
    child = subprocess.run([sys.executable, "-c", JUDGED], capture_output=True, text=True, check=True)

    assert child.stdout.strip() == "1 False"


def test_the_fixed_limits_are_there_where_nobody_else_asks_them() -> None:
    alone = {one.name: one.moment for one in plugin.vu_validators(SettingsOf())}
    beside = {one.name for one in plugin.vu_validators(SettingsOf(selected=["historical", "static_thresholds"]))}

    assert alone == {
        "unusual": Moment.PLAN,
        "unusual_result": Moment.RESULT,
        "fixed_limits": Moment.PLAN,
        "fixed_limits_result": Moment.RESULT,
    }
    assert beside == {"unusual", "unusual_result"}


def test_numbers_and_ranges_in_words() -> None:
    assert [telling.number(value) for value in (231.0, 4.125, 1_250_000.0, -0.5, 2.00001)] == [
        "231",
        "4.125",
        "1,250,000",
        "-0.5",
        "2",
    ]
    assert [telling.rarity(strength) for strength in (2.0, 3.7, 4.82, 6.0, 99.0)] == [
        "once in 100 runs",
        "once in 5,000 runs",
        "once in 70,000 runs",
        "less than once in a million runs",
        "less than once in a million runs",
    ]
    assert telling.expected("records.read", -3.2, 12.4, [5.0, 6.0]) == "0 to 13"
    assert telling.expected("balance", -3.25, 12.5, [-5.5, 6.0]) == "-3.25 to 12.5"
    assert telling.expected("columns.missing.title", 90.0, 120.0, [95.5, 99.0]) == "90 to 100"
    assert telling.expected("records.deleted", 0.0, 0.0, [0.0]) == "0"
