"""``inspect`` on polygons: every kind of file, property, geometry and tile."""

from __future__ import annotations

import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyogrio.raw
import shapely
from affine import Affine
from rasterio.warp import transform_geom
from shapely.geometry import mapping

from tests.cli.inspecting import (
    WIDTH,
    Case,
    Row,
    both,
    check,
    picture,
    pictures,
    png_picture,
    squares,
    table,
)  # fmt: skip
from tests.imagery.encoders import geotiff, png, tiff, tiff_with_control_points, zipped

UTM, WEST, NORTH = "EPSG:32616", 500_000.0, 3_700_000.0


def box(left, top, width=5.0, height=5.0):
    """A rectangle by column and row of its corner."""
    return shapely.box(WEST + left, NORTH - top - height, WEST + left + width, NORTH - top)


TWO = (box(6, 5), box(30, 20))
"""The objects that the masks of the other cases hold."""


def features(*geometries, crs=UTM, properties=()):
    """A GeoJSON; its crs member as older software writes it, or none and degrees."""
    own = [*properties, *[{}] * (len(geometries) - len(properties))]
    shapes = [mapping(each) if hasattr(each, "geom_type") else each for each in geometries]
    if crs is None:
        shapes = [each and transform_geom(UTM, "EPSG:4326", each) for each in shapes]
    document = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": each, "geometry": shape} for shape, each in zip(shapes, own, strict=True)
    ]}  # fmt: skip
    if crs is not None:
        document["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:{crs.replace(':', '::')}"}}
    return json.dumps(document)


def classed(name, *values, geometries=TWO):
    return features(*geometries, properties=[{name: value} for value in values])


def of_both(text, ending="geojson", **options):
    """The same file beside two images."""
    return lambda: pictures("a", "b", **options) | {f"masks/{name}.{ending}": text for name in "ab"}


def in_file(driver, geometries=TWO, crs=UTM, **options):
    """A file by GDAL, with the attribute ``class``."""
    target = io.BytesIO()
    degrees = driver == "LIBKML" or crs == "EPSG:4326"
    shapes = [
        shapely.geometry.shape(transform_geom(UTM, "EPSG:4326", mapping(g))) if degrees else g for g in geometries
    ]
    pyogrio.raw.write(
        target if driver != "ESRI Shapefile" else options.pop("path"),
        shapely.to_wkb(np.array(shapes, object)), [np.array(["car"] * len(shapes), object)], ["class"], driver=driver,
        crs="EPSG:4326" if degrees else crs, geometry_type="Polygon", layer="drawn",
    )  # fmt: skip
    return target.getvalue()


def shapefile(stem, geometries=TWO):
    with TemporaryDirectory() as folder:
        in_file("ESRI Shapefile", geometries, path=Path(folder) / f"{stem}.shp")
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def tiles():
    """Two tiles side by side; the first has the objects of TWO."""
    return {"images/left.tif": geotiff(picture(0)), "images/right.tif": geotiff(picture(1), west=WEST + WIDTH)}


CAR = {"background": 1950, "car": (50, 2)}
HALVES = {"background": 1950, "1": (25, 1), "2": (25, 1)}
EMPTY = {"background": 2000, "object": (0, 0)}
POINT = {"type": "Point", "coordinates": [WEST + 7, NORTH - 7]}
LINE = {"type": "LineString", "coordinates": [[WEST, NORTH], [WEST + 9, NORTH - 9]]}
GATHERED = {"type": "GeometryCollection", "geometries": [mapping(TWO[0]), POINT]}
BOW_TIE = shapely.Polygon([(WEST + x, NORTH - y) for x, y in ((6, 5), (16, 15), (16, 5), (6, 15))])
HOUSES = tuple(box(5 + 5 * number, 10, 5, 10) for number in range(8))

CASES = (
    Case("polygons in metres", of_both(features(*TWO)), both(Row())),
    Case("polygons in degrees", of_both(features(*TWO, crs=None)), both(Row())),
    Case(
        "a single feature",
        of_both(
            json.dumps(
                {"type": "Feature", "properties": {}, "geometry": transform_geom(UTM, "EPSG:4326", mapping(TWO[0]))}
            )
        ),
        both(Row({"background": 1975, "object": (25, 1)})),
    ),
    Case(
        "a bare geometry",
        of_both(json.dumps(transform_geom(UTM, "EPSG:4326", mapping(TWO[0])))),
        both(Row({"background": 1975, "object": (25, 1)})),
    ),
    Case(
        "the class in Class",
        of_both(classed("Class", 1, 2)),
        both(Row(HALVES)),
        classes=("background", "1", "2"),
    ),
    Case(
        "the class 0",
        of_both(classed("class", 0, 1)),
        both(Row({"background": 1950, "0": (25, 1), "1": (25, 1)})),
        classes=("background", "0", "1"),
    ),
    Case(
        "the class in label",
        of_both(classed("label", "no", "yes")),
        both(Row({"background": 1950, "no": (25, 1), "yes": (25, 1)})),
        classes=("background", "no", "yes"),
    ),
    Case(
        "a class that is missing on one feature",
        of_both(classed("class", "car", None)),
        both(Row({"background": 1950, "car": (25, 1), "object": (25, 1)}, codes=("class_property",))),
        classes=("background", "car", "object"),
    ),
    Case(
        "no property that is known for classes",
        of_both(classed("Bauart", "Stein", "Holz")),
        both(Row(codes=("class_property",), said=("Bauart", "--class-property"))),
    ),
    Case(
        "a property by choice",
        of_both(classed("Bauart", "Stein", "Holz")),
        both(Row({"background": 1950, "Holz": (25, 1), "Stein": (25, 1)})),
        ("--class-property", "Bauart"),
        ("background", "Holz", "Stein"),
    ),
    Case(
        "names of polygons, merged and renamed",
        of_both(classed("class", "van", "lorry")),
        both(Row(CAR)),
        ("--names", "van=car,lorry=car"),
        ("background", "car"),
    ),
    Case(
        "a name that is the background",
        of_both(classed("class", "car", "ground")),
        both(Row({"background": 1975, "car": (25, 1)})),
        ("--background", "ground"),
        ("background", "car"),
    ),
    Case(
        "a name that is ignored",
        of_both(classed("class", "car", "unsure")),
        both(Row({"background": 1950, "car": (25, 1)}, 25)),
        ("--ignore", "unsure"),
        ("background", "car"),
    ),
    Case(
        "an empty tile",
        lambda: (
            pictures("a", "b", "c")
            | {"masks/a.geojson": features(), "masks/b.geojson": features(*TWO), "masks/c.geojson": features(*TWO)}
        ),
        {"a": Row(EMPTY, codes=("no_objects_here",)), "b": Row(), "c": Row()},
    ),
    Case(
        "a point among polygons", of_both(features(*TWO, POINT)), both(Row(codes=("feature_left_out",), said=("oint",)))
    ),
    Case("a line among polygons", of_both(features(*TWO, LINE)), both(Row(codes=("feature_left_out",)))),
    Case("a null geometry", of_both(features(*TWO, None)), both(Row(codes=("feature_left_out",)))),
    Case(
        "an empty polygon",
        of_both(features(*TWO, {"type": "Polygon", "coordinates": []})),
        both(Row(codes=("feature_left_out",))),
    ),
    Case("a collection of geometries", of_both(features(GATHERED, TWO[1])), both(Row(codes=("feature_left_out",)))),
    Case("many polygons in one feature", of_both(features(shapely.MultiPolygon(TWO))), both(Row())),
    Case(
        "a polygon that crosses itself",
        of_both(features(BOW_TIE, TWO[1])),
        both(
            Row(
                {"background": 1925, "object": (75, 2)},
                codes=("feature_left_out",),
                said=("cross themselves were repaired",),
            )
        ),
    ),
    Case(
        "a polygon with a hole",
        of_both(features(box(6, 5, 9, 9) - box(9, 8, 3, 3), TWO[1])),
        both(Row({"background": 1903, "object": (97, 2)})),
    ),
    Case(
        "polygons smaller than a pixel",
        of_both(features(TWO[0], box(30.1, 20.1, 0.3, 0.3), box(40.6, 30.6, 0.2, 0.2))),
        both(Row({"background": 1973, "object": (27, 3)}, codes=("small_polygon",), said=("2",))),
    ),
    Case(
        "houses that touch",
        of_both(features(*HOUSES)),
        both(Row({"background": 1600, "object": (400, 8)}, codes=("touching_objects",))),
    ),
    Case(
        "houses that touch in two classes",
        of_both(features(*HOUSES, properties=[{"class": "row"}] * 7 + [{"class": "end"}])),
        both(Row({"background": 1600, "end": (50, 1), "row": (350, 7)}, codes=("touching_objects",))),
        classes=("background", "end", "row"),
    ),
    Case(
        "one file over all tiles",
        lambda: tiles() | {"masks/all.geojson": features(*TWO, box(WIDTH + 6, 5), box(WIDTH - 2, 30, 5, 5))},
        {
            "left": Row({"background": 1940, "object": (60, 3)}, codes=("shared_label",)),
            "right": Row({"background": 1960, "object": (40, 2)}, codes=("shared_label",)),
        },
    ),
    Case(
        "one file over all tiles, given as a file",
        lambda: tiles() | {"buildings.geojson": features(*TWO, box(WIDTH + 6, 5), crs=None)},
        {
            "left": Row(codes=("shared_label",)),
            "right": Row({"background": 1975, "object": (25, 1)}, codes=("shared_label",)),
        },
        masks="buildings.geojson",
    ),
    Case(
        "one GeoPackage over tiles, on one of which nothing lies",
        lambda: tiles() | {"all.gpkg": in_file("GPKG")},
        {
            "left": Row(CAR, codes=("shared_label",)),
            "right": Row({"background": 2000, "car": (0, 0)}, codes=("shared_label", "no_objects_here")),
        },
        classes=("background", "car"),
        codes=("no_foreground",),
        masks="all.gpkg",
    ),
    Case("a GeoPackage", of_both(in_file("GPKG"), "gpkg"), both(Row(CAR)), classes=("background", "car")),
    Case(
        "a GeoPackage in degrees",
        of_both(in_file("GPKG", crs="EPSG:4326"), "gpkg"),
        both(Row(CAR)),
        classes=("background", "car"),
    ),
    Case("a FlatGeobuf", of_both(in_file("FlatGeobuf"), "fgb"), both(Row(CAR)), classes=("background", "car")),
    Case("a KML", of_both(in_file("LIBKML"), "kml"), both(Row(CAR)), classes=("background", "car")),
    Case(
        "a KML in a zip",
        lambda: pictures("a", "b") | {"masks/set.zip": zipped({f"{n}.kml": in_file("LIBKML") for n in "ab"})},
        both(Row(CAR)),
        classes=("background", "car"),
    ),
    Case(
        "a KMZ over all tiles",
        lambda: pictures("a", "b") | {"masks/all.kmz": zipped({"doc.kml": in_file("LIBKML")})},
        both(Row(CAR, codes=("shared_label",))),
        classes=("background", "car"),
    ),
    Case(
        "Shapefiles beside the images",
        lambda: pictures("a", "b") | {f"images/{name}": data for n in "ab" for name, data in shapefile(n).items()},
        both(Row(CAR)),
        classes=("background", "car"),
    ),
    Case(
        "a zipped Shapefile",
        lambda: pictures("a", "b") | {"masks/houses.zip": zipped(shapefile("houses"))},
        both(Row(CAR, codes=("shared_label",))),
        classes=("background", "car"),
    ),
    Case(
        "a zipped Shapefile, given as a file",
        lambda: pictures("a", "b") | {"houses.zip": zipped({f"d/{k}": v for k, v in shapefile("houses").items()})},
        both(Row(CAR, codes=("shared_label",))),
        classes=("background", "car"),
        masks="houses.zip",
    ),
    Case(
        "ground control points",
        lambda: (
            {
                f"images/{n}.tif": tiff_with_control_points(
                    picture(), [(x, y, WEST + x, NORTH - y) for x, y in ((0, 0), (50, 0), (0, 40), (50, 40))], UTM
                )
                for n in "ab"
            }
            | {f"masks/{n}.geojson": features(*TWO, crs=None) for n in "ab"}
        ),
        both(Row(codes=("ground_control_points",))),
    ),
    Case(
        "a world file, without a coordinate system",
        lambda: (
            {f"images/{n}.png": png_picture() for n in "ab"}
            | {f"images/{n}.pgw": f"1\n0\n0\n-1\n{WEST + 0.5}\n{NORTH - 0.5}\n" for n in "ab"}
            | {f"masks/{n}.geojson": features(*TWO) for n in "ab"}
        ),
        both(Row(codes=("world_file", "crs_assumed"))),
    ),
    Case(
        "an image that lies nowhere",
        lambda: (
            pictures("a", "b")
            | {"images/b.tif": tiff(picture())}
            | {f"masks/{n}.geojson": features(*TWO) for n in "ab"}
        ),
        {"a": Row(), "b": Row(refused="b has no coordinate reference system")},
        codes=("not_used", "single_scene"),
    ),
    Case(
        "polygons far from the image",
        lambda: pictures("a", "b") | {"masks/a.geojson": features(*TWO), "masks/b.geojson": features(box(5000, 5))},
        {"a": Row(), "b": Row(refused="b.geojson")},
        codes=("not_used", "single_scene"),
    ),
    Case(
        "a broken GeoJSON",
        lambda: pictures("a", "b") | {"masks/a.geojson": features(*TWO), "masks/b.geojson": features(*TWO)[:90]},
        {"a": Row(), "b": Row(refused="b.geojson")},
        codes=("not_used", "single_scene"),
    ),
    Case(
        "an area of interest in a file",
        lambda: (
            pictures("a", "b")
            | {f"masks/{n}.tif": geotiff(squares()[None]) for n in "ab"}
            | {"aoi.geojson": features(box(0, 0, 20, 10))}
        ),
        both(Row({"background": 175, "object": (25, 1)}, 1800, ("area_of_interest",))),
        ("--area", "{root}/aoi.geojson"),
    ),
    Case(
        "an area of interest in a file, on one of two tiles",
        lambda: (
            tiles()
            | {f"masks/{n}.png": png(squares()) for n in ("left", "right")}
            | {"aoi.geojson": features(box(0, 0, 20, 10), crs=None)}
        ),
        {
            "left": Row({"background": 175, "object": (25, 1)}, 1800, ("area_of_interest",)),
            "right": Row(refused="outside the area of interest"),
        },
        ("--area", "{root}/aoi.geojson"),
        codes=("not_used", "single_scene"),
    ),
    Case(
        "polygons beside a mask of 0 and 1",
        lambda: pictures("a", "b") | {"masks/a.tif": geotiff(squares()[None]), "masks/b.geojson": features(*TWO)},
        both(Row()),
    ),
    Case(
        "polygons beside masks of 0 and 1",
        lambda: (
            pictures("a", "b", "c")
            | {f"masks/{n}.tif": geotiff(squares()[None]) for n in "ab"}
            | {"masks/c.geojson": features(*TWO)}
        ),
        dict.fromkeys("abc", Row()),
    ),
    Case(
        "polygons for the tiles without a black-and-white mask",
        lambda: (
            pictures("a", "b", "c")
            | {"masks/a.tif": geotiff(squares(255)[None])}
            | {"masks/all.geojson": features(*TWO)}
        ),
        {"a": Row()} | dict.fromkeys("bc", Row(codes=("shared_label",))),
    ),
    Case(
        "a rotated image",
        lambda: (
            {f"images/{n}.tif": tiff(picture(), crs=UTM, transform=Affine(0, 1, WEST, 1, 0, NORTH - 50)) for n in "ab"}
            | {
                f"masks/{n}.geojson": features(shapely.box(WEST + 5, NORTH - 44, WEST + 10, NORTH - 39), crs=None)
                for n in "ab"
            }
        ),
        both(Row({"background": 1975, "object": (25, 1)})),
    ),
)


@table(*CASES)
def test_polygons_are_drawn(case, tmp_path, capsys):
    check(case, tmp_path, capsys)
