"""Makes a project whose files are hard to pack. A Blender runs this.

    hard_project.py -- FOLDER

Each asset lights its own tile of the picture, in colours that only its files have, so a missing
file can be seen. The camera looks straight down and colours are stored unchanged, so that each
pixel shows which file it came from. `tiles` in the answer has the colours that each frame must
show.
"""

import json
import struct
import sys
import wave
import zlib
from pathlib import Path

import bpy

FRAMES = 3
Colour = tuple[int, int, int]
#: The colour that Blender shows for a missing picture.
PINK: Colour = (255, 0, 255)


def write_png(path: Path, colour: Colour) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (b"\0" + bytes(colour) * 8) * 8
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in chunks:
            checksum = struct.pack(">I", zlib.crc32(kind + data))
            file.write(struct.pack(">I", len(data)) + kind + data + checksum)
    return path


def write_sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 8000)
    return path


def write_pc2(path: Path, points: list[tuple[float, float, float]], heights: list[float]) -> Path:
    """A mesh cache: one set of points for each frame, at these heights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<12siiffi", b"POINTCACHE2\0", 1, len(points), 1, 1, len(heights)))
        for height in heights:
            for x, y, z in points:
                file.write(struct.pack("<fff", x, y, z + height))
    return path


def light(
    image: "bpy.types.Image | None" = None, colour: Colour | None = None
) -> bpy.types.Material:
    """A material that shines in exactly this colour."""
    material = bpy.data.materials.new("light")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    emission = nodes.new("ShaderNodeEmission")
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(emission.outputs[0], output.inputs[0])
    if image is not None:
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = image
        texture.interpolation = "Closest"
        if image.source == "SEQUENCE":
            texture.image_user.frame_duration = FRAMES
            texture.image_user.use_auto_refresh = True
        links.new(texture.outputs[0], emission.inputs[0])
    elif colour is not None:
        emission.inputs[0].default_value = (*(part / 255 for part in colour), 1)
    return material


def picture(filepath: str, source: str = "FILE") -> bpy.types.Image:
    image = bpy.data.images.load(filepath)
    image.source = source
    image.colorspace_settings.name = "Non-Color"
    return image


def tile(number: int, material: bpy.types.Material, u: float = 0.5) -> bpy.types.Object:
    """A square of which all points have the same place in the texture."""
    corners = [(number + x, y, 0.0) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
    mesh = bpy.data.meshes.new("tile")
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    for corner in mesh.uv_layers.new().data:
        corner.uv = (u, 0.5)
    mesh.materials.append(material)
    made = bpy.data.objects.new("tile", mesh)
    bpy.context.scene.collection.objects.link(made)
    return made


def as_collection(name: str, *objects: bpy.types.Object) -> None:
    collection = bpy.data.collections.new(name)
    bpy.context.scene.collection.children.link(collection)
    for each in objects:
        bpy.context.scene.collection.objects.unlink(each)
        collection.objects.link(each)


def link_collection(path: Path, name: str, *, relative: bool) -> None:
    """As an instance, which is how artists use a library."""
    with bpy.data.libraries.load(str(path), link=True, relative=relative) as (_, linked):
        linked.collections = [name]
    instance = bpy.data.objects.new(name, None)
    instance.instance_type = "COLLECTION"
    instance.instance_collection = linked.collections[0]
    bpy.context.scene.collection.objects.link(instance)


def new_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    save(path)  # relative paths are relative to something


def save(path: Path, *, compress: bool = False) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), relative_remap=False, compress=compress)


def prop_library(path: Path, project: Path) -> None:
    """Used by the hero library: what the shot does not name itself. UDIM tiles; compressed."""
    for number, colour in ((1001, (200, 10, 10)), (1002, (10, 200, 10)), (1011, (10, 10, 200))):
        write_png(project / f"textures/kachel ü.{number}.png", colour)
    new_file(path)
    image = picture("//../../textures/kachel ü.1001.png", "TILED")
    image.filepath = "//../../textures/kachel ü.<UDIM>.png"
    image.tiles.new(1002)
    image.tiles.new(1011)
    as_collection("prop", tile(1, light(image), u=1.5))
    save(path)


def hero_library(path: Path, project: Path) -> None:
    write_png(project / "textures/held.png", (90, 60, 30))
    new_file(path)
    as_collection("hero", tile(2, light(picture("//../../textures/held.png"))))
    link_collection(project / "assets/requisiten/prop.blend", "prop", relative=True)
    bpy.data.collections["hero"].objects.link(bpy.data.objects["prop"])
    save(path)


def tree_library(path: Path) -> None:
    """Outside the project; it has a texture beside it."""
    write_png(path.parent / "rinde.png", (70, 130, 50))
    new_file(path)
    as_collection("tree", tile(4, light(picture("//rinde.png"))))
    save(path)


def alembic(project: Path) -> None:
    """A square that is to be seen from the second frame on."""
    path = project / "caches/würfel 1.abc"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = tile(5, light(colour=(250, 250, 0)))
    made.shape_key_add(name="Basis")
    gone = made.shape_key_add(name="gone")
    for point in gone.data:
        point.co.y += 100
    for frame, value in ((1, 1.0), (2, 0.0), (3, 0.0)):
        gone.value = value
        gone.keyframe_insert("value", frame=frame)
    bpy.ops.object.select_all(action="DESELECT")
    made.select_set(True)
    bpy.context.view_layer.objects.active = made
    bpy.ops.wm.alembic_export(
        filepath=str(path), start=1, end=FRAMES, selected=True, as_background_job=False
    )
    material = made.data.materials[0]
    bpy.data.objects.remove(made)
    bpy.ops.wm.alembic_import(filepath=str(path), relative_path=True, as_background_job=False)
    imported = bpy.context.view_layer.objects.active
    imported.data.materials.clear()
    imported.data.materials.append(material)
    bpy.data.cache_files[0].filepath = "//" + "../../caches/würfel 1.abc"


def mesh_cache(project: Path) -> None:
    """A square that sinks below the floor in the last frame."""
    made = tile(6, light(colour=(0, 250, 250)))
    points = [tuple(vertex.co) for vertex in made.data.vertices]
    write_pc2(project / "caches/senke.pc2", points, [0.0, 0.0, -5.0])
    tile(6, light(colour=(5, 5, 5))).location.z = -1
    modifier = made.modifiers.new("cache", "MESH_CACHE")
    modifier.cache_format = "PC2"
    modifier.filepath = "//../../caches/senke.pc2"
    modifier.frame_start = 1


def text(outside: Path) -> None:
    """A letter that is larger than its tile."""
    font = Path(bpy.utils.system_resource("DATAFILES", path="fonts"), "DejaVuSansMono.woff2")
    copy = outside / "fonts/Schrift ß.woff2"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(font.read_bytes())
    curve = bpy.data.curves.new("text", "FONT")
    curve.body = "█"
    curve.font = bpy.data.fonts.load(str(copy))
    curve.materials.append(light(colour=(240, 120, 60)))
    made = bpy.data.objects.new("text", curve)
    curve.size = 3
    made.location = (8, -0.5, 0)
    bpy.context.scene.collection.objects.link(made)


def sound(project: Path) -> None:
    """Blender 5 calls strips what were sequences."""
    path = write_sound(project / "sounds/schritt.wav")
    editor = bpy.context.scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_sound("step", str(path), 1, 1).sound.filepath = "//../../sounds/schritt.wav"
    bpy.context.scene.render.use_sequencer = False


def cloth(path: Path) -> None:
    """Save a file with a point cache on disk. Blender names the cache's folder after the file."""
    made = tile(20, light(colour=(1, 1, 1)))  # outside the picture
    made.modifiers.new("cloth", "CLOTH").point_cache.use_disk_cache = True
    bpy.context.scene.frame_end = FRAMES
    cache = made.modifiers["cloth"].point_cache
    cache.frame_start, cache.frame_end = 1, FRAMES
    save(path)
    bpy.ops.ptcache.bake_all(bake=True)


def plates(project: Path) -> list[Colour | None]:
    """An image sequence: another colour in each frame."""
    colours: list[Colour | None] = []
    for frame in range(1, FRAMES + 1):
        colour = (10, 100, frame * 60)
        write_png(project / f"plates/folge {frame:04}.png", colour)
        colours.append(colour)
    tile(0, light(picture("//../../plates/folge 0001.png", "SEQUENCE")))
    return colours


def packed_picture(project: Path) -> None:
    """Pack a picture into the .blend file. Its deleted file must not be reported as missing."""
    path = write_png(project / "gone.png", (11, 22, 44))
    image = picture(str(path))
    image.pack()
    path.unlink()
    tile(9, light(image))


def camera_and_settings(tiles: int) -> None:
    scene = bpy.context.scene
    data = bpy.data.cameras.new("camera")
    data.type = "ORTHO"
    data.ortho_scale = tiles
    made = bpy.data.objects.new("camera", data)
    made.location = (tiles / 2, 0.5, 10)
    scene.collection.objects.link(made)
    scene.camera = made
    scene.world = None
    scene.frame_start, scene.frame_end = 1, FRAMES
    scene.view_settings.view_transform = "Raw"
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = 4
    scene.cycles.seed = 7
    scene.cycles.use_denoising = False
    scene.render.threads_mode = "FIXED"
    scene.render.threads = 1
    scene.render.resolution_x, scene.render.resolution_y = 16 * tiles, 16
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.dither_intensity = 0


def shot(path: Path, project: Path, outside: Path) -> list[list[Colour | None]]:
    """Make the shot, and return each tile's colour in each frame; None: it is not checked."""
    new_file(path)
    sequence = plates(project)
    link_collection(project / "assets/figuren/hero.blend", "hero", relative=True)
    tile(3, light(picture(str(write_png(outside / "holz texturen/holz 木.png", (120, 80, 40))))))
    link_collection(outside / "bibliothek ü/tree.blend", "tree", relative=False)
    has_alembic = "alembic_export" in dir(bpy.ops.wm)  # Debian's Blender has not
    if has_alembic:
        alembic(project)
    mesh_cache(project)
    tile(7, light(picture(str(write_png(project / "textures/absolut.png", (33, 66, 99))))))
    text(outside)
    packed_picture(project)
    sound(project)
    camera_and_settings(10)
    cloth(path)
    save(path)
    still: dict[int, Colour | None] = {
        1: (10, 200, 10),
        2: (90, 60, 30),
        3: (120, 80, 40),
        4: (70, 130, 50),
    }
    still |= {7: (33, 66, 99), 8: (240, 120, 60), 9: (11, 22, 44)}
    cyan, below = (0, 250, 250), (5, 5, 5)
    moving: dict[int, list[Colour | None]] = {0: sequence, 6: [cyan, cyan, below]}
    yellow: Colour | None = (250, 250, 0) if has_alembic else None
    moving[5] = [None, yellow, yellow]
    return [moving[each] if each in moving else [still[each]] * FRAMES for each in range(10)]


def main(folder: Path) -> None:
    project, outside = folder / "Projekt Ä", folder / "außerhalb"
    prop_library(project / "assets/requisiten/prop.blend", project)
    hero_library(project / "assets/figuren/hero.blend", project)
    tree_library(outside / "bibliothek ü/tree.blend")
    path = project / "shots/sh 010/größe 影.blend"
    tiles = shot(path, project, outside)
    answer = {"blendfile": str(path), "project_root": str(project), "tiles": tiles}
    (folder / "project.json").write_text(json.dumps(answer))


main(Path(sys.argv[-1]))
