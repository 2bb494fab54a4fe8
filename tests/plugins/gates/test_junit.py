"""JUnit files: what is counted, and what is refused in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.gates.evidence import junit
from validate_updates import SourceError
from validate_updates_gates import files
from validate_updates_gates.junit import Results, read_tests

FAILED = '<failure message="no">assert</failure>'
ERROR = '<error message="no"/>'
SKIPPED = '<skipped type="pytest.skip" message="no server"/>'
SILENT = "<skipped/>"


def read(folder: Path, *texts: str | bytes) -> Results:
    paths = [folder / f"{number}.xml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_tests(paths)


def test_what_is_counted(tmp_path: Path) -> None:
    found = read(tmp_path, junit("", FAILED, ERROR, SKIPPED, SILENT), junit("", FAILED + ERROR))

    assert (found.run, found.bad, found.skipped, found.silent) == (7, 3, 2, 1)
    assert (found.named, found.silent_named) == (
        ["tests.x.test_1", "tests.x.test_2", "tests.x.test_1"],
        ["tests.x.test_4"],
    )


@pytest.mark.parametrize(
    ("skipped", "silent"),
    [
        ("<skipped>the reason</skipped>", 0),
        ("<skipped><![CDATA[the reason]]></skipped>", 0),
        ('<skipped message=""> \n </skipped>', 1),
        ('<skipped message="  "/>', 1),
        ('<skipped message=" x"/>', 0),
    ],
)
def test_a_reason_may_stand_in_either_place(tmp_path: Path, skipped: str, silent: int) -> None:
    assert read(tmp_path, junit(skipped)).silent == silent


def test_what_pytest_writes_is_read(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text(
        "import pytest\n"
        "def test_well(): pass\n"
        "def test_not(): assert False\n"
        "@pytest.mark.skip(reason='later')\ndef test_later(): pass\n"
        "@pytest.fixture\ndef broken(): raise OSError\n"
        "def test_error(broken): pass\n"
    )
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junit-xml=out.xml", "-c", "/dev/null"]
    subprocess.run([*line, "test_sample.py"], cwd=tmp_path, check=False, capture_output=True)

    found = read_tests([tmp_path / "out.xml"])

    assert (found.run, found.bad, found.skipped, found.silent) == (4, 2, 1, 0)


def test_a_suite_that_tells_of_more_failures_than_it_lists_has_failed(tmp_path: Path) -> None:
    assert read(tmp_path, junit("", FAILED, failures=1, errors=0)).bad == 1
    assert read(tmp_path, junit("", FAILED, failures=1, errors=2)).bad == 3
    assert read(tmp_path, '<testsuites failures="2"><testsuite failures="1"/></testsuites>').bad == 2


BOMB = (
    '<!DOCTYPE testsuite [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><testsuite name="&c;"/>'
)
OUTSIDE = '<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&x;"/></testsuite>'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no element found"),
        ("tests passed", "syntax error"),
        (junit("", FAILED)[:-20], "unclosed token"),
        ("<html><body/></html>", "it begins with <html>"),
        (b"\x00\x01\x02", "not well-formed"),
        (BOMB, "it has a DOCTYPE"),
        (OUTSIDE, "it has a DOCTYPE"),
        ("<testsuite><testcase name='&x;'/></testsuite>", "undefined entity"),
        ("<testsuite failures='-1'/>", "a suite has '-1' failures"),
        ("<testsuite failures='1e99'/>", "a suite has '1e99' failures"),
        (b'<?xml version="1.0" encoding="klingon"?><testsuite/>', "unknown encoding"),
        (b'<?xml version="1.0" encoding="gb18030"?><testsuite/>', "multi-byte encodings"),
    ],
)
def test_rubbish_is_refused_in_one_line(tmp_path: Path, text: str | bytes, why: str) -> None:
    with pytest.raises(SourceError) as refused:
        read(tmp_path, text)

    assert f"0.xml is no JUnit file: {why}" in refused.value.message
    assert "\n" not in refused.value.message
    assert "pytest --junit-xml=PATH" in refused.value.hint


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="<>/testcaseuiknp =\"'&;![]", max_size=80).map(str.encode)))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    try:
        read(tmp_path_factory.mktemp("any"), b"<testsuite>" + text)
    except SourceError as refused:
        assert refused.message.isprintable()


def test_names_are_shown_harmless(tmp_path: Path) -> None:
    found = read(tmp_path, "<testsuite><testcase name='a&#x202e;b'><failure/></testcase></testsuite>")

    assert found.named == ["a\\u202eb"]


def test_no_file_is_read_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 40)

    with pytest.raises(SourceError, match="is larger than"):
        read(tmp_path, junit(""))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.xml cannot be read: No such file or directory"):
        read_tests([tmp_path / "nowhere.xml"])
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        read_tests([tmp_path])
