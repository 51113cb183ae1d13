"""Searches as the add-on does: `python -m tests.addon.core.find SECONDS`; prints JSON."""

import dataclasses
import json
import sys

from addon.core.discovery import find_managers

if __name__ == "__main__":
    found = find_managers(float(sys.argv[1]))
    json.dump([dataclasses.asdict(each) for each in found], sys.stdout)
