"""Wraps texts to a panel's width, which Blender's labels do not do."""

import textwrap
from typing import Any

#: A character's width in Blender's font, in pixels at a scale of 1; no text is wider on average.
_CHARACTER_PX = 6.6
_MARGIN_PX = 60


def characters_that_fit(context: Any) -> int:
    """Return how many characters fit in one line of the region that is drawn."""
    width = context.region.width if context.region else 300
    scale = context.preferences.system.ui_scale or 1.0
    return max(24, int((width - _MARGIN_PX * scale) / (_CHARACTER_PX * scale)))


def draw_wrapped(layout: Any, context: Any, text: str, icon: str = "NONE") -> None:
    """Draw a text in as many lines as it needs, with the icon before the first."""
    column = layout.column(align=True)
    column.scale_y = 0.85
    indent = "BLANK1" if icon != "NONE" else "NONE"
    for number, line in enumerate(textwrap.wrap(text, characters_that_fit(context)) or [""]):
        column.label(text=line, icon=indent if number else icon)
