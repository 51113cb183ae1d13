"""Draws the manager's address and status, in the preferences and at the top of the panel."""

from typing import Any

from . import background, texts
from .session import session

_ICONS = {None: "QUESTION", True: "CHECKMARK", False: "ERROR"}


def draw_preferences(layout: Any, preferences: Any, context: Any) -> None:
    layout.use_property_split = True
    layout.use_property_decorate = False
    row = layout.row(align=True)
    row.prop(preferences, "manager_address")
    row.operator("tablao.find_managers", text="", icon="VIEWZOOM")
    row = layout.row(align=True)
    row.prop(preferences, "token")
    row.operator("tablao.log_in", text="Log In", icon="URL")
    if preferences.manager_address.startswith("https:"):
        layout.prop(preferences, "authority")
    row = layout.row()
    row.use_property_split = False
    row.operator("tablao.refresh", text="Test Connection", icon="FILE_REFRESH")
    draw_found(layout)
    draw_message(layout, context)
    layout.separator()
    layout.prop(preferences, "user_name")
    layout.prop(preferences, "project_finder")
    layout.prop(preferences, "tells_of_ends")


def draw_connection(layout: Any, context: Any) -> None:
    """Draw the manager's name and status, and the button that asks it again."""
    row = layout.row(align=True)
    row.label(text=_headline(), icon=_ICONS[session.is_reached])
    is_busy = background.is_running("refresh")
    row.operator("tablao.refresh", text="", icon="SORTTIME" if is_busy else "FILE_REFRESH")
    row.operator("tablao.show", text="", icon="PREFERENCES").what = "preferences"
    if session.is_reached is False:
        draw_message(layout, context)
    if session.wants_login:
        layout.operator("tablao.log_in", icon="URL")


def draw_message(layout: Any, context: Any) -> None:
    if session.message:
        is_busy = background.is_running("refresh") or background.is_running("find")
        icon = "SORTTIME" if is_busy else _ICONS[session.is_reached]
        texts.draw_wrapped(layout, context, session.message, icon)


def _headline() -> str:
    if session.info is None:
        return "No manager yet"
    if session.is_reached:
        return f"{session.info.name} ({session.info.product})"
    if session.is_reached is None:
        return f"{session.info.name}, as last seen"
    return f"{session.info.name} is out of reach: as last seen"


def draw_found(layout: Any) -> None:
    for each in session.found if len(session.found) > 1 else ():
        button = layout.operator("tablao.use_manager", text=f"{each.name}: {each.address}")
        button.address = each.address
