"""Finds simulations of a scene that are not baked. Each task would start them from the beginning.

Simulation zones of geometry nodes are not looked at: Blender does not tell whether they are baked.
"""

from collections.abc import Iterator
from typing import Any

import bpy

#: Modifiers that have a cache of their own, and their names in Blender's interface.
_CACHED = {"CLOTH": "Cloth", "SOFT_BODY": "Soft Body"}


def unbaked(scene: bpy.types.Scene) -> "tuple[str, ...]":
    """Return the simulations that are rendered and not baked, such as `Cloth of “Flag”`."""
    found = [*_rigid_bodies(scene)]
    for thing in scene.objects:
        if not thing.hide_render:
            found += (f"{kind} of “{thing.name}”" for kind in _of_object(thing))
    return tuple(found)


def _rigid_bodies(scene: bpy.types.Scene) -> Iterator[str]:
    world = scene.rigidbody_world
    if world is None or not world.enabled or world.point_cache.is_baked:
        return
    bodies = world.collection.objects if world.collection else ()
    if any(each.rigid_body and each.rigid_body.type == "ACTIVE" for each in bodies):
        yield "Rigid bodies"


def _of_object(thing: bpy.types.Object) -> Iterator[str]:
    for modifier in thing.modifiers:
        if modifier.show_render:
            yield from _of_modifier(modifier)


def _of_modifier(modifier: Any) -> Iterator[str]:
    if modifier.type in _CACHED and not modifier.point_cache.is_baked:
        yield _CACHED[modifier.type]
    elif modifier.type == "PARTICLE_SYSTEM" and _is_moving(modifier.particle_system):
        yield f"Particles “{modifier.particle_system.name}”"
    elif modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
        if not modifier.domain_settings.has_cache_baked_any:
            yield "Fluid"
    elif modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings:
        surfaces = modifier.canvas_settings.canvas_surfaces
        if any(each.is_active and _is_vertex_paint(each) for each in surfaces):
            yield "Dynamic Paint"


def _is_moving(system: Any) -> bool:
    settings = system.settings
    if settings.type == "HAIR":
        return bool(system.use_hair_dynamics and not system.point_cache.is_baked)
    return settings.physics_type != "NO" and not system.point_cache.is_baked


def _is_vertex_paint(surface: Any) -> bool:
    # Painted images are files, which are missing or there.
    return surface.surface_format == "VERTEX" and not surface.point_cache.is_baked
