"""Built-in datasets, generated from a seed, so that the app is useful without an upload."""

from explorer.imagery.builtin.catalogue import BUILTIN, BuiltinInfo, builtin_dataset

__all__ = ["BUILTIN", "BuiltinInfo", "builtin_dataset"]
