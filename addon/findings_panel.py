"""Draws what the checks found, with advice and a button that leads to the place to fix it."""

from typing import Any

import bpy

from . import background, texts
from .core.checks import Finding
from .finding_places import PLACES
from .mending import MENDS
from .panels import SubPanel
from .session import session

#: The window that "Show Me" opens has longer lists.
_SHOWN_AT_ONCE = 5


class TABLAO_PT_findings(SubPanel, bpy.types.Panel):
    bl_label = "Files & Checks"

    def draw_header(self, context: Any) -> None:
        if session.findings:
            is_blocked = any(each.is_blocking for each in session.findings)
            self.layout.label(text="", icon="CANCEL" if is_blocked else "ERROR")

    def draw(self, context: Any) -> None:
        layout = self.layout
        row = layout.row()
        row.enabled = session.running is None and not background.is_running("check")
        row.operator("tablao.check", icon="VIEWZOOM")
        if background.is_running("check"):
            layout.label(text="Looking…", icon="SORTTIME")
        elif session.is_checked and not session.findings:
            layout.label(text="Nothing is wrong", icon="CHECKMARK")
        for finding in session.findings:
            draw_finding(layout.box(), context, finding)


def draw_finding(layout: Any, context: Any, finding: Finding) -> None:
    column = layout.column(align=True)
    icon = "CANCEL" if finding.is_blocking else "ERROR"
    texts.draw_wrapped(column, context, f"{finding.sentence}.", icon)
    texts.draw_wrapped(column, context, f"{finding.advice}.", "BLANK1")
    about = [each for each in finding.show if each]
    for each in about[:_SHOWN_AT_ONCE]:
        texts.draw_wrapped(column, context, each, "DOT")
    if len(about) > _SHOWN_AT_ONCE:
        column.label(text=f"and {len(about) - _SHOWN_AT_ONCE} more", icon="BLANK1")
    place, mend = PLACES.get(finding.code), MENDS.get(finding.code)
    row = column.row()
    row.alignment = "RIGHT"
    if place:
        row.operator("tablao.show", text=place[1]).what = place[0]
    if mend:
        row.operator("tablao.mend", text=mend[0]).code = finding.code


CLASSES = (TABLAO_PT_findings,)
