"""The ways to servers: encrypted, with a login, refused; and the settings that lead there."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.plugins.notify.conftest import SECRET
from tests.plugins.notify.servers import CERTIFICATE, Mail, Web, mail_server, web_server
from tests.plugins.notify.world import World
from validate_updates import SettingsError
from validate_updates.manager import load
from validate_updates_notify import mail as mail_module
from validate_updates_notify import web as web_module
from validate_updates_notify.delivering import Limits, Undelivered, deliver
from validate_updates_notify.mail import send_mail
from validate_updates_notify.messages import Message
from validate_updates_notify.reaching import is_link_local, reach
from validate_updates_notify.settings import Email, Security
from validate_updates_notify.web import Address

MESSAGE = Message(title="a title", lines=("a line",))


def post(url: str, **options: Any) -> None:
    Address(url, **options).post(b"{}", "application/json", seconds=5.0)


# The web


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    with web_server(tls=True) as web, pytest.raises(Undelivered, match="has a certificate that is not valid"):
        post(web.url(host="localhost", scheme="https"))

    assert web.requests == []


def test_a_certificate_that_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    with web_server(tls=True) as web:
        post(web.url(host="localhost", scheme="https"))

    assert len(web.requests) == 1


def test_a_login_in_the_address(web: Web) -> None:
    post(web.url().replace("//", "//vu:let%20me%40in@"))

    assert web.requests[0].headers["Authorization"] == "Basic dnU6bGV0IG1lQGlu"


def test_more_path_goes_before_the_query(web: Web) -> None:
    Address(web.url("/check/?key=1")).below("start", "rid=2").post(b"", "text/plain", seconds=5.0)
    Address(web.url("")).below("0").post(b"", "text/plain", seconds=5.0)

    assert [request.path for request in web.requests] == ["/check/start?key=1&rid=2", "/0"]


def test_what_is_sent_is_bounded(web: Web) -> None:
    Address(web.url()).post(b"x" * 1_000_000, "text/plain", seconds=5.0)

    assert len(web.requests[0].body) == 100_000


@pytest.mark.parametrize(
    "url", ["", "host/path", "ftp://host/", "http://", "http://a b/", "http://h:0/", "http://[/", "http://h/ü"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(Undelivered, match="has an address that is none"):
        Address(url)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("169.254.169.254", True),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:169.254.169.254", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("2002:a9fe:a9fe::", True),
        ("::169.254.169.254", True),
        ("fd00:ec2::254", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("::1", False),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("fd00::1", False),
    ],
)
def test_link_local_addresses(address: str, expected: bool) -> None:
    assert is_link_local(address) is expected


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://[fd00::8080]/", "fd00::8080", 80),
        ("https://[::1]/", "::1", 443),
        ("https://[::1]:8443/", "::1", 8443),
        ("https://host/", "host", 443),
    ],
)
def test_the_port_of_an_address(url: str, host: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def reached(host: str, port: int, **_: Any) -> socket.socket:
        asked.append((host, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(web_module, "reach", reached)
    with pytest.raises(Undelivered, match="refused the connection"):
        post(url)

    assert asked == [(host, port)]


def test_an_address_does_not_show_itself() -> None:
    assert SECRET not in repr(Address(f"https://host/{SECRET}"))


# Mail


def letter(mail: Mail, **more: Any) -> Email:
    given = {
        "server": "localhost",
        "port": mail.port,
        "sender": "vu@example.org",
        "to": ("a@example.org", "b@example.org"),
    }
    return Email(**{**given, **more})


def test_the_password_goes_over_a_way_that_is_secured(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "letmein")
    settings = letter(mail, user="vu", password="env:MAIL_PASSWORD")

    with pytest.raises(Undelivered, match="has a certificate that is not valid"):
        send_mail(settings, MESSAGE, seconds=5.0)
    assert mail.logins == []
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert send_mail(settings, MESSAGE, seconds=5.0) == ""

    assert (mail.logins, mail.secured) == (["\0vu\0letmein"], [True])


@pytest.mark.parametrize(
    ("refused", "what", "again"),
    [
        ({"DATA": f"451 later {SECRET}"}, "was refused by the mail server (451)", True),
        ({"DATA": f"554 never {SECRET}"}, "was refused by the mail server (554)", False),
        ({"RCPT": "550 nobody"}, "was not taken by the mail server [SMTPRecipientsRefused]", False),
    ],
)
def test_a_refusal(mail: Mail, refused: dict[str, str], what: str, again: bool) -> None:
    mail.refused = refused

    with pytest.raises(Undelivered) as caught:
        send_mail(letter(mail, security=Security.OFF), MESSAGE, seconds=5.0)

    assert (str(caught.value), caught.value.again) == (what, again)


def test_some_get_it_and_some_do_not(mail: Mail) -> None:
    mail.refused = {"rcpt TO:<b@example.org>": "550 nobody"}

    remark = send_mail(letter(mail, security=Security.OFF), MESSAGE, seconds=5.0)

    assert (remark, len(mail.letters)) == ("the mail server refused 1 of 2 recipients", 1)


def test_a_mail_server_at_a_link_local_address_is_refused(mail: Mail) -> None:
    with pytest.raises(Undelivered, match="link-local"):
        send_mail(letter(mail, server="169.254.1.1"), MESSAGE, seconds=5.0)


def test_a_mail_server_is_looked_up_once(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, look_up = [], socket.getaddrinfo

    def looked_up(host: str, *more: Any, **options: Any) -> Any:
        asked.append(host)
        return look_up(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    send_mail(letter(mail, security=Security.OFF), MESSAGE, seconds=5.0)

    assert asked.count("localhost") == 1


def test_mail_that_is_encrypted_from_the_first_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(tls=True) as mail:
        settings = letter(mail, security=Security.TLS)
        with pytest.raises(Undelivered, match="has a certificate that is not valid"):
            send_mail(settings, MESSAGE, seconds=5.0)
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        send_mail(settings, MESSAGE, seconds=5.0)

    assert len(mail.letters) == 1


def test_an_encrypted_session_looks_at_the_address_too(mail: Mail) -> None:
    with pytest.raises(Undelivered, match="link-local"):
        send_mail(letter(mail, server="169.254.1.1", security=Security.TLS), MESSAGE, seconds=5.0)


def test_a_session_that_cannot_be_secured_is_closed(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    mail.refused = {"STARTTLS": "454 not now"}
    opened = []

    def reached(*where: Any, **options: Any) -> socket.socket:
        opened.append(reach(*where, **options))
        return opened[-1]

    monkeypatch.setattr(mail_module, "reach", reached)
    with pytest.raises(Undelivered, match=r"was (refused|not taken) by the mail server"):
        send_mail(letter(mail), MESSAGE, seconds=5.0)

    assert [connection.fileno() for connection in opened] == [-1]


# Trying


def test_one_that_never_ends_does_not_keep_the_others() -> None:
    import threading

    for_ever = threading.Event()
    sends: dict[str, Any] = {"stuck": lambda _: for_ever.wait(), "well": lambda _: ""}

    outcomes = deliver(sends, Limits(seconds=0.0, tries=1, pause=0.0))
    for_ever.set()

    assert (outcomes["stuck"].sent, outcomes["stuck"].problem) == (False, "did not end within 1 s")
    assert outcomes["well"].sent


def test_a_fault_of_ours_holds_no_address() -> None:
    def broken(_: float) -> str:
        raise ValueError(SECRET)

    assert deliver({"a": broken}, Limits())["a"].problem == "could not be used [ValueError]"


# Settings


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"webhook": {"a": {"url": f"https://host/{SECRET}"}}}, "webhook.a.url: expected env:NAME"),
        ({"webhook": {"a": {"url": "env:A", "shape": "teams"}}}, "webhook.a.shape"),
        ({"webhook": {"a": {}}}, "webhook.a.url: is missing"),
        ({"webhook": {"a/b": {"url": "env:A"}}}, "letters, digits, _ and -"),
        ({"email": {"a": {"server": "h", "sender": "a@b", "to": ["c@d"], "user": "x"}}}, "user and password belong"),
        (
            {
                "email": {
                    "a": {
                        "server": "mail.example.org",
                        "sender": "a@b",
                        "to": ["c@d"],
                        "user": "x",
                        "password": "env:P",
                        "security": "off",
                    }
                }
            },
            "a password is not sent in the clear",
        ),
        ({"email": {"a": {"server": "h", "sender": "a@b", "to": []}}}, "email.a.to"),
        ({"events": ["rejected"]}, "unknown key"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(("notify",), {"notify": settings})

    assert what in caught.value.message
    assert SECRET not in caught.value.message + caught.value.hint


def test_a_channel_with_a_wrong_setting_is_told_before_the_run(sqlite: World) -> None:
    sqlite.settings = {"webhook": {"ops": {"url": "https://host/path"}}}

    with pytest.raises(SettingsError):
        sqlite.update()

    assert sqlite.target.all_tables() == ["t"]
