"""Sun, sky and camera: from colour and height to the photograph.

The sun casts shadows by marching over the height map, the sky leaves the surroundings of tall objects darker, and the
camera blurs, adds noise and outputs 8-bit RGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.random import Generator
from numpy.typing import NDArray

from explorer.imagery.builtin.canvas import Canvas
from explorer.imagery.builtin.texture import Layer, fractal_noise, grain


@dataclass(frozen=True)
class Light:
    """Sunlight, skylight and haze at one moment of a day."""

    azimuth: float  # radians, direction from the ground to the sun, x to the right and y down
    elevation: float  # radians above the horizon
    sun: float  # strength of the direct light
    sky: float  # strength of the light from the whole sky
    warmth: float  # −1 cold to 1 warm
    haze: float  # 0 clear to about 0.1

    @classmethod
    def random(cls, rng: Generator) -> Light:
        """A light that differs between scenes, as between flights."""
        return cls(
            azimuth=rng.uniform(0, 2 * np.pi),
            elevation=np.radians(rng.uniform(38, 58)),
            sun=rng.uniform(0.72, 0.88),
            sky=rng.uniform(0.26, 0.36),
            warmth=rng.uniform(-0.3, 1.0),
            haze=rng.uniform(0.005, 0.035),
        )


def photograph(canvas: Canvas, light: Light, rng: Generator) -> NDArray[np.uint8]:
    """The final image (3, H, W) of a canvas."""
    lit = (1 - cast_shadow(canvas.height, light, canvas.scale)) * facing(canvas.height, light, canvas.scale)
    lit *= np.float32(light.sun)
    sky = openness(canvas.height, canvas.scale) * np.float32(light.sky)
    warm = (1 + 0.05 * light.warmth, 1.0, 1 - 0.07 * light.warmth)
    cool = (0.86, 0.97, 1.2)
    factor, side = canvas.supersampling, canvas.pixels
    image = np.empty((3, side, side), np.float32)
    for band in range(3):
        radiance = (canvas.colour[..., band] / np.float32(255)) ** 2  # from perceived brightness to light, roughly
        radiance *= np.float32(warm[band]) * lit + np.float32(cool[band]) * sky
        image[band] = sum(radiance[row::factor, column::factor] for row in range(factor) for column in range(factor))
    return exposed(image / np.float32(factor**2), light, rng)


def exposed(radiance: NDArray[np.float32], light: Light, rng: Generator) -> NDArray[np.uint8]:
    """The camera's 8-bit image of a radiance (3, H, W), with optics, haze, uneven light and sensor noise."""
    shape = (radiance.shape[1], radiance.shape[2])
    seen = scipy.ndimage.gaussian_filter(radiance, (0, 0.4, 0.4), truncate=2.5) * np.float32(1 - light.haze)
    seen += np.float32(light.haze) * np.array([0.5, 0.56, 0.66], np.float32)[:, None, None]
    seen *= 1 + np.float32(0.02) * fractal_noise(rng, shape, shape[0] / 3, octaves=1)
    seen = np.sqrt(np.clip(seen, 0, None))
    seen += np.float32(0.008) * grain(rng, shape) + np.float32(0.006) * grain(rng, seen.shape)
    picture: NDArray[np.uint8] = (np.clip(seen, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return picture


def cast_shadow(height: Layer, light: Light, scale: float) -> Layer:
    """How deep each pixel lies in shadow, 0 to 1.

    Args:
        height: (H, W), metres above the ground.
        light: the position of the sun.
        scale: pixels per metre.
    """
    slope = np.tan(light.elevation)
    across, down = np.cos(light.azimuth), np.sin(light.azimuth)
    horizon = np.full_like(height, -np.inf)
    for step in range(1, int(height.max() / slope * scale) + 1):
        ray, ground = _shifted(height.shape, round(step * down), round(step * across))
        np.maximum(horizon[ground], height[ray] - np.float32(step / scale * slope), out=horizon[ground])
    edge = np.float32(0.15)  # metres of height over which light turns to shadow
    return scipy.ndimage.gaussian_filter(np.clip((horizon - height) / edge, 0, 1), 0.7, truncate=2.0)


def _shifted(shape: tuple[int, ...], down: int, across: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Windows of equal size: the first lies (down, across) pixels from the second."""

    def pair(size: int, move: int) -> tuple[slice, slice]:
        return slice(max(move, 0), size + min(move, 0)), slice(max(-move, 0), size - max(move, 0))

    (far_rows, near_rows), (far_columns, near_columns) = pair(shape[0], down), pair(shape[1], across)
    return (far_rows, far_columns), (near_rows, near_columns)


def facing(height: Layer, light: Light, scale: float) -> Layer:
    """How directly each pixel faces the sun, 1 for level ground."""
    limit = np.float32(1.2)  # an orthophoto shows no walls: the jump at an edge is not a slope
    across, down = np.zeros_like(height), np.zeros_like(height)
    across[:, 1:-1] = np.clip((height[:, 2:] - height[:, :-2]) * np.float32(scale / 2), -limit, limit)
    down[1:-1] = np.clip((height[2:] - height[:-2]) * np.float32(scale / 2), -limit, limit)
    steepness = 1 / np.tan(light.elevation)
    towards = (
        1
        - across * np.float32(np.cos(light.azimuth) * steepness)
        - down * np.float32(np.sin(light.azimuth) * steepness)
    )
    share: Layer = np.clip(towards / np.sqrt(1 + across**2 + down**2), 0, np.float32(1.6))
    return share


def openness(height: Layer, scale: float) -> Layer:
    """How much of the sky each pixel sees, 0.45 to 1: less beside tall objects."""
    around = scipy.ndimage.uniform_filter(height, round(2.2 * scale))
    around = scipy.ndimage.uniform_filter(around, round(1.2 * scale))
    share: Layer = np.clip(1 - np.float32(0.22) * np.clip(around - height, 0, None), np.float32(0.45), 1)
    return share
