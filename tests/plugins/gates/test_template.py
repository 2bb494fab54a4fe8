"""``gate template``: facts filled in, the judgement open."""

from __future__ import annotations

from tests.plugins.gates.conftest import Gate
from tests.plugins.gates.evidence import junit
from tests.plugins.monitoring.world import WRONG
from validate_updates import __version__


def page(gate: Gate, *words: str) -> str:
    said = gate.command("gate", "template", *words, *gate.at(), "--report", "markdown=page.md")
    assert said.code == 0, said.err
    return (gate.world.folder / "page.md").read_text()


def test_a_page_for_a_review(gate: Gate) -> None:
    gate.world.update()
    last = gate.world.update(WRONG)

    text = page(gate, "review", "--junit", gate.file("results.xml", junit("", "<failure/>", "<skipped/>")))

    assert text.startswith("### gate review of daily\n")
    assert f"| `program` | `validate-updates {__version__}` |" in text
    assert "| `updates` | `2: 1 rejected, 1 committed` |" in text
    assert f"| `last update` | `{last.run_id}, rejected, 2026-11-03 06:00 UTC` |" in text
    assert "| `tests` | `3: 1 failed, 1 skipped, 1 without a reason` |" in text
    assert "| `static_thresholds` | `enforce` | `default_plugins` |" in text
    assert "| `Are the limits right for this feed?` |  |" in text
    assert "| `by` |  |" in text


def test_a_page_for_planning(gate: Gate) -> None:
    for records in (4, 10, 5):
        gate.world.update(records=records)

    text = page(gate, "planning", "--days", "1.5")

    assert "| `history` | `3 runs since 2026-11-02` |" in text
    assert "| `records an update` | `8 the median, 10 the most` |" in text
    assert "| `rows of the table` | `19` |" in text
    assert "| `How is it taken back, and how long does that take?` |  |" in text


def test_where_there_are_no_updates_the_facts_say_so(lite: Gate) -> None:
    lite.world.update()

    said = lite.command("gate", "template", "planning", "--days", "0.01", *lite.at(), "--format", "json").json

    assert said["facts"]["updates"] == "0"
    assert "records an update" not in said["facts"]
    assert said["decision"] is None


def test_gates_that_are_no_templates(lite: Gate) -> None:
    said = lite.command("gate", "template", "testing", *lite.at())

    assert (said.code, "one of review, planning" in said.err) == (2, True)
