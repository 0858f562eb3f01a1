"""Built-in datasets, generated in code from a seed: the app is useful on first load, with no upload."""

from explorer.imagery.builtin.catalogue import BUILTIN, BuiltinInfo, builtin_dataset

__all__ = ["BUILTIN", "BuiltinInfo", "builtin_dataset"]
