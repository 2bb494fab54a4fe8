from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.core.settings.made import in_environment, loaded
from validate_updates.errors import SettingsError
from validate_updates.settings import target_of

PASSWORD = "p@ss/w:o?r#d %41é"


def test_a_task_has_its_own_target_or_the_one_at_the_top_and_the_flag_beats_both(tmp_path: Path) -> None:
    settings = loaded(tmp_path, 'target = "sqlite:////top"\n[tasks.a]\ntarget = "sqlite:////own"\n[tasks.b]\n')
    assert target_of(settings).reveal() == "sqlite:////top"
    assert target_of(settings, "a").reveal() == "sqlite:////own"
    assert target_of(settings, "b").reveal() == "sqlite:////top"
    assert target_of(settings, "a", "sqlite:///flag").reveal() == "sqlite:///flag"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///x.db", "sqlite:///{0}/x.db"),
        ("sqlite:///a/../x.db", "sqlite:///{0}/a/../x.db"),
        ("sqlite+pysqlite:///x.db?timeout=5", "sqlite+pysqlite:///{0}/x.db?timeout=5"),
        ("sqlite:////abs/x.db", "sqlite:////abs/x.db"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite:///file:x.db?uri=true", "sqlite:///file:x.db?uri=true"),
        ("postgresql://u@h/x.db", "postgresql://u@h/x.db"),
    ],
)
def test_a_relative_database_file_lies_beside_the_settings(tmp_path: Path, url: str, expected: str) -> None:
    settings = loaded(tmp_path, f'target = "{url}"\n[tasks.t]\ntarget = "{url}"\n')
    assert target_of(settings).reveal() == expected.format(tmp_path)
    assert target_of(settings, "t").reveal() == expected.format(tmp_path)


@pytest.mark.parametrize("name", ["pw", "a:b", "-"])
def test_a_password_file_lies_beside_the_settings_whatever_its_name(tmp_path: Path, name: str) -> None:
    settings = loaded(tmp_path, f'target = "postgresql://u@h/x"\npassword_file = "{name}"\n')
    (tmp_path / name).write_text("secret\n")
    assert target_of(settings).reveal() == "postgresql://u:secret@h/x"


def test_a_folder_that_a_url_cannot_hold_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "what?"
    folder.mkdir()
    with pytest.raises(SettingsError, match="'\\?' in its name"):
        loaded(folder, 'target = "sqlite:///x.db"')


def test_env_takes_the_url_from_that_variable(tmp_path: Path) -> None:
    own = 'target = "env:DATABASE_URL"'
    settings = in_environment(tmp_path, own, {"DATABASE_URL": "postgresql://u:pw@h/d", "OTHER": "sqlite://"})
    assert target_of(settings).reveal() == "postgresql://u:pw@h/d"
    assert target_of(settings, flag="env:OTHER").reveal() == "sqlite://"


@pytest.mark.parametrize("env", [{}, {"DATABASE_URL": ""}])
def test_a_variable_that_is_not_set_is_named(tmp_path: Path, env: dict[str, str]) -> None:
    settings = in_environment(tmp_path, 'target = "env:DATABASE_URL"', env)
    with pytest.raises(
        SettingsError, match=r"^validate-updates.toml: target: the environment variable DATABASE_URL is not set"
    ):
        target_of(settings)


@pytest.mark.parametrize(
    ("target", "env"),
    [
        ("env:SECRET_URL", {"SECRET_URL": "host=h password=s3cret"}),
        ("host=h password=s3cret", {}),
        ("env:postgresql://u:s3cret@h/d", {}),
    ],
)
def test_what_is_no_url_is_never_shown(tmp_path: Path, target: str, env: dict[str, str]) -> None:
    settings = in_environment(tmp_path, f'target = "{target}"', env)
    with pytest.raises(SettingsError) as caught:
        target_of(settings)
    assert caught.value.message.startswith("validate-updates.toml: target")
    assert "s3cret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_password_of_a_file_is_quoted_into_the_url(tmp_path: Path, ending: str) -> None:
    (tmp_path / "pw").write_bytes(f"{PASSWORD}{ending}".encode())
    settings = loaded(tmp_path, 'target = "postgresql+psycopg://u%40x@h:5432/d?sslmode=require"\npassword_file = "pw"')
    url = make_url(target_of(settings).reveal())
    assert (url.username, url.password, url.host, url.port, url.database) == ("u@x", PASSWORD, "h", 5432, "d")
    assert url.query == {"sslmode": "require"}


def test_a_password_file_belongs_to_the_target_beside_it(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("one")
    own = 'target = "postgresql://u@h/d"\npassword_file = "pw"\n[tasks.t]\ntarget = "postgresql://u@other/d"\n'
    settings = loaded(tmp_path, own)
    assert target_of(settings).reveal() == "postgresql://u:one@h/d"
    assert target_of(settings, "t").reveal() == "postgresql://u@other/d"
    assert target_of(settings, None, "postgresql://u@flag/d").reveal() == "postgresql://u@flag/d"


@pytest.mark.parametrize(
    ("url", "content", "message"),
    [
        ("postgresql://u@h/d", None, "password_file: .*pw cannot be read: No such file"),
        ("postgresql://u@h/d", b"", "does not hold a password alone"),
        ("postgresql://u@h/d", b"s3cret\nmore\n", "does not hold a password alone"),
        ("postgresql://u@h/d", b"s3cret" * 5000, "does not hold a password alone"),
        ("postgresql://u@h/d", b"s3cret\xff", "is not a file of UTF-8 text"),
        ("postgresql://u:old@h/d", b"s3cret", "the target holds a password already"),
        ("postgresql://h/d", b"s3cret", "the target names no user"),
        ("sqlite:////x.db", b"s3cret", "the target names no user"),
    ],
)
def test_a_password_file_that_does_not_fit_is_an_error(
    tmp_path: Path, url: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "pw").write_bytes(content)
    settings = loaded(tmp_path, f'target = "{url}"\npassword_file = "pw"')
    with pytest.raises(SettingsError, match=message) as caught:
        target_of(settings)
    assert caught.value.hint
    assert "s3cret" not in f"{caught.value.message}{caught.value.hint}{caught.value.__cause__}"
