"""A layout that records what panels draw, for Blenders without a window.

It runs inside Blender, so it uses only the standard library. It checks some of what Blender's
layout checks: a property that is drawn must exist.
"""

from typing import Any


class RecordingLayout:
    """A layout that records `(kind, what, text)`, also for the layouts within it."""

    def __init__(self, drawn: "list[tuple[str, str, str]] | None" = None) -> None:
        self.drawn = [] if drawn is None else drawn
        #: Stands for all properties of a layout. Like Blender's, it cannot get other properties.
        self.enabled = True
        self.scale_x = self.scale_y = 1.0
        self.alignment = "EXPAND"
        self.use_property_split = self.use_property_decorate = False

    def _part(self, *_: Any, **__: Any) -> "RecordingLayout":
        return RecordingLayout(self.drawn)

    row = column = box = split = _part

    def prop(self, data: Any, name: str, *, text: "str | None" = None, **_: Any) -> None:
        described = data.bl_rna.properties[name]
        value = getattr(data, name)
        if described.type == "ENUM" and not described.is_enum_flag:
            assert value != "", f"{name} has a value that Blender cannot show"
        self.drawn.append(("prop", name, described.name if text is None else text))

    def operator(self, name: str, *, text: str = "", **_: Any) -> Any:
        self.drawn.append(("operator", name, text))
        return type("Properties", (), {})()

    def label(self, *, text: str = "", **_: Any) -> None:
        self.drawn.append(("label", "", text))

    def menu(self, name: str, *, text: str = "", **_: Any) -> None:
        self.drawn.append(("menu", name, text))

    def progress(self, *, text: str = "", factor: float = 0.0) -> None:
        self.drawn.append(("progress", str(factor), text))

    def template_list(self, kind: str, *_: Any, **__: Any) -> None:
        self.drawn.append(("list", kind, ""))

    def template_icon(self, *, icon_value: int, scale: float = 1.0) -> None:
        self.drawn.append(("picture", str(icon_value), ""))

    def separator(self, **_: Any) -> None:
        pass
