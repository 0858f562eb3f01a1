"""Plane kinds: what a spec accepts, and that requests written by earlier versions keep their text."""

from __future__ import annotations

from hashlib import blake2b

import pytest

from explorer.landscape.slice_meta import SliceRequest

A, B, C = (f"step_{step:08d}.safetensors" for step in (10, 20, 30))

STORED = [
    ("0c8524c89d812b15", {}),
    (
        "11a04cc63c5eadff",
        {"kind": "random", "seed": 7, "normalisation": "layer", "layers": ["encoder", "head"], "line": True},
    ),
    ("ed2e35635a3384f8", {"kind": "pca"}),
    ("7b97ed735fc18627", {"kind": "pca", "layers": ["decoder"], "line": True}),
    ("3aee9b2a80a5678d", {"kind": "hessian", "losses": ["dice", "jaccard"], "ends": "BE", "seed": 3}),
    ("d83dd7e1068d1d2e", {"kind": "hessian", "losses": ["focal", "focal"]}),
    ("e57481b1010e5d00", {"kind": "gradients", "losses": ["cross_entropy", "object_jaccard"], "layers": ["head"]}),
    ("5636a6f5d6a70c0a", {"kind": "gradients"}),
    ("fc08459ad06e5010", {"kind": "checkpoints", "checkpoints": [A, B, C]}),
    ("47d78541ab0915eb", {"kind": "checkpoints", "checkpoints": [A, f"other-1/{C}"], "line": True}),
]
"""Hashes of requests' JSON, computed before plane kinds had a registry: names of slices' files come from this JSON."""


@pytest.mark.parametrize(("digest", "plane"), STORED, ids=[f"{digest[:4]}" for digest, _ in STORED])
def test_requests_keep_the_text_that_names_their_files(digest: str, plane: dict[str, object]) -> None:
    request = SliceRequest.model_validate({"plane": plane, "checkpoint": C})
    text = request.model_dump_json()
    assert blake2b(text.encode(), digest_size=8).hexdigest() == digest
    assert SliceRequest.model_validate_json(text) == request
