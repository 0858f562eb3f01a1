"""``python -m explorer.imagery.builtin FOLDER`` regenerates the card picture of each dataset: 320×180 px."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from explorer.imagery.builtin.catalogue import BUILTIN, scene_generator

for key, info in BUILTIN.items():
    picture = info.scene(key, scene_generator(key, 0, 0)).image.transpose(1, 2, 0)
    Image.fromarray(picture[70:250]).save(Path(sys.argv[1]) / f"{key}.jpg", quality=85)
