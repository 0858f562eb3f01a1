"""Where an image lies on the ground: from its own tags, its ground control points, or files beside it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from affine import Affine
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import FileKind, read_bytes
from explorer.imagery.scene import GeoReference
from explorer.settings import Settings

Coefficients = tuple[float, float, float, float, float, float]
"""(a, b, c, d, e, f) of ``GeoReference.transform``."""

_WORLD_FILES = {
    FileKind.PNG: (".pgw", ".pngw", ".wld"),
    FileKind.JPEG: (".jgw", ".jpgw", ".jpegw", ".wld"),
    FileKind.TIFF: (".tfw", ".tifw", ".tiffw", ".wld"),
}
AUX = ".aux.xml"
MASK_FILE = ".msk"  # after the whole name of its image: GDAL's mask of valid pixels
SIDE_FILE_SUFFIXES = frozenset(
    {suffix for each in _WORLD_FILES.values() for suffix in each} | {".prj", ".xml", MASK_FILE}
)
"""Last suffixes, in small letters, of the files that may lie beside an image and say where it lies, or is valid."""

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_FARTHEST = 1e9  # metres or pixels: nothing on earth is further
_TEXT_LIMIT = 1 << 20  # characters of a side file


@dataclass(frozen=True)
class SideFiles:
    """What the files beside an image say of where it lies."""

    georeference: GeoReference  # identity if they name only a coordinate reference system
    note: Note


def crs_text(crs: CRS | None) -> str | None:
    """A coordinate reference system as ``GeoReference`` keeps it: "EPSG:n" or WKT."""
    if crs is None:
        return None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.to_wkt()


def is_pixel_grid(georeference: GeoReference | None, height: int) -> bool:
    """Whether it is missing, or merely counts pixels, as files of software without georeferences do.

    Without a coordinate reference system, a y axis that points up counts pixels, too (QGIS writes that).
    """
    if georeference is None or georeference.transform == _IDENTITY:
        return True
    a, b, c, d, e, f = georeference.transform
    return georeference.crs is None and (a, b, c, d, e) == (1, 0, 0, 0, -1) and f in (0, height)


def fitted_transform(points: Sequence[GroundControlPoint]) -> tuple[Affine, float] | None:
    """The affine that fits ground control points best, and by how many pixels it misses the worst of them.

    None if there are fewer than three, all on one line, or some beyond the earth.
    """
    pixels = np.array([(point.col, point.row, 1.0) for point in points], dtype=np.float64).reshape(-1, 3)
    ground = np.array([(point.x, point.y) for point in points], dtype=np.float64).reshape(-1, 2)
    if len(points) < 3 or not ((np.abs(pixels) <= _FARTHEST).all() and (np.abs(ground) <= _FARTHEST).all()):
        return None
    centre = ground.mean(axis=0)  # keeps the digits of large coordinates
    if np.linalg.matrix_rank(pixels - [*pixels[:, :2].mean(axis=0), 0.0]) < 3:
        return None
    solution, *_ = np.linalg.lstsq(pixels, ground - centre, rcond=None)  # (3, 2)
    (a, d), (b, e), (c, f) = solution.tolist()
    c, f = c + float(centre[0]), f + float(centre[1])
    if a * e - b * d == 0.0:
        return None
    missed = (pixels @ solution - (ground - centre)) @ np.linalg.inv(solution[:2])  # (n, 2) columns and rows
    return Affine(a, b, c, d, e, f), float(np.hypot(*missed.T).max())


def read_side_files(
    name: str, kind: FileKind, companions: Mapping[str, bytes | Path], limits: Settings
) -> SideFiles | None:
    """Reads the world file, .prj and .aux.xml of an image; None if it has none, or they say nothing.

    Args:
        name: of the image, with its folder. Its side files lie in the same folder and have the same stem.
        kind: of the image: ``.pgw`` belongs to a PNG, ``.tfw`` to a TIFF.
        companions: all files that may be side files, by name.
        limits: on their size.

    Raises:
        InputError: a side file cannot be understood.
    """
    beside = files_beside(name, companions)
    transform, crs, sources = None, None, []
    aux = beside.get(AUX)
    if aux is not None:
        transform, crs = _read_aux(parse_aux(companions[aux], aux, limits), aux)
        sources += [aux] if transform or crs else []
    world = next((beside[suffix] for suffix in _WORLD_FILES.get(kind, ()) if suffix in beside), None)
    if transform is None and world is not None:
        transform = _read_world_file(_text(companions[world], world, limits), world)
        sources.append(world)
    projection = beside.get(".prj")
    if crs is None and projection is not None:
        crs = _parse_crs(_text(companions[projection], projection, limits), projection)
        sources.append(projection)
    if not sources:
        return None
    missing = "" if crs else " No file names its coordinate reference system; a .prj file would."
    note = Note("world_file", f"The georeference was read from {', '.join(sources)}.{missing}")
    return SideFiles(GeoReference(crs_text(crs), transform or _IDENTITY), note)


def files_beside(name: str, companions: Mapping[str, bytes | Path]) -> dict[str, str]:
    """The side files of an image by their suffix."""
    own = PurePosixPath(_normal(name))
    found: dict[str, str] = {}
    for companion in companions:
        path = PurePosixPath(_normal(companion))
        if path.parent != own.parent:
            continue
        if path.name in (own.name + AUX, own.stem + AUX):
            found[AUX] = companion
        elif path.name == own.name + MASK_FILE:
            found[MASK_FILE] = companion
        elif path.stem == own.stem:
            found[path.suffix] = companion
    return found


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _text(source: bytes | Path, name: str, limits: Settings) -> str:
    return read_bytes(source, name, limits)[:_TEXT_LIMIT].decode("utf-8-sig", errors="replace")


def _read_world_file(text: str, name: str) -> Coefficients:
    """Six numbers: a, d, b, e and the centre of the first pixel."""
    try:
        a, d, b, e, x, y = (float(number.replace(",", ".")) for number in text.split())
    except ValueError:
        raise InputError("a world file holds six numbers, one a line; this does not", name, "export it again") from None
    return _checked((a, b, x - (a + b) / 2, d, e, y - (d + e) / 2), name)


def parse_aux(source: bytes | Path, name: str, limits: Settings) -> Element:
    """The root of a file of GDAL's.

    Raises:
        InputError: it is not XML.
    """
    try:
        root: Element = fromstring(_text(source, name, limits), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise InputError("not a readable .aux.xml file", name, "export it again, or leave it out") from error
    return root


def _read_aux(root: Element, name: str) -> tuple[Coefficients | None, CRS | None]:
    """GDAL's ``GeoTransform`` and ``SRS``."""
    numbers, crs = root.findtext("GeoTransform"), root.findtext("SRS")
    transform = None
    if numbers and numbers.strip():
        try:
            c, a, b, f, d, e = (float(number) for number in re.split(r"[,\s]+", numbers.strip()))
        except ValueError:
            raise InputError("its GeoTransform is not six numbers", name, "export it again") from None
        transform = _checked((a, b, c, d, e, f), name)
    return transform, _parse_crs(crs, name) if crs and crs.strip() else None


def _checked(transform: Coefficients, name: str) -> Coefficients:
    a, b, _, d, e, _ = transform
    if not np.isfinite(transform).all() or a * e - b * d == 0.0:
        raise InputError("its pixels have no size on the ground", name, "export it again")
    return transform


def _parse_crs(text: str, name: str) -> CRS:
    try:
        return CRS.from_wkt(text.strip(), morph_from_esri_dialect=True)
    except Exception as error:  # PROJ raises several types
        raise InputError(
            "does not name a coordinate reference system as WKT", name, "export it again, or leave it out"
        ) from error
