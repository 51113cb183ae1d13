"""Messages as text and as the bodies of webhooks.

Names of jobs are free text. In a chat they call no people, and lead to the job and not to a page of
their own: links as Markdown or Slack writes them are text, and so is an address alone. For that, a
Slack message is of blocks with `verbatim` (docs.slack.dev, "Text object"); the Markdown of Discord
and Mattermost has no links in inline code.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from workflows.domain.notifications import Item, Message, Shape

#: Discord refuses longer ones.
_LONGEST_DISCORD = 2_000
#: Slack refuses longer texts of a block.
_LONGEST_BLOCK = 3_000
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~-])")
#: A word of which a chat makes a link: with a scheme, `www.`, or a path after a name with a dot.
_PART = r"[^\s\[\]()<>]*"
_ADDRESS = re.compile(rf"{_PART}(?::/|mailto:|tel:|www\d{{0,3}}\.|\.\w+/){_PART}", re.IGNORECASE)
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
        name = _linked(escape(item.name), url, link) if url else escape(item.name)
        lines.append(f"{name}: {escape(item.text)}" if item.text else name)
    lines += [more] if (more := _and_more(message)) else []
    text = "\n".join(lines)
    if shape is Shape.DISCORD:
        return {"content": _that_fit(lines), "allowed_mentions": {"parse": []}}
    if shape is Shape.SLACK:
        # The text alone is for the phone's notification, and for other chats that take this shape.
        return {"text": text, "blocks": [_block(line) for line in lines]}
    return {"text": text}


def _linked(name: str, url: str, link: Callable[[str, str], str]) -> str:
    """Return a name that leads to an address. Inline code stays outside of the link."""
    return f"{name} ({link('show', url)})" if "`" in name else link(name, url)


def _block(line: str) -> Mapping[str, Any]:
    text = {"type": "mrkdwn", "text": _cut(line, _LONGEST_BLOCK), "verbatim": True}
    return {"type": "section", "text": text}


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
    parts, end = [], 0
    for found in _ADDRESS.finditer(text):
        parts += [_MARKUP.sub(r"\\\1", text[end : found.start()]), _in_code(found[0])]
        end = found.end()
    return "".join((*parts, _MARKUP.sub(r"\\\1", text[end:]))).replace("@", _NO_CALL)


def _in_code(word: str) -> str:
    """Return a word as inline code, in which a backtick cannot be written."""
    return f"`{word.replace('`', chr(39))}`"


_SYNTAX: Mapping[Shape, tuple[Callable[[str], str], Callable[[str, str], str]]] = {
    Shape.SLACK: (_in_slack, lambda name, url: f"<{url}|{name}>"),
    Shape.DISCORD: (_in_markdown, lambda name, url: f"[{name}](<{url}>)"),
    Shape.MATTERMOST: (_in_markdown, lambda name, url: f"[{name}]({url})"),
}


def _that_fit(lines: Sequence[str]) -> str:
    """Return the first lines that Discord takes. Half a line could end within inline code."""
    lengths = accumulate(len(line) + 1 for line in lines)
    kept = [line for line, end in zip(lines, lengths, strict=True) if end < _LONGEST_DISCORD]
    return "\n".join(kept if len(kept) == len(lines) else [*kept, "…"])


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
