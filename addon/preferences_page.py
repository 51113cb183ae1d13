"""The add-on's preferences: their fields, and the page that shows them."""

import bpy

from . import connecting, logging_in
from .connection_panel import draw_preferences
from .core.project import ProjectFinder
from .defaults import default_address, default_authority
from .preferences import key_of, token_file

_FINDERS = (
    (ProjectFinder.NONE.value, "None", "The folder that the blend file is in"),
    (ProjectFinder.BLENDER_PROJECT.value, "Marker File", "The folder that has .blender_project"),
    (ProjectFinder.GIT.value, "Git", "The root of the Git checkout that the file is in"),
    (ProjectFinder.SUBVERSION.value, "Subversion", "The root of the Subversion checkout"),
    (ProjectFinder.TYPED.value, "Typed", "The folder that is typed in the panel, with the job"),
)


def _address_changed(preferences: "TablaoPreferences", context: bpy.types.Context) -> None:
    connecting.use_kept_info()
    if not bpy.app.background:
        connecting.refresh(context)


def _token(preferences: "TablaoPreferences") -> str:
    return token_file().token_of(key_of(preferences.manager_address))


def _set_token(preferences: "TablaoPreferences", typed: str) -> None:
    logging_in.keep(preferences.manager_address, typed)


class TablaoPreferences(bpy.types.AddonPreferences):
    # Blender requires the name that it gave to the add-on's package.
    bl_idname = __package__

    __annotations__ = {
        "manager_address": bpy.props.StringProperty(
            name="Manager",
            description="Address of the farm's manager, such as http://farm:8080",
            default=default_address(),
            update=_address_changed,
        ),
        "token": bpy.props.StringProperty(
            name="API Token",
            description="For a manager that wants a login. Kept apart from Blender's preferences",
            subtype="PASSWORD",
            get=_token,
            set=_set_token,
        ),
        "authority": bpy.props.StringProperty(
            name="Authority",
            description="File of the farm's own certificate authority: authority.pem. Empty: none",
            subtype="FILE_PATH",
            default=default_authority(),
        ),
        "user_name": bpy.props.StringProperty(
            name="Your Name",
            description="Who a job is from, in the farm's list. Empty: your login's name",
        ),
        "project_finder": bpy.props.EnumProperty(
            name="Project",
            description="How a file's project is found: its folder is where paths in a pack begin",
            items=_FINDERS,
            default=ProjectFinder.BLENDER_PROJECT.value,
        ),
        "tells_of_ends": bpy.props.BoolProperty(
            name="Tell When Jobs End",
            description="Say in the status bar that a job of yours is completed or failed",
            default=True,
        ),
    }

    def draw(self, context: bpy.types.Context) -> None:
        draw_preferences(self.layout, self, context)


CLASSES = (TablaoPreferences,)
