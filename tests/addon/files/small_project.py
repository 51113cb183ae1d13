"""Makes a project of small files. A Blender runs this.

    small_project.py -- FOLDER

`shot.blend` uses a texture, and a library that uses another. `lost.blend` refers to a texture, a
library and tiles that do not exist. `compressed.blend` is `shot.blend`, compressed.
"""

import json
import sys
from pathlib import Path

import bpy


def texture_of(texture: Path | str) -> bpy.types.Image:
    """One that is there, or a reference to one that is not."""
    image = bpy.data.images.new("texture", 8, 8)
    if isinstance(texture, Path):
        image.filepath_raw, image.file_format = str(texture), "PNG"
        image.save()
        texture = f"//{texture.name}"
    image.source = "TILED" if "<UDIM>" in texture else "FILE"
    image.filepath = texture
    image.use_fake_user = True
    return image


def save(path: Path, *, compress: bool = False) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), relative_remap=False, compress=compress)


def link(path: Path) -> None:
    with bpy.data.libraries.load(str(path), link=True, relative=True) as (_, linked):
        linked.objects = ["thing"]
    bpy.context.scene.collection.objects.link(linked.objects[0])


def new_file(path: Path) -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    save(path)


def library(path: Path, texture: str) -> None:
    new_file(path)
    material = bpy.data.materials.new("material")
    material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = texture_of(path.with_name(texture))
    thing = bpy.data.objects.new("thing", bpy.data.meshes.new("thing"))
    thing.data.materials.append(material)
    bpy.context.scene.collection.objects.link(thing)
    save(path)


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    library(folder / "library.blend", "of library.png")
    new_file(folder / "shot.blend")
    texture_of(folder / "of shot.png")
    link(folder / "library.blend")
    save(folder / "shot.blend")
    save(folder / "compressed.blend", compress=True)

    library(folder / "gone.blend", "gone.png")
    new_file(folder / "lost.blend")
    link(folder / "gone.blend")
    link(folder / "library.blend")
    texture_of("//gone.png")
    texture_of("//tiles.<UDIM>.png")
    save(folder / "lost.blend")
    (folder / "gone.blend").unlink()
    (folder / "gone.png").unlink()
    for backup in folder.glob("*.blend1"):
        backup.unlink()
    contents = ["library.blend", "of library.png", "of shot.png", "shot.blend"]
    (folder / "contents.json").write_text(json.dumps(contents))


main(Path(sys.argv[-1]))
