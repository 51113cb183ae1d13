"""The scene that the tests render: two view layers, and a second camera from frame 2 on."""

from pathlib import Path
from typing import Any

import bpy

FRAMES = (1, 2)


def build(file: Path) -> None:
    """Make a red cube for the first camera, a green one for the second, and a texture file."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = FRAMES
    _render_quickly(scene)
    file.parent.mkdir(parents=True, exist_ok=True)
    first = _camera_on(_cube("red", (1, 0, 0, 1), -20))
    second = _camera_on(_cube("green", (0, 1, 0, 1), 20))
    scene.camera = first
    scene.timeline_markers.new("one", frame=1).camera = first
    scene.timeline_markers.new("two", frame=2).camera = second
    scene.view_layers.new("Second Layer")
    _use_texture(file.parent / "textures" / "weiße Wand.png")
    bpy.ops.wm.save_as_mainfile(filepath=str(file), check_existing=False, relative_remap=True)
    bpy.ops.file.make_paths_relative()
    bpy.ops.wm.save_mainfile()


def slow_down() -> None:
    """The last frame takes a second or two, so that the first one's picture is seen before."""
    cycles = bpy.context.scene.cycles
    for frame, samples in ((FRAMES[0], 1), (FRAMES[1], 4000)):
        cycles.samples = samples
        cycles.keyframe_insert("samples", frame=frame)
    bpy.ops.wm.save_mainfile()


def _render_quickly(scene: Any) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.seed = "CPU", 1, 1
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = 64, 36
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"


def _cube(name: str, color: "tuple[float, ...]", x: float) -> Any:
    bpy.ops.mesh.primitive_cube_add(location=(x, 0, 0))
    cube = bpy.context.view_layer.objects.active
    cube.name = name
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    glow, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    glow.inputs["Color"].default_value = color
    material.node_tree.links.new(glow.outputs[0], output.inputs["Surface"])
    cube.data.materials.append(material)
    return cube


def _camera_on(thing: Any) -> Any:
    camera = bpy.data.objects.new(f"camera on {thing.name}", bpy.data.cameras.new(thing.name))
    bpy.context.scene.collection.objects.link(camera)
    camera.location = (thing.location.x, -6, 0)
    camera.rotation_euler = (1.5707963, 0, 0)
    return camera


def _use_texture(file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    image = bpy.data.images.new("wall", 8, 8)
    image.pixels = [0.0, 0.0, 1.0, 1.0] * 64
    image.filepath_raw, image.file_format = str(file), "PNG"
    image.save()
    bpy.data.images.remove(image)
    loaded = bpy.data.images.load(str(file))
    nodes = bpy.data.materials["red"].node_tree.nodes
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = loaded
    glow = next(node for node in nodes if node.type == "EMISSION")
    bpy.data.materials["red"].node_tree.links.new(texture.outputs[0], glow.inputs["Color"])
