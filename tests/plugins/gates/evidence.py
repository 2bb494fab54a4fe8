"""Files as test runners, benchmarks, ``evaluate`` and dry runs write them."""

from __future__ import annotations

from typing import Any


def junit(*cases: str, **counts: int) -> str:
    """A file of test cases, each the XML inside of one."""
    told = "".join(f' {name}="{count}"' for name, count in counts.items())
    inner = "".join(
        f'<testcase classname="tests.x" name="test_{number}">{case}</testcase>' for number, case in enumerate(cases)
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="x"{told}>{inner}</testsuite></testsuites>'
    )


def benchmark(name: str, *figures: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "benchmark": name,
        "made_at": "2026-11-28T12:00:00Z",
        "environment": {},
        "figures": figures,
        "bars": [],
    }


def figure(name: str, value: float, unit: str = "ms", **of: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "of": of}


def load(*, failed: int = 0, slowdown: float = 5.0, **sizes: int) -> dict[str, Any]:
    """A load test on distinct targets and on one."""
    of = {"records": 1000, "batches": 100, "updates": 100, **sizes}
    figures = []
    for targets in ("distinct targets", "one target"):
        figures += [
            figure("failed", failed, "updates", targets=targets, **of),
            figure("slowdown", slowdown, "%", targets=targets, **of),
            figure("beside", 40.0, "times", targets=targets, **of),
        ]
    return benchmark("load", *figures)


def evaluation(found: tuple[int, int], alarms: tuple[int, int]) -> dict[str, Any]:
    far, false = ({"hits": hits, "of": of} for hits, of in (found, alarms))
    return {
        "schema_version": 1,
        "detector": "historical",
        "seed": 0,
        "evaluation": {"kinds": [], "histories": [], "far": far, "false_alarms": false},
    }
