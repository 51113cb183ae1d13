"""The scene of `tablao demo`, built from nothing: a fan opens on a dark stage, pearls dance.

Blender (3.4 to 5.x) runs this file: `blender -b -P demo_scene.py -- FILE.blend FRAMES`. So it
imports only Blender's modules and the standard library. Every frame gets a keyframe, with easing
computed here, because the API for the interpolation of curves differs before and after Blender 5.
"""

import sys
from collections.abc import Callable, Sequence
from math import cos, pi, radians, sin, tau

import bmesh  # type: ignore[import-not-found]  # exists only inside Blender
import bpy  # exists only inside Blender
from mathutils import Vector  # type: ignore[import-not-found]  # exists only inside Blender

FPS = 24
BLADES = 13
PEARLS = 20

#: From the first blade to the last: wine, crimson, vermilion, amber.
FAN_COLORS = ((0.13, 0.004, 0.02), (0.42, 0.008, 0.018), (0.72, 0.06, 0.012), (0.86, 0.27, 0.02))
IVORY = (0.83, 0.74, 0.6)
GOLD = (0.9, 0.5, 0.13)
FLOOR = (0.022, 0.007, 0.006)

#: Direction, color and strength of each painted light: warm from the right, rose from behind.
FILL_LIGHTS = (
    ((4.6, -4.4, 2.0), (1.0, 0.62, 0.42), 0.34),
    ((-3.4, 2.4, 2.6), (1.0, 0.42, 0.5), 0.5),
)

#: The last two arguments of Blender's command line.
FILE, FRAMES = sys.argv[-2], int(sys.argv[-1])

Color = tuple[float, float, float]


def ease(t: float) -> float:
    """Map 0 to 1 onto 0 to 1, with a soft start and a soft end."""
    t = min(1.0, max(0.0, t))
    return t * t * (3 - 2 * t)


def blend(colors: Sequence[Color], t: float) -> Color:
    """Return the color at `t` (0 to 1) of a gradient through `colors`."""
    position = t * (len(colors) - 1)
    index = min(int(position), len(colors) - 2)
    share = position - index
    first, second = colors[index], colors[index + 1]
    return (
        first[0] + (second[0] - first[0]) * share,
        first[1] + (second[1] - first[1]) * share,
        first[2] + (second[2] - first[2]) * share,
    )


# -- Things ---------------------------------------------------------------------------------------


class Shading:
    """Writes a material's nodes as arithmetic, so that a look reads as a formula."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        if self.material.node_tree is None:  # since Blender 5 it exists from the start
            self.material.use_nodes = True
        self._tree = self.material.node_tree
        self._tree.nodes.clear()

    def node(self, kind: str, **inputs: object) -> bpy.types.Node:
        made = self._tree.nodes.new(f"ShaderNode{kind}")
        for name, value in inputs.items():
            self._feed(made.inputs[name], value)
        return made

    def math(self, operation: str, *operands: object) -> bpy.types.NodeSocket:
        made = self._tree.nodes.new("ShaderNodeMath")
        made.operation = operation
        for socket, value in zip(made.inputs, operands, strict=False):
            self._feed(socket, value)
        return made.outputs[0]

    def add(
        self, first: bpy.types.NodeSocket, second: bpy.types.NodeSocket
    ) -> bpy.types.NodeSocket:
        made = self._tree.nodes.new("ShaderNodeAddShader")
        self._feed(made.inputs[0], first)
        self._feed(made.inputs[1], second)
        return made.outputs[0]

    def facing(self, direction: Sequence[float]) -> bpy.types.NodeSocket:
        """Return how much a surface faces a direction, from 0 to 1, with a soft edge."""
        dot = self._tree.nodes.new("ShaderNodeVectorMath")
        dot.operation = "DOT_PRODUCT"
        self._feed(dot.inputs[0], self.node("NewGeometry").outputs["Normal"])
        self._feed(dot.inputs[1], Vector(direction).normalized())
        towards = self.math("MULTIPLY_ADD", dot.outputs["Value"], 0.6, 0.4)
        return self.math("POWER", self.math("MAXIMUM", towards, 0.0), 2.0)

    def surface(self, shader: bpy.types.NodeSocket) -> bpy.types.Material:
        self.node("OutputMaterial", Surface=shader)
        # Do not sample painted light: it would count as a lamp of thousands of faces.
        if hasattr(self.material.cycles, "emission_sampling"):
            self.material.cycles.emission_sampling = "NONE"
        else:
            self.material.cycles.sample_as_light = False
        return self.material

    def _feed(self, socket: bpy.types.NodeSocket, value: object) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self._tree.links.new(value, socket)
        else:
            socket.default_value = value


def material(name: str, color: Color, rim: float = 1.0, **inputs: float) -> bpy.types.Material:
    """Make a principled surface with painted fill lights. The only real lamp is the spot light.

    A painted light costs no ray and has no noise. Every sampled lamp has noise.

    Args:
        rim: The share of the painted light that the surface catches.
        **inputs: Inputs of the principled shader. `coat` stands for its names before and after
            Blender 4.
    """
    shading = Shading(name)
    shader = shading.node("BsdfPrincipled")
    shader.inputs["Base Color"].default_value = (*color, 1)
    renamed = {"coat": ("Clearcoat", "Coat Weight")}
    for key, value in inputs.items():
        for socket in renamed.get(key, (key.capitalize(),)):
            if socket in shader.inputs:
                shader.inputs[socket].default_value = value
    lit = shader.outputs[0]
    for direction, tint, strength in FILL_LIGHTS:
        share = shading.facing(direction)
        painted = tuple(c * t for c, t in zip(color, tint, strict=True))
        glow = shading.node(
            "Emission",
            Color=(*painted, 1),
            Strength=shading.math("MULTIPLY", share, strength * rim),
        )
        lit = shading.add(lit, glow.outputs[0])
    return shading.surface(lit)


def add(name: str, mesh: bpy.types.Mesh, look: bpy.types.Material) -> bpy.types.Object:
    """Put a smooth-shaded mesh on the stage."""
    for polygon in mesh.polygons:
        polygon.use_smooth = True
    mesh.materials.append(look)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def grid(
    name: str, point: Callable[[float, float], tuple[float, float, float]], rows: int, columns: int
) -> bpy.types.Mesh:
    """Make a mesh of the surface `point(u, v)`, with u and v from 0 to 1."""
    mesh = bpy.data.meshes.new(name)
    points = [
        point(row / rows, column / columns)
        for row in range(rows + 1)
        for column in range(columns + 1)
    ]
    width = columns + 1
    faces = [
        (i, i + 1, i + 1 + width, i + width)
        for row in range(rows)
        for i in range(row * width, row * width + columns)
    ]
    mesh.from_pydata(points, [], faces)
    return mesh


def blade_point(u: float, v: float) -> tuple[float, float, float]:
    """Return a point of a fan's blade: narrow at the pivot, wide and round at its end."""
    # More rows are at the round end, where the outline curves most.
    u = sin(u * pi / 2)
    rounding = max(0.0, 1 - (max(0.0, u - 0.86) / 0.14) ** 2) ** 0.5
    half_width = (0.05 + 0.25 * u**1.15) * rounding
    half_depth = 0.028 * rounding
    angle = v * tau
    return (
        half_width * _softly_squared(cos(angle)),
        half_depth * _softly_squared(sin(angle)),
        0.25 + 1.95 * u,
    )


def _softly_squared(value: float) -> float:
    # A superellipse: a flat middle, round edges.
    return float(abs(value) ** 0.7) * (1 if value >= 0 else -1)


def curtain_point(u: float, v: float) -> tuple[float, float, float]:
    """Return a point of the curtain: velvet folds along an arc behind the stage."""
    angle = radians(200 - 220 * v)
    fold = 0.16 * sin(v * 150) + 0.06 * sin(v * 71 + 1.3)
    radius = 6.2 + fold * (1.1 - 0.35 * u)
    return (radius * cos(angle), radius * sin(angle) * 0.82, 7 * u)


def sphere(name: str, radius: float) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(name)
    form = bmesh.new()
    bmesh.ops.create_uvsphere(form, u_segments=40, v_segments=20, radius=radius)
    form.to_mesh(mesh)
    form.free()
    return mesh


def beam_look() -> bpy.types.Material:
    """Make a material of light in the air: a glow that fades at the cone's outline and foot."""
    shading = Shading("beam")
    edge = shading.node("LayerWeight", Blend=0.5).outputs["Facing"]
    place = shading.node("TexCoord").outputs["Generated"]
    height = shading.node("SeparateXYZ", Vector=place).outputs["Z"]
    core = shading.math("POWER", shading.math("SUBTRACT", 1.0, edge), 2.6)
    strength = shading.math("MULTIPLY", shading.math("MULTIPLY", core, height), 0.11)
    glow = shading.node("Emission", Color=(1.0, 0.56, 0.27, 1), Strength=strength)
    return shading.surface(shading.add(shading.node("BsdfTransparent").outputs[0], glow.outputs[0]))


def curtain_look() -> bpy.types.Material:
    """Make velvet of painted light. Unlike a lit surface it costs no ray and has no noise."""
    shading = Shading("velvet")
    normal = shading.node("SeparateXYZ", Vector=shading.node("NewGeometry").outputs["Normal"])
    place = shading.node("SeparateXYZ", Vector=shading.node("NewGeometry").outputs["Position"])
    turned = shading.math("ABSOLUTE", normal.outputs["X"])
    fold = shading.math("POWER", shading.math("SUBTRACT", 1.0, turned), 1.6)
    aside = shading.math("POWER", shading.math("MULTIPLY", place.outputs["X"], 0.26), 2.0)
    pool = shading.math("DIVIDE", 1.0, shading.math("ADD", 1.0, aside))
    above = shading.math("MULTIPLY_ADD", place.outputs["Z"], 0.13, 0.25)
    light = shading.math("MULTIPLY", shading.math("MULTIPLY", fold, pool), above)
    strength = shading.math("MULTIPLY_ADD", light, 0.32, 0.012)
    return shading.surface(
        shading.node("Emission", Color=(0.62, 0.022, 0.04, 1), Strength=strength).outputs[0]
    )


# -- Stage, lights, camera ------------------------------------------------------------------------


def look_at(thing: bpy.types.Object, target: Sequence[float]) -> None:
    direction = Vector(target) - thing.location
    thing.rotation_euler = direction.to_track_quat("-Z", "Y").to_euler()


def add_spot_light() -> None:
    data = bpy.data.lights.new("spot", "SPOT")
    data.color, data.energy = (1.0, 0.72, 0.44), 1900
    data.spot_size, data.spot_blend, data.shadow_soft_size = radians(38), 0.45, 0.06
    # Reflections that hit so small a lamp by chance would be fireflies.
    data.cycles.use_multiple_importance_sampling = False
    light = bpy.data.objects.new("spot", data)
    bpy.context.scene.collection.objects.link(light)
    light.location = (-1.6, -2.6, 6.4)
    look_at(light, (0.1, 0.1, 0.7))


def build_stage() -> None:
    add("curtain", grid("curtain", curtain_point, 6, 420), curtain_look())
    floor = grid("floor", lambda u, v: (20 * u - 10, 20 * v - 12, 0), 1, 1)
    add("floor", floor, material("stage", FLOOR, rim=0.0, roughness=0.06))

    add_spot_light()

    def beam_point(u: float, v: float) -> tuple[float, float, float]:
        radius = 2.05 - 1.9 * u
        return (radius * cos(v * tau) - 1.7 * u, radius * sin(v * tau) - 2.7 * u, 6.4 * u)

    beam = add("beam", grid("beam", beam_point, 1, 96), beam_look())
    for ray in ("shadow", "diffuse", "glossy"):
        setattr(beam, f"visible_{ray}", False)

    background = bpy.context.scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.012, 0.004, 0.006, 1)
    background.inputs["Strength"].default_value = 1.0


def animate_fan() -> None:
    pivot = bpy.data.objects.new("fan", None)
    bpy.context.scene.collection.objects.link(pivot)
    pivot.location = (0, 0, 0.42)
    look = material("rivet", GOLD, rim=0.15, metallic=1.0, roughness=0.2)
    rivet = add("rivet", sphere("rivet", 0.1), look)
    rivet.parent = pivot
    rivet.location = (0, -0.06, 0.16)
    for index in range(BLADES):
        share = index / (BLADES - 1)
        look = material(f"blade {index}", blend(FAN_COLORS, share), roughness=0.3, coat=0.6)
        blade = add(f"blade {index}", grid(f"blade {index}", blade_point, 40, 32), look)
        blade.parent = pivot
        # Each blade is in front of the one before, so that they do not cut through each other.
        blade.location.y = 0.3 - 0.05 * index
        for frame in range(1, FRAMES + 1):
            # The blades open one after the other, and sway a little when the fan is open.
            opened = ease((frame - 1) / (FRAMES * 0.72) * 1.35 - 0.35 * (1 - share))
            sway = 0.05 * sin(tau * frame / FRAMES + share * 2)
            blade.rotation_euler = (0, radians(8 - 84 + 160 * share * opened) + sway * opened, 0)
            blade.keyframe_insert("rotation_euler", frame=frame)
    for frame in range(1, FRAMES + 1):
        t = ease((frame - 1) / (FRAMES - 1))
        pivot.rotation_euler = (radians(-6), radians(6 - 6 * t), radians(-26 + 34 * t))
        pivot.keyframe_insert("rotation_euler", frame=frame)


def animate_pearls() -> None:
    looks = (
        material("ivory", IVORY, roughness=0.25, coat=0.5),
        material("gold", GOLD, rim=0.15, metallic=1.0, roughness=0.24),
        material("crimson", FAN_COLORS[1], roughness=0.28, coat=0.6),
    )
    sizes = (0.13, 0.17, 0.11)
    for index in range(PEARLS):
        kind = index % len(looks)
        pearl = add(f"pearl {index}", sphere(f"pearl {index}", sizes[kind]), looks[kind])
        for frame in range(1, FRAMES + 1):
            t = (frame - 1) / FRAMES
            angle = tau * index / PEARLS + 0.5 * t
            # Each pearl jumps twice, a little later than the pearl before it.
            jump = abs(sin(pi * (2 * t - index * 2 / PEARLS)))
            radius = 1.75 + 0.12 * sin(tau * t + index)
            place = (radius * cos(angle), radius * sin(angle) * 0.9)
            pearl.location = (*place, sizes[kind] + 0.62 * jump)
            pearl.keyframe_insert("location", frame=frame)


def animate_camera() -> None:
    data = bpy.data.cameras.new("camera")
    data.lens = 42
    camera = bpy.data.objects.new("camera", data)
    scene = bpy.context.scene
    scene.collection.objects.link(camera)
    scene.camera = camera
    for frame in range(1, FRAMES + 1):
        t = ease((frame - 1) / (FRAMES - 1))
        angle = radians(-104 + 22 * t)
        distance = 7.3 - 0.9 * t
        camera.location = (distance * cos(angle), distance * sin(angle), 1.35 + 0.5 * t)
        look_at(camera, (0, 0, 1.12 + 0.06 * t))
        camera.keyframe_insert("location", frame=frame)
        camera.keyframe_insert("rotation_euler", frame=frame)


# -- Rendering ------------------------------------------------------------------------------------


def set_up_rendering() -> None:
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, FRAMES
    render = scene.render
    render.engine = "CYCLES"
    render.fps = FPS
    render.resolution_x, render.resolution_y, render.resolution_percentage = 480, 270, 100
    render.image_settings.file_format = "PNG"
    render.use_persistent_data = True
    cycles = scene.cycles
    cycles.device = "CPU"
    # Five samples are enough for one small lamp. A denoiser would cost more than the frame.
    cycles.samples = 5
    cycles.use_denoising = False
    cycles.use_adaptive_sampling = False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 2, 0, 2
    cycles.transparent_max_bounces = 6
    cycles.sample_clamp_direct, cycles.sample_clamp_indirect = 6.0, 1.5
    cycles.blur_glossy = 1.0
    cycles.caustics_reflective = cycles.caustics_refractive = False


def set_up_film() -> None:
    view = bpy.context.scene.view_settings
    view.view_transform = "Filmic"
    view.look = "Medium High Contrast"
    view.exposure = 0.35


def main() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("dark")
    if scene.world.node_tree is None:
        scene.world.use_nodes = True
    set_up_rendering()
    set_up_film()
    build_stage()
    animate_fan()
    animate_pearls()
    animate_camera()
    bpy.ops.wm.save_as_mainfile(filepath=FILE, check_existing=False)


if __name__ == "__main__":
    main()
