"""Where the artist can fix what a check found. No `bpy` here."""

#: By a finding's code: the argument `what` of `tablao.show`, and the text of its button.
PLACES = {
    "not-saved": ("save", "Save the File"),
    "file-gone": ("save", "Save the File"),
    "not-writable": ("save", "Save Elsewhere"),
    "missing-files": ("missing-files", "Show Me"),
    "no-camera": ("SCENE", "Show Me"),
    "no-view-layer": ("VIEW_LAYER", "Show Me"),
    "manager-unknown": ("refresh", "Refresh"),
    "job-type-changed": ("refresh", "Refresh"),
    "no-job-type": ("refresh", "Refresh"),
    "no-worker-tag": ("refresh", "Refresh"),
    "manager-not-reached": ("preferences", "Preferences"),
    "not-allowed": ("preferences", "Preferences"),
}
