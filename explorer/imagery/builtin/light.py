"""Sun, sky and camera: from colour and height to the photograph.

The sun casts shadows by marching over the height field, the sky darkens what stands close to something tall,
and the camera blurs, adds noise and delivers 8-bit RGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from explorer.imagery.builtin.canvas import Canvas
from explorer.imagery.builtin.texture import Field, grain, smooth_noise

GAMMA = 2.2


@dataclass(frozen=True)
class Light:
    """One moment of a day."""

    azimuth: float  # radians, direction from the ground to the sun, x to the right and y down
    elevation: float  # radians above the horizon
    sun: float  # strength of the direct light
    sky: float  # strength of the light from the whole sky
    warmth: float  # −1 cold to 1 warm
    haze: float  # 0 clear to about 0.1

    @classmethod
    def drawn(cls, rng: Generator) -> Light:
        """A light that differs from scene to scene, as between flights."""
        return cls(
            azimuth=rng.uniform(0, 2 * np.pi),
            elevation=np.radians(rng.uniform(38, 58)),
            sun=rng.uniform(0.72, 0.88),
            sky=rng.uniform(0.26, 0.36),
            warmth=rng.uniform(-0.3, 1.0),
            haze=rng.uniform(0.005, 0.035),
        )


def photograph(canvas: Canvas, light: Light, rng: Generator) -> NDArray[np.uint8]:
    """The delivered image (3, H, W) of what stands on the canvas."""
    lit = (1 - cast_shadow(canvas.height, light, canvas.scale)) * facing(canvas.height, light, canvas.scale)
    open_sky = openness(canvas.height, canvas.scale)
    warm = np.array([1 + 0.05 * light.warmth, 1.0, 1 - 0.07 * light.warmth], np.float32)
    cool = np.array([0.86, 0.97, 1.2], np.float32)
    radiance = np.power(np.clip(canvas.colour, 0, 255) / 255, GAMMA, dtype=np.float32)
    radiance *= (light.sun * lit)[..., None] * warm + (light.sky * open_sky)[..., None] * cool
    radiance += (canvas.gloss * lit)[..., None] * warm
    return exposed(radiance, canvas, light, rng)


def exposed(radiance: NDArray[np.float32], canvas: Canvas, light: Light, rng: Generator) -> NDArray[np.uint8]:
    """What the camera makes of a radiance (S, S, 3): optics, haze, sensor, 8 bits."""
    factor, side = canvas.supersampling, canvas.pixels
    sharp = gaussian_filter(radiance, (0.42 * factor, 0.42 * factor, 0))
    small = sharp.reshape(side, factor, side, factor, 3).mean(axis=(1, 3))
    small = small * (1 - light.haze) + light.haze * np.array([0.5, 0.56, 0.66], np.float32)
    small *= 1 + 0.02 * smooth_noise(rng, (side, side), side / 3)[..., None]  # uneven sky over the scene
    seen = np.power(np.clip(small, 0, None), 1 / GAMMA)
    noise = 0.008 * grain(rng, (side, side))[..., None] + 0.006 * rng.standard_normal(seen.shape, np.float32)
    return np.ascontiguousarray((np.clip(seen + noise, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(2, 0, 1))


def cast_shadow(height: Field, light: Light, scale: float) -> Field:
    """How deep each pixel lies in shadow, 0 to 1, from a height field (H, W) in metres.

    Args:
        height: metres above the ground.
        light: where the sun stands.
        scale: pixels in a metre.
    """
    slope = np.tan(light.elevation)
    across, down = np.cos(light.azimuth), np.sin(light.azimuth)
    horizon = np.full_like(height, -np.inf)
    for step in range(1, int(height.max() / slope * scale) + 1):
        ray, ground = _shifted(height.shape, round(step * down), round(step * across))
        np.maximum(horizon[ground], height[ray] - np.float32(step / scale * slope), out=horizon[ground])
    edge = 0.15  # metres of height over which light turns to shadow
    depth = np.clip((horizon - height) / edge, 0, 1)
    return np.asarray(gaussian_filter(depth, 0.7), np.float32)


def _shifted(
    shape: tuple[int, ...], down: int, across: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Windows of equal size: the first lies (down, across) pixels from the second."""

    def pair(size: int, move: int) -> tuple[slice, slice]:
        return slice(max(move, 0), size + min(move, 0)), slice(max(-move, 0), size - max(move, 0))

    (far_rows, near_rows), (far_columns, near_columns) = pair(shape[0], down), pair(shape[1], across)
    return (far_rows, far_columns), (near_rows, near_columns)


def facing(height: Field, light: Light, scale: float) -> Field:
    """How squarely each pixel faces the sun, 1 for level ground."""
    down, across = np.gradient(height, np.float32(1 / scale))
    limit = 1.2  # an orthophoto shows no walls: the jump at an edge is not a slope
    down, across = np.clip(down, -limit, limit), np.clip(across, -limit, limit)
    towards = -(across * np.cos(light.azimuth) + down * np.sin(light.azimuth)) / np.tan(light.elevation)
    return np.asarray(np.clip((1 + towards) / np.sqrt(1 + across**2 + down**2), 0, 1.6), np.float32)


def openness(height: Field, scale: float) -> Field:
    """How much of the sky each pixel sees, 0.45 to 1: less beside something tall."""
    around = gaussian_filter(height, 0.9 * scale, truncate=2.5)
    return np.asarray(np.clip(1 - 0.22 * np.clip(around - height, 0, None), 0.45, 1), np.float32)
