"""The names and addresses of this machine, as its neighbours know them."""

import ipaddress
import socket
from functools import lru_cache

import psutil


@lru_cache(maxsize=1)
def names_of_machine() -> frozenset[str]:
    """Return its host names in lower case. Blocks: it may ask a name server, once."""
    own = socket.gethostname().lower()
    found = {own, f"{own.partition('.')[0]}.local", socket.getfqdn().lower()}
    return frozenset(name.removesuffix(".") for name in found if name)


def addresses_of_machine() -> list[str]:
    """Return its IP addresses, without loopback and those that only one cable knows."""
    found = [
        ipaddress.ip_address(each.address)
        for addresses in psutil.net_if_addrs().values()
        for each in addresses
        if each.family in (socket.AF_INET, socket.AF_INET6) and "%" not in each.address
    ]
    return [str(each) for each in found if not each.is_loopback and not each.is_link_local]
