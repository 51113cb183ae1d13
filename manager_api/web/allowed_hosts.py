"""The names by which clients may call the manager.

A page of another site can give its own name the manager's address (DNS rebinding). The browser
then takes the manager for the page's own site. So the manager answers to the names that it knows,
and to no other.
"""

import ipaddress
from urllib.parse import urlsplit

from manager_api.settings.addresses import ip_of
from manager_api.settings.model import ManagerSettings
from manager_api.settings.reach import host_name, is_everywhere, is_loopback
from manager_api.tls.machine_names import names_of_machine
from workflows.domain.bounded_dict import BoundedDict

_REMEMBERED = 256


class AllowedHosts:
    """The names in the settings, and those that follow from them.

    localhost and the loopback addresses always; the host of `public_url`; the address to listen on.
    A manager that other machines can reach also has its machine's names, and any IP address: an
    address cannot be rebound, and a machine may get another one at any time.
    """

    def __init__(self, settings: ManagerSettings) -> None:
        self._serves_network = not is_loopback(settings.host)
        self._names = {"localhost", *settings.allowed_hosts}
        self._allowed: BoundedDict[str, None] = BoundedDict(_REMEMBERED)
        if settings.public_host:
            self._names.add(host_name(settings.public_host))
        if self._serves_network:
            self._names |= names_of_machine()
            if not is_everywhere(settings.host):
                self._names.add(host_name(settings.host))

    def allow(self, header: str) -> bool:
        """Return whether a request with this Host header is answered."""
        # Every request asks. Only names that are answered are remembered: callers make up others.
        if header in self._allowed:
            return True
        is_allowed = self._is_name(header)
        if is_allowed:
            self._allowed[header] = None
        return is_allowed

    def _is_name(self, header: str) -> bool:
        try:
            name = (urlsplit(f"//{header}").hostname or "").removesuffix(".")
            if name in self._names:
                return True
            ip = ipaddress.ip_address(name)
        except ValueError:
            return False
        is_ours = ip_of(name).is_loopback or str(ip) in self._names
        return is_ours or self._serves_network
