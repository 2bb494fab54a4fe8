"""The way to a server: where a name leads, which addresses are refused, and errors in words that hold no address."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from validate_updates_notify.delivering import Undelivered

_METADATA: Final = IPv6Address("fd00:ec2::254")
"""Where a cloud keeps its credentials, though it is not link-local."""
_CARRYING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""Addresses that end in one of IPv4: of a NAT64, and compatible ones."""


def reach(host: str, port: int, *, seconds: float, allow_link_local: bool) -> socket.socket:
    """A connection to a server whose address has been looked at: what is looked up twice may differ."""
    last: OSError = ConnectionError()
    for address in _addresses(host, port, allow_link_local=allow_link_local):
        try:
            return socket.create_connection((address, port), timeout=seconds)
        except OSError as error:
            last = error
    raise last


def _addresses(host: str, port: int, *, allow_link_local: bool) -> list[str]:
    found = [str(where[0]) for *_, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not allow_link_local and any(is_link_local(address) for address in found):
        raise Undelivered("has a link-local address, which is refused: allow_link_local = true, if it is meant")
    return list(dict.fromkeys(found))


def is_link_local(address: str) -> bool:
    """Whether an address is one of those that machines give themselves, and clouds their metadata."""
    found = ip_address(address.partition("%")[0])
    inner = _carried(found) if isinstance(found, IPv6Address) else None
    return found == _METADATA or (inner or found).is_link_local


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that one of IPv6 leads to."""
    if any(address in network for network in _CARRYING):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


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
