"""The way to a server: where a name leads, which addresses are refused, and errors in words that hold no address."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address

from validate_updates_notify.delivering import Undelivered


def reach(host: str, port: int, *, seconds: float, allow_link_local: bool) -> socket.socket:
    """A connection to a server whose address has been looked at: what is looked up twice may differ."""
    last: OSError = ConnectionError()
    for address in _addresses(host, port, allow_link_local=allow_link_local):
        try:
            return socket.create_connection((address, port), timeout=seconds)
        except OSError as error:
            last = error
    raise last


def refuse_link_local(host: str, port: int, *, allowed: bool) -> None:
    """Raise :class:`Undelivered` where a name leads to a link-local address."""
    _addresses(host, port, allow_link_local=allowed)


def _addresses(host: str, port: int, *, allow_link_local: bool) -> list[str]:
    found = [str(where[0]) for *_, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not allow_link_local and any(is_link_local(address) for address in found):
        raise Undelivered("has a link-local address, which is refused: allow_link_local = true, if it is meant")
    return list(dict.fromkeys(found))


def is_link_local(address: str) -> bool:
    """Whether an address is one of those that machines give themselves, and clouds their metadata."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return found.is_link_local


@contextmanager
def in_words(seconds: float) -> Iterator[None]:
    """A block that talks to a server: what goes wrong in it becomes an :class:`Undelivered`."""
    try:
        yield
    except TimeoutError:
        raise Undelivered(f"did not answer within {seconds:g} s", again=True) from None
    except ConnectionRefusedError:
        raise Undelivered("refused the connection", again=True) from None
    except socket.gaierror:
        raise Undelivered("has a name that leads nowhere", again=True) from None
    except ssl.SSLCertVerificationError:
        raise Undelivered("has a certificate that is not valid") from None
    except (OSError, http.client.HTTPException) as error:
        raise Undelivered(f"broke the connection [{type(error).__name__}]", again=True) from None
