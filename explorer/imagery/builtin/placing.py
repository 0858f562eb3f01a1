"""Where an object may stand: in view, on the ground, and apart from every other of its class."""

from __future__ import annotations

from explorer.imagery.builtin.canvas import Canvas, Point, rectangle

CLEARANCE = 3  # delivered pixels around an object: neighbours stay separate objects in the label


def is_free(canvas: Canvas, size: tuple[float, float], centre: Point, angle: float, label: int) -> bool:
    """Whether an object of a length and a width fits here, not on anything higher than 0.3 m."""
    margin = 2 * CLEARANCE * canvas.metres_per_pixel
    around = rectangle(centre, (size[0] + margin, size[1] + margin), angle)
    corners = canvas.to_grid(around)
    if corners.min() < 0 or corners.max() > canvas.side:
        return False
    body, near = canvas.stencil([rectangle(centre, size, angle)]), canvas.stencil([around])
    if body is None or near is None:
        return False
    standing = canvas.height[body[0]][body[1]] > 0.3
    return not standing.any() and not (canvas.label[near[0]][near[1]] == label).any()
