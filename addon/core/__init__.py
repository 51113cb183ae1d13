"""The add-on without Blender: everything about submitting that needs no bpy.

For pipelines, too: see docs/pipelines.md.
"""
