"""Files for the user: whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from validate_updates.files import whole, write_whole


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "report.html"
    file.write_text("the old one")
    return file


def test_the_old_one_is_there_until_the_new_one_is_whole(file: Path) -> None:
    with whole(file) as stream:
        stream.write("half")
        stream.flush()
        assert file.read_text() == "the old one"
        stream.write(" and half\n")

    assert file.read_bytes() == b"half and half\n"
    assert list(file.parent.iterdir()) == [file]


def test_what_breaks_off_leaves_the_old_one_and_nothing_else(file: Path) -> None:
    def write() -> None:
        with whole(file) as stream:
            stream.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()

    assert file.read_text() == "the old one"
    assert list(file.parent.iterdir()) == [file]


def test_its_rights(file: Path) -> None:
    def rights(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    new, private = file.with_name("new"), file.with_name("private")
    before = os.umask(0o027)
    try:
        file.chmod(0o604)
        write_whole(file, "kept")
        write_whole(new, "as usual")
        write_whole(private, b"given", mode=0o600)
        write_whole(file, "given", mode=0o644)
    finally:
        os.umask(before)

    assert [rights(path) for path in (file, new, private)] == [0o644, 0o640, 0o600]
    file.chmod(0o604)
    write_whole(file, "kept")
    assert rights(file) == 0o604


def test_a_link_stays(file: Path) -> None:
    link, nowhere = file.with_name("link"), file.with_name("dangling")
    link.symlink_to(file.name)
    nowhere.symlink_to("made.html")

    write_whole(link, "new")
    write_whole(nowhere, "made")

    assert (link.is_symlink(), nowhere.is_symlink()) == (True, True)
    assert (file.read_text(), file.with_name("made.html").read_text()) == ("new", "made")


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()

    write_whole(pipe, b"\x89PNG\n")
    reader.join()

    assert got == [b"\x89PNG\n"]
    assert pipe.is_fifo()
    write_whole(Path(os.devnull), "nothing")
    assert Path(os.devnull).is_char_device()


def test_a_folder_is_no_place_for_it(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, "text")
