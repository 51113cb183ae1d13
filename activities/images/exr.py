"""Reads OpenEXR for people to look at. Only `decoder.py` does so, in a process with limits.

Of the many images in a multilayer file the combined one is shown. Linear values are converted for a
screen as the sRGB standard says. Values above `SHOULDER` are compressed by a curve, so that lamps
and skies are not all the same white.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import Imath  # type: ignore[import-untyped] # comes with OpenEXR; it publishes no types
import numpy as np
import OpenEXR  # type: ignore[import-not-found] # compiled, and without stubs
from numpy.typing import NDArray
from PIL import Image

from activities.images.pictures import FITS_IN

#: The most values in a file of many parts, which is read as a whole: 1 GB. A 4K frame of 32
#: channels fits.
MAX_VALUES = 2**28
SHOULDER = 0.8
#: The number of pixels that are read at a time.
_BAND_PIXELS = 2**20

_RGB = ("R", "G", "B")
#: Names of the layers that are made for people to see, best first; matched as whole words.
_WORDS = ("composite", "combined", "beauty", "rgba", "rgb", "image", "color")

Plane = NDArray[np.float32]


class NoPreview(ValueError):
    """There is no preview of the file; the text says why."""


@dataclass(frozen=True, slots=True)
class _Choice:
    part: int
    channels: tuple[str, ...]
    """Three channels for a color image, one for a gray image."""


def as_image(path: str, most_pixels: int) -> Image.Image:
    """Return the file's image, somewhat larger than `FITS_IN` at most.

    Raises:
        NoPreview: the file has no image to look at, or is too large.
        RuntimeError, OSError, ValueError: the file is not readable.
    """
    headers = [part.header for part in OpenEXR.File(path, header_only=True).parts]
    for header in headers:
        _check_size(header, most_pixels)
    OpenEXR.set_global_thread_count(1)
    chosen = choose([_channel_names(header) for header in headers], list(map(_name, headers)))
    width, height = _size(headers[chosen.part])
    factor = max(1, int(max(width / FITS_IN[0], height / FITS_IN[1])))
    rows = max(1, _BAND_PIXELS // width // factor) * factor
    read = _read_all if chosen.part else _read_bands
    bands = [_shrunk(shown(band), factor) for band in read(path, chosen, headers, rows)]
    return Image.fromarray(np.concatenate(bands))


def choose(parts: Sequence[Sequence[str]], names: Sequence[str]) -> _Choice:
    """Choose the part and the channels to show.

    Args:
        parts: names of the channels of each part, without subsampled ones.
        names: the names of the parts, which name layers.

    Raises:
        NoPreview: no channels are an image; they are depths, masks and the like.
    """
    found = [
        (_rank(f"{names[number]}.{layer}"), number, layer, channels)
        for number, part in enumerate(parts)
        for layer, channels in _images(part)
    ]
    if not found:
        raise NoPreview("it has no image in it")
    # Of several equally good ones, choose the first in the file's order.
    _, number, layer, channels = min(found, key=lambda each: each[0])
    return _Choice(number, tuple(f"{layer}.{c}" if layer else c for c in channels))


def _images(part: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (layer, channels) of each layer that has the channels of an image."""
    layers: dict[str, set[str]] = {}
    for name in part:
        layer, _, channel = name.rpartition(".")
        layers.setdefault(layer, set()).add(channel)
    for layer, channels in layers.items():
        if channels.issuperset(_RGB):
            yield layer, _RGB
        elif (
            "Y" in channels and "X" not in channels
        ):  # with X, the values are directions, not light
            yield layer, ("Y",)


def _rank(layer: str) -> int:
    words = [word for word in re.split(r"[^a-z]+", layer.lower()) if word]
    ranks = [_WORDS.index(word) for word in words if word in _WORDS]
    # In a file without layers, the channels are the image.
    return min(ranks, default=len(_WORDS)) if words else -1


def shown(linear: Sequence[Plane]) -> NDArray[np.uint8]:
    """Return linear light of any value as rows of pixels for a screen, in 1 or 3 channels."""
    light = np.stack(linear, axis=-1).astype(np.float32)
    light = np.nan_to_num(light, nan=0.0, posinf=1e6, neginf=0.0).clip(0.0, 1e6)
    room = 1.0 - SHOULDER
    bright = SHOULDER + room * -np.expm1(-(light - SHOULDER) / room)
    light = np.where(light > SHOULDER, bright, light)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    pixels: NDArray[np.uint8] = (coded * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def _shrunk(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Replace each square of `factor` x `factor` pixels by its mean; drop the rest at the edges."""
    if factor == 1:
        return pixels
    rows, columns = pixels.shape[0] // factor, pixels.shape[1] // factor
    squares = pixels[: rows * factor, : columns * factor].reshape(
        rows, factor, columns, factor, *pixels.shape[2:]
    )
    mean: NDArray[np.uint8] = squares.mean(axis=(1, 3)).astype(np.uint8)
    return mean


# --- reading --------------------------------------------------------------------------------------


def _read_bands(
    path: str, chosen: _Choice, headers: Sequence[Any], rows: int
) -> Iterable[list[Plane]]:
    """Yield the shown channels of the first part, a few rows at a time."""
    width, height = _size(headers[0])
    first_row = int(headers[0]["dataWindow"][0][1])
    file = OpenEXR.InputFile(path)
    kind = Imath.PixelType(Imath.PixelType.FLOAT)
    for start in range(0, height, rows):
        end = min(start + rows, height) - 1
        planes = file.channels(list(chosen.channels), kind, first_row + start, first_row + end)
        yield [np.frombuffer(plane, np.float32).reshape(-1, width) for plane in planes]


def _read_all(
    path: str, chosen: _Choice, headers: Sequence[Any], rows: int
) -> Iterable[list[Plane]]:
    """Yield the shown channels of a later part, which cannot be read alone."""
    count = sum(len(header["channels"]) * math.prod(_size(header)) for header in headers)
    if count > MAX_VALUES:
        raise NoPreview(f"its parts have {count:,} values together")
    channels = OpenEXR.File(path, separate_channels=True).parts[chosen.part].channels
    planes = [channels[name].pixels for name in chosen.channels]
    for start in range(0, planes[0].shape[0], rows):
        yield [plane[start : start + rows] for plane in planes]


def _size(header: Any) -> tuple[int, int]:
    (left, top), (right, bottom) = header["dataWindow"]
    return int(right) - int(left) + 1, int(bottom) - int(top) + 1


def _check_size(header: Any, most_pixels: int) -> None:
    width, height = _size(header)
    if width < 1 or height < 1 or width * height > most_pixels:
        raise NoPreview(f"it has {width} by {height} pixels")


def _channel_names(header: Any) -> list[str]:
    return [c.name for c in header["channels"] if (c.xSampling, c.ySampling) == (1, 1)]


def _name(header: Any) -> str:
    return str(header.get("name", ""))
