"""Over which network interface another machine is reached. No torch."""

from __future__ import annotations

import contextlib
import ipaddress
import socket


def interface_towards(host: str, *, remote: bool) -> str | None:
    """The interface from which packets to ``host`` leave, None where that cannot be told.

    ``host`` may be this machine itself. Where processes of other machines take part (``remote``) a loopback interface is none:
    a machine may know its own name as a loopback address, under which the others do not reach it.
    """
    import psutil

    mine = None
    with contextlib.suppress(OSError):  # no such name, or no way there: who connects to it says so
        family, _, _, _, address = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)  # sends nothing
            mine = probe.getsockname()[0]
    if mine is None or (remote and ipaddress.ip_address(mine).is_loopback):
        return None
    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address.partition("%")[0] == mine for one in addresses):
            return name
    return None
