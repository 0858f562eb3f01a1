"""The formulas of the losses with the numbers of one pixel of a crop put in. Plain arithmetic, no torch.

What one pixel contributes differs by kind, and each result says what it is: the pixel's own term (the loss is their
mean, or for Lovász their sum), its object's term, or the loss of the whole crop, which has no terms by pixel. The
modules are those of the losses: ``pixels``, ``regions``, ``objects``, and ``parts`` for sums of others.
"""

from explorer.losses.worked_example.crop import Crop, NotWorkedOut, Of, Worked
from explorer.losses.worked_example.substitution import substituted

__all__ = ["Crop", "NotWorkedOut", "Of", "Worked", "substituted"]
