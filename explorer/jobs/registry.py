"""Calls a function by its name, so that the server can order work whose modules it must not import."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def call(name: str, *arguments: Any) -> Any:
    """The result of a function, imported where this runs.

    Args:
        name: "module:function".
        arguments: of the function.
    """
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)(*arguments)
