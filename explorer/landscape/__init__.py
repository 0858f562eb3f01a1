"""Loss landscapes: planes in weight space, the fields over them, their refinement, and curvature."""
