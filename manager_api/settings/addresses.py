"""Which addresses of clients count as one."""

import ipaddress
from functools import lru_cache

#: A machine with IPv6 chooses its addresses in such a network, as many as it likes.
_NETWORK_BITS = 64


def ip_of(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address; that of an IPv4 caller also if a socket shows it as ::ffff:10.0.0.7.

    Raises:
        ValueError: the text is no address.
    """
    ip = ipaddress.ip_address(address)
    return getattr(ip, "ipv4_mapped", None) or ip


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """Return what an address is counted as: an IPv6 address as its network, others as they are.

    A socket for both kinds of address shows IPv4 clients as ::ffff:10.0.0.7.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address) or ip.is_loopback:
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, _NETWORK_BITS), strict=False))
