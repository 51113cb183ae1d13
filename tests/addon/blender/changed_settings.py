"""The values to which an artist changes the settings of `every_setting.js`.

Both the scenario in Blender and the tests read them.
"""

from typing import Any

#: By key.
CHANGED: "dict[str, Any]" = {
    "text": "¡olé!",
    "file": "//b.txt",
    "folder": "//out/",
    "file_name": "c.txt",
    "hashed": "//d.bin",
    "choice": "drei Ä",
    "count": 42,
    "share": 0.5,
    "switch": False,
    "on_demand": "my own",
    "submission_only": 9,
    "name with spaces": "even",
    "keys": "kept",
    "nonsense": 3,
}
