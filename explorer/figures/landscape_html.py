"""A slice as one self-contained HTML file, with its provenance."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence

from explorer.figures.landscape import arrangement, contour_figure, line_figure, surface_figure
from explorer.landscape.plane_kinds import plane_kind
from explorer.landscape.slice import Slice
from explorer.training.plan import Plan

_LINK_CAMERAS = """
var plot = document.getElementById('{plot_id}');
var linking = false;
plot.on('plotly_relayout', function (change) {
  if (linking) return;
  var key = Object.keys(change).find(function (name) { return name.endsWith('.camera'); });
  if (!key) return;
  var update = {};
  Object.keys(plot.layout).forEach(function (name) {
    if (name.startsWith('scene')) update[name + '.camera'] = change[key];
  });
  linking = true;
  Plotly.relayout(plot, update).then(function () { linking = false; });
});
"""

_ROW_HEIGHT = 450  # pixels

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1400px; margin: 1.5rem auto; padding: 0 1rem; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; background: #f3f3f3; padding: .8rem; }}</style></head>
<body><h1>{title}</h1><p>{about}</p>{figures}
<h2>Command that measures the same slice</h2><pre>{command}</pre>
<details><summary>Provenance</summary><pre>{meta}</pre></details></body></html>
"""


def to_html(shown: Slice, names: Sequence[str], plan: Plan, run: str, out: str) -> str:
    """The page: surfaces with linked cameras and contours, or curves for a line. It loads nothing from the network.

    Args:
        names: of up to four fields.
        plan: of the run, whose phases colour its path.
        run, out: the run's folder and the file, for the command that measures the slice again.
    """
    meta = shown.meta
    if meta.report.is_line:
        figures = line_figure(shown, names).to_html(full_html=False, include_plotlyjs=True)
    else:
        surfaces, contours = surface_figure(shown, names, plan=plan), contour_figure(shown, names, plan=plan)
        rows, _ = arrangement(len(names))
        for figure in (surfaces, contours):
            figure.update_layout(height=rows * _ROW_HEIGHT, showlegend=False)
        figures = surfaces.to_html(full_html=False, include_plotlyjs=True, post_script=_LINK_CAMERAS)
        figures += contours.to_html(full_html=False, include_plotlyjs=False)
    return _PAGE.format(
        title=html.escape(f"Loss landscape of {meta.run}"),
        about=html.escape(about(shown)),
        figures=figures,
        command=html.escape(meta.command(run, out)),
        meta=html.escape(json.dumps(json.loads(meta.model_dump_json()), indent=1)),
    )


def about(shown: Slice) -> str:
    """Centre, directions and points of a slice, in sentences."""
    report, count = shown.meta.report, int(shown.measured.sum())
    parts = [f"Centre: {shown.meta.checkpoint}."] if plane_kind(shown.meta.request.plane.kind).centred else []
    parts.append(f"α: {report.labels[0]} (length {report.norms[0]:.3g}).")
    if not report.is_line:
        parts.append(f"β: {report.labels[1]} (length {report.norms[1]:.3g}). Cosine {round(report.cosine, 3) + 0:.3f}.")
    if report.explained_variance:
        parts.append(f"Explained variance: {', '.join(f'{share:.1%}' for share in report.explained_variance)}.")
    if report.eigenvalues:
        parts.append(f"Residuals ‖Hv − λv‖: {', '.join(f'{value:.1g}' for value in report.residuals)}.")
    parts.append(f"{count} of {shown.measured.size} points measured (dots), the others interpolated.")
    return " ".join(parts)
