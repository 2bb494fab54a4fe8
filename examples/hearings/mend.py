"""A day of real records, some of them broken: the good ones land, the bad ones are listed, mended and brought in.

    python examples/hearings/mend.py BASE.db DAY/hearings.jsonl [--target postgresql://USER@HOST/DATABASE]

``BASE.db`` is a SQLite database with the table ``hearings``; it is copied, never written. With ``--target`` the table
is copied to that PostgreSQL database first, where there must be none of that name. In a copy of the day's file records
are broken, in the ways of :data:`FAULTS`. Then come the commands that somebody would type in the morning.

The exit status is 0 if just the broken records were kept out, and the table holds in the end, cell by cell, what the
unbroken file says.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from replay import KEY, contents, differences, overlaid, to_postgresql

COMMAND = Path(sys.executable).with_name("validate-updates")
PARTIAL = 5
"""Exit status of an update that kept records out."""
Record = dict[str, Any]


def without(name: str) -> Callable[[Record], str]:
    """The record lacks a column."""
    return lambda record: json.dumps({key: value for key, value in record.items() if key != name})


def having(**cells: Any) -> Callable[[Record], str]:
    """The record has other values."""
    return lambda record: json.dumps({**record, **cells})


FAULTS: Mapping[str, Callable[[Record], str]] = {
    "a line that is cut off": lambda record: json.dumps(record)[:70],
    "a word for a number": having(congress="one hundred and nineteenth"),
    "a day that does not exist": having(hearing_date="2025-06-31"),
    "a column nobody knows": having(titel="Budget"),
    "no title": having(title=None),
    "no status at all": without("status"),
    "a chamber that the table does not allow": having(chamber="Both"),
    "a type that the table does not allow": having(hearing_type="Fireside chat"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Break, update, look, mend, replay, compare."""
    parser = argparse.ArgumentParser(description="A day of real records, some of them broken.")
    parser.add_argument("base", type=Path, help="SQLite database with the table hearings")
    parser.add_argument("day", type=Path, help="records of a day, as lines of JSON")
    parser.add_argument("--target", help="PostgreSQL database to do it in; a copy of BASE unless given")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copyfile(given.base, folder / "hearings.db")
        if given.target:
            to_postgresql(folder / "hearings.db", given.target)
        target = given.target or f"sqlite:///{folder / 'hearings.db'}"
        return morning(folder, given.day, target, ["--target", given.target or "sqlite:///hearings.db"])


def morning(folder: Path, day: Path, target: str, where: Sequence[str]) -> int:
    """The commands one after the other, and whether all came as it should."""
    expected = overlaid(contents(target), [day])
    lines = day.read_text(encoding="utf-8").splitlines()
    good = {record[KEY]: record for record in map(json.loads, lines)}
    broken = plant(lines, folder / "day.jsonl")

    typed(
        "run", "day.jsonl", *where, "--table", "hearings", "--key", KEY, "--plugins", "batch", at=folder, ends=PARTIAL
    )
    typed("quarantine", "list", *where, at=folder)
    typed("quarantine", "export", "mend.jsonl", *where, at=folder)
    kept_out = entries(folder, where)
    mend(folder / "mend.jsonl", good, [good[key] for key in broken])
    # A line that is cut off has no key that its entry could be known by: it is named by its number.
    numbers = [str(entry["number"]) for entry in kept_out if entry["kept"]["key"] is None]
    typed("quarantine", "replay", *numbers, "--from", "mend.jsonl", *where, "--plugins", "batch", at=folder)

    left = entries(folder, where)
    wrong = list(differences(expected, contents(target)))
    for line in wrong[:10]:
        print(line)
    print(f"{len(kept_out)} of {len(lines)} records were kept out, {len(broken)} were broken, {len(left)} are left")
    print(f"{len(expected)} rows compared, {len(wrong)} cells or rows are not as they should be")
    return 1 if wrong or left or len(kept_out) != len(broken) else 0


def plant(lines: Sequence[str], path: Path) -> list[str]:
    """The day's lines with the faults among them, evenly; the keys of the broken ones."""
    lines, keys = list(lines), []
    for number, damage in enumerate(FAULTS.values(), 1):
        place = number * len(lines) // (len(FAULTS) + 1)
        record = json.loads(lines[place])
        keys.append(record[KEY])
        lines[place] = damage(record)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return keys


def mend(path: Path, good: Mapping[str, Record], broken: Sequence[Record]) -> None:
    """What a person does in an editor: look the record up at its source, and put it right."""
    mended = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            mended.append(good[json.loads(line)[KEY]])
        except ValueError:  # the line that is cut off: its beginning tells which it was
            mended += [record for record in broken if json.dumps(record).startswith(line)]
    path.write_text("".join(json.dumps(record) + "\n" for record in mended), encoding="utf-8")


def typed(*words: str, at: Path, ends: int = 0) -> None:
    """A command as somebody types it, and what it says."""
    print(f"$ {shlex.join(['validate-updates', *words])}", flush=True)
    done = subprocess.run([COMMAND, *words], cwd=at, check=False)
    if done.returncode != ends:
        sys.exit(f"it ended with {done.returncode}, not {ends}")
    print(flush=True)


def entries(at: Path, where: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """What is in quarantine."""
    words = ["quarantine", "list", *where, "--limit", "1000", "--format", "json"]
    done = subprocess.run([COMMAND, *words], cwd=at, check=True, capture_output=True)
    found: Sequence[Mapping[str, Any]] = json.loads(done.stdout)["entries"]
    return found


if __name__ == "__main__":
    sys.exit(main())
