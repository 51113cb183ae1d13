"""Messages as text and as the bodies of webhooks.

Names of jobs are free text. In a chat they call no people, and lead to the job and not to a page of
their own: links as Markdown or Slack writes them are text. An address in a name stays an address,
which chats show as a link.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from workflows.domain.notifications import Item, Message, Shape

#: Discord refuses longer ones.
_LONGEST_DISCORD = 2_000
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~-])")
#: A space of no width: `@here` is a call in a chat, `@` and the space is not.
_NO_CALL = "@\N{ZERO WIDTH SPACE}"


def link_to(farm_url: str, item: Item) -> str:
    """Return where the dashboard shows a job or worker; empty if that address is unknown."""
    if not farm_url or not (item.job_id or item.worker_id):
        return ""
    place = f"jobs/{item.job_id}" if item.job_id else f"workers/{item.worker_id}"
    return f"{farm_url.rstrip('/')}/app/{place}"


def plain_text(message: Message, farm_url: str) -> str:
    """Return a message as lines of text, without its title: names, sentences, links."""
    return "\n\n".join(
        "\n".join(part for part in (each.name, each.text, link_to(farm_url, each)) if part)
        for each in message.items
    ) + (f"\n\n{_and_more(message)}" if _and_more(message) else "")


def body_of(
    shape: Shape, message: Message, *, farm: str, farm_url: str, created: str
) -> Mapping[str, Any]:
    """Return a message as the JSON of a webhook.

    Args:
        farm: the farm's name.
        farm_url: the address of its dashboard; empty if it is unknown.
        created: when the message was made, in ISO format.
    """
    if shape is Shape.PLAIN:
        return _plain(message, farm, farm_url, created)
    escape, link = _SYNTAX[shape]
    lines = [f"{escape(farm)}: {escape(message.title)}"]
    for item in message.items:
        url = link_to(farm_url, item)
        name = link(escape(item.name), url) if url else escape(item.name)
        lines.append(f"{name}: {escape(item.text)}" if item.text else name)
    lines += [more] if (more := _and_more(message)) else []
    text = "\n".join(lines)
    if shape is Shape.DISCORD:
        return {"content": _cut(text, _LONGEST_DISCORD), "allowed_mentions": {"parse": []}}
    return {"text": text}


def _plain(message: Message, farm: str, farm_url: str, created: str) -> Mapping[str, Any]:
    return {
        "type": str(message.kind),
        "timestamp": created,
        "data": {
            "farm": farm,
            "title": message.title,
            "count": message.count,
            "items": [
                {
                    "name": each.name,
                    "text": each.text,
                    **({"job_id": each.job_id} if each.job_id else {}),
                    **({"worker_id": each.worker_id} if each.worker_id else {}),
                    **({"url": url} if (url := link_to(farm_url, each)) else {}),
                }
                for each in message.items
            ],
        },
    }


def _and_more(message: Message) -> str:
    left = message.count - len(message.items)
    return f"and {left:,} more" if left > 0 else ""


def _in_slack(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("@", _NO_CALL)


def _in_markdown(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text).replace("@", _NO_CALL)


_SYNTAX: Mapping[Shape, tuple[Callable[[str], str], Callable[[str, str], str]]] = {
    Shape.SLACK: (_in_slack, lambda name, url: f"<{url}|{name}>"),
    Shape.DISCORD: (_in_markdown, lambda name, url: f"[{name}](<{url}>)"),
    Shape.MATTERMOST: (_in_markdown, lambda name, url: f"[{name}]({url})"),
}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
