"""What the Loss lab asks the worker for short jobs; answers are kept for all sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from explorer.errors import InputError
from explorer.imagery.balance import ClassShare
from explorer.landscape.crops import Place
from explorer.losses.lab import Blindness, Cost, GradientMaps, LossCurve
from explorer.losses.spec import LossSpec, WeightRule
from explorer.losses.weights import class_weights
from explorer.runs.lab_values import Misses
from explorer.settings import settings
from explorer.ui import services
