"""Files to rasters and masks: one module a format, and what the values of masks mean."""
