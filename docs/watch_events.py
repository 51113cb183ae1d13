"""Prints a farm's events as they come: `python watch_events.py HOST:PORT [LAST ID] [TOPICS]`."""

import json
import sys

from websockets.sync.client import connect

address, since, topics = [*sys.argv[1:], "", ""][:3]
query = f"topics={topics}" + (f"&since={since}" if since else "")
with connect(f"ws://{address}/api/tablao/v1/events?{query}") as events:
    for message in events:
        event = json.loads(message)
        print(event["id"], event["topic"], json.dumps(event["payload"]), flush=True)  # noqa: T201 -- a script says what came of it
