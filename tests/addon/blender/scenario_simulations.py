"""Simulations in a real Blender, before and after they are baked."""

from typing import Any

import bpy


def looked_at() -> "dict[str, Any]":
    """Return which simulations are not baked, at first and after all were baked."""
    from tablao.simulations import unbaked

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 3
    for name in ("flag", "banner", "hidden", "not rendered"):
        cloth = _grid(name).modifiers.new("cloth", "CLOTH")
        cloth.point_cache.frame_end = 3
    bpy.data.objects["hidden"].hide_render = True
    bpy.data.objects["not rendered"].modifiers[0].show_render = False
    _grid("jelly").modifiers.new("soft", "SOFT_BODY").point_cache.frame_end = 3
    _grid("paper").modifiers.new("paint", "DYNAMIC_PAINT")
    bpy.ops.dpaint.type_toggle(type="CANVAS")
    (surface,) = bpy.data.objects["paper"].modifiers[0].canvas_settings.canvas_surfaces
    surface.surface_format, surface.frame_end = "VERTEX", 3
    surface.point_cache.frame_end = 3
    _particles("sparks", "EMITTER")
    _particles("fur", "HAIR")
    _grid("tank").modifiers.new("fluid", "FLUID").fluid_type = "DOMAIN"
    _grid("glass").modifiers.new("fluid", "FLUID").fluid_type = "EFFECTOR"
    bpy.context.view_layer.objects.active = _grid("brick")
    bpy.ops.rigidbody.world_add()
    bpy.ops.rigidbody.object_add(type="ACTIVE")
    scene.rigidbody_world.point_cache.frame_end = 3
    before = unbaked(scene)
    bpy.ops.ptcache.bake_all(bake=True)
    return {"before": sorted(before), "after": sorted(unbaked(scene))}


def _grid(name: str) -> Any:
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=2, y_subdivisions=2)
    grid = bpy.context.view_layer.objects.active
    grid.name = name
    return grid


def _particles(name: str, kind: str) -> None:
    _grid(name).modifiers.new(name, "PARTICLE_SYSTEM")
    system = bpy.data.objects[name].particle_systems[0]
    system.name, system.settings.type = name, kind
    system.settings.count = 10
    system.point_cache.frame_end = 3
