"""Servers to tell, in threads of the test: one for the web, one for mail. Both write down all they are told."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""A throw-away certificate of ``localhost`` for a hundred years, signed by itself, with its key."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Web:
    """What a web server was asked, and what it answers."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    """Called before it answers."""

    def url(self, path: str = "/hook", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


class _WebServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, web: Web) -> None:
        self.web = web
        super().__init__(("127.0.0.1", 0), _WebHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up, or did not trust us."""


class _WebHandler(BaseHTTPRequestHandler):
    server: _WebServer

    def do_POST(self) -> None:
        web = self.server.web
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        web.requests.append(Request(self.command, self.path, dict(self.headers), body))
        web.before()
        self.send_response(web.status)
        for name, value in {**web.headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def web_server(*, tls: bool = False) -> Iterator[Web]:
    web = Web()
    with _WebServer(web) as server:
        if tls:
            server.socket = _tls().wrap_socket(server.socket, server_side=True)
        web.port = server.server_address[1]
        with _serving(server):
            yield web


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@dataclass
class Mail:
    """What a mail server was given."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    """Of each letter."""
    refused: dict[str, str] = field(default_factory=dict)
    """A command, or a whole line -> what is answered in place of 250."""


class _MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, mail: Mail) -> None:
        self.mail = mail
        super().__init__(("127.0.0.1", 0), _MailHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up, or did not trust us."""


class _MailHandler(socketserver.StreamRequestHandler):
    """Offers STARTTLS and AUTH PLAIN, and believes any password."""

    server: _MailServer
    secure = False

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 localhost")
        while line := self.rfile.readline().decode().strip():
            words = line.split()
            refusal = self.server.mail.refused.get(line) or self.server.mail.refused.get(words[0].upper())
            if refusal:
                self.say(refusal)
            elif words[0].upper() == "QUIT":
                self.say("221 bye")
                return
            else:
                self.obey(words[0].upper(), words)

    def obey(self, verb: str, words: list[str]) -> None:
        mail = self.server.mail
        if verb == "EHLO":
            self.say("250-localhost\r\n250-STARTTLS\r\n250 AUTH PLAIN")
        elif verb == "STARTTLS":
            self.say("220 go on")
            self.request = _tls().wrap_socket(self.request, server_side=True)
            self.setup()
            self.secure = True
        elif verb == "AUTH":
            mail.logins.append(b64decode(words[-1]).decode())
            self.say("235 welcome")
        elif verb == "DATA":
            self.say("354 go on")
            self.receive()
            self.say("250 taken")
        else:
            mail.recipients += words[1:2] if verb == "RCPT" else []
            self.say("250 well")

    def finish(self) -> None:
        super().finish()
        if self.secure:
            self.request.close()

    def receive(self) -> None:
        data = b""
        while (line := self.rfile.readline()) != b".\r\n":
            data += line
        self.server.mail.letters.append(message_from_bytes(data, policy=policy.default))
        self.server.mail.secured.append(self.secure)


@contextmanager
def mail_server(*, tls: bool = False) -> Iterator[Mail]:
    mail = Mail()
    with _MailServer(mail) as server:
        if tls:
            server.socket = _tls().wrap_socket(server.socket, server_side=True)
        mail.port = server.server_address[1]
        with _serving(server):
            yield mail


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield
    server.shutdown()
    thread.join()
