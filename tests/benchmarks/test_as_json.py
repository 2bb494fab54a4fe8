"""The form in which benchmarks write what they measured: what it holds, and that gates find in it what they ask for."""

from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks import historical
from benchmarks.as_json import SCHEMA_VERSION, Figure, of_costs, write
from benchmarks.report import Bar
from benchmarks.ways import Cost
from validate_updates_gates import benchmarked
from validate_updates_gates.validation import COLD, DETECTOR

README = (Path(__file__).parents[2] / "benchmarks" / "README.md").read_text()
BAR = Bar(what="a / b", limit=1.1, value=1.2)
COST = Cost(cpu=1.5, wall=2.0, peak=60.0, written=0.25)


def test_each_cost_of_each_way_is_a_figure(tmp_path: Path) -> None:
    write(tmp_path / "x.json", "batches", of_costs({"a": [COST, COST], "b": [COST]}, size=10), [BAR])

    found = json.loads((tmp_path / "x.json").read_text())

    assert [one["of"] for one in found["figures"][::4]] == [
        {"way": "a", "repeat": 0, "size": 10},
        {"way": "a", "repeat": 1, "size": 10},
        {"way": "b", "repeat": 0, "size": 10},
    ]
    assert [(one["name"], one["value"], one["unit"]) for one in found["figures"][:4]] == [
        ("cpu", 1.5, "s"),
        ("wall", 2.0, "s"),
        ("peak", 60.0, "MB"),
        ("written", 0.25, "MB"),
    ]
    assert found["bars"] == [{"what": "a / b", "limit": 1.1, "value": 1.2, "at_most": True, "holds": False}]


def test_gates_read_what_is_written(tmp_path: Path) -> None:
    write(tmp_path / "x.json", DETECTOR, [Figure(COLD, 429.5, "ms", {"metrics": 1000, "runs": 365})])

    (found,) = benchmarked.read_benchmarks([tmp_path / "x.json"])

    assert (found.schema_version, found.benchmark) == (benchmarked.SCHEMA_VERSION, DETECTOR)
    assert found.figures == (benchmarked.Figure(COLD, 429.5, "ms", {"metrics": 1000, "runs": 365}),)


def test_decisions_have_the_name_that_gates_ask_for() -> None:
    found = {one.name: one for one in historical.decision(metrics=3, runs=30, repeat=1)}

    assert (found[COLD].unit, found[COLD].of) == ("ms", {"metrics": 3, "runs": 30})
    assert found[COLD].value > 0


def test_where_no_file_is_asked_for_none_is_written(tmp_path: Path) -> None:
    write(None, "run", [])

    assert list(tmp_path.iterdir()) == []


def test_the_readme_names_every_key(tmp_path: Path) -> None:
    write(tmp_path / "x.json", "run", [])
    chapter = README.partition("\n## As JSON\n")[2]

    assert re.findall(r"(?m)^\| `(\w+)` \|", chapter) == list(json.loads((tmp_path / "x.json").read_text()))
    assert f"| `schema_version` | {SCHEMA_VERSION};" in chapter
