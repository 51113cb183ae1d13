"""Searches for managers as the add-on does, and prints the result as JSON.

`python -m tests.addon.core.find SECONDS [ssdp|mdns]`
"""

import dataclasses
import json
import sys

from addon.core import discovery, mdns, ssdp

if __name__ == "__main__":
    if len(sys.argv) > 2:
        discovery._WAYS = ({"ssdp": ssdp, "mdns": mdns}[sys.argv[2]],)
    found = discovery.find_managers(float(sys.argv[1]))
    json.dump([dataclasses.asdict(each) for each in found], sys.stdout)
