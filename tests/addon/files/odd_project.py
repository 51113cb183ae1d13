"""Makes a project of odd names and uncommon files, and looks through it. A Blender runs this.

    odd_project.py -- CHECKOUT FOLDER

The answer, in `found.json`, has the files of its pack, the missing files, and the existing files.
"""

import json
import sys
from pathlib import Path

import bpy

CHECKOUT, FOLDER = sys.argv[-2:]
ROOT = Path(FOLDER)

sys.path.append(CHECKOUT)

from addon.core.files import missing_files  # noqa: E402 # the path comes first
from addon.core.files.tracing import packed  # noqa: E402


def write(*names: str) -> None:
    for name in names:
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"only its name matters")


def image(path: str, source: str = "FILE") -> None:
    made = bpy.data.images.new("image", 8, 8)
    made.source = source
    made.filepath = path
    made.use_fake_user = True


def scene_object(name: str, data: object) -> bpy.types.Object:
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    return made


def fluid() -> None:
    write("fluid cache/data/fluid_data_0001.vdb", "fluid cache/config/config_0001.uni")
    domain = scene_object("domain", bpy.data.meshes.new("domain"))
    modifier = domain.modifiers.new("fluid", "FLUID")
    # Otherwise Blender would simulate from an empty cache.
    modifier.show_viewport = False
    modifier.fluid_type = "DOMAIN"
    modifier.domain_settings.cache_directory = "//fluid cache"


def volumes() -> None:
    write("vdb/smoke_0001.vdb", "vdb/smoke_0002.vdb", "vdb/other_0001.vdb")
    volume = bpy.data.volumes.new("volume")
    volume.filepath = "//vdb/smoke_0001.vdb"
    volume.is_sequence, volume.frame_duration = True, 2
    scene_object("volume", volume)


def strip() -> None:
    write("strip/bild 0001.png", "strip/bild 0002.png")
    editor = bpy.context.scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    made = strips.new_image("strip", str(ROOT / "strip/bild 0001.png"), 1, 1)
    made.elements.append("bild 0002.png")
    made.directory = "//strip/"


def images() -> None:
    write("tex [v2]/t.1001.png", "tex [v2]/t.1002.png", "tex [v2]/u.1001.png")
    image("//tex [v2]/t.<UDIM>.png", "TILED")
    write("a[1]b 0001_left.jp2", "a[1]b 0002_left.jp2", "a[1]b 0002_right.jp2")
    image("//a[1]b 0001_left.jp2", "SEQUENCE")
    write("sub/back.png", "emoji 🦇 ' \" $HOME.png")
    image("//sub\\back.png")
    image("//emoji 🦇 ' \" $HOME.png")
    image("C:\\textures\\windows.png")


def main() -> None:
    ROOT.mkdir(parents=True)
    blendfile = ROOT / "odd.blend"
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(blendfile))
    for make in (fluid, volumes, strip, images):
        make()
    bpy.ops.wm.save_as_mainfile(filepath=str(blendfile), relative_remap=False)
    with packed(blendfile, ROOT, lambda *_: None, lambda: False) as pack:
        targets = [file.target for file in pack.files]
    missing = [each.path for each in missing_files(blendfile)]
    answer = {"targets": sorted(targets), "missing": missing}
    (ROOT / "found.json").write_text(json.dumps(answer))


main()
