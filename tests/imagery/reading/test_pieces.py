"""Connected pieces of all values at once."""

import numpy as np
import pytest

from explorer.imagery.reading.pieces import count_pieces

CASES = {
    "corners touch": (["1.", ".1"], {"1": 1, ".": 1}),
    "corners of the other direction touch": ([".1", "1."], {"1": 1, ".": 1}),
    "a row ends where the next begins": (["..1", "1.."], {"1": 2, ".": 1}),
    "a ring and what it holds": (["11111", "1...1", "1.2.1", "1...1", "11111"], {"1": 1, ".": 1, "2": 1}),
    "two arms join further down": (["1.1", "1.1", "111"], {"1": 1, ".": 1}),
    "two arms join further up": (["111", "1.1", "1.1"], {"1": 1, ".": 1}),
    "ignored pixels cut": (["1#1", "1#1", "1#1"], {"1": 2}),
    "one row": (["1.12"], {"1": 2, ".": 1, "2": 1}),
    "one column": (["1", "1", ".", "1"], {"1": 2, ".": 1}),
    "a value that does not occur": (["1"], {"1": 1, "2": 0, ".": 0}),
}


@pytest.mark.parametrize("band", [1, 6, 1 << 20])
@pytest.mark.parametrize("case", CASES)
def test_pieces_are_counted_whatever_the_bands(case, band, monkeypatch):
    monkeypatch.setattr("explorer.imagery.reading.pieces._BAND", band)
    rows, expected = CASES[case]
    letters = np.array([list(row) for row in rows])
    values = np.searchsorted(np.array(["#", ".", "1", "2"]), letters)
    counts = count_pieces(values, letters == "#", 4)
    assert counts[0] == 0
    assert {letter: int(counts["#.12".index(letter)]) for letter in expected} == expected


def test_noise_of_thousands_of_values_is_counted_in_one_pass():
    index = np.arange(300 * 300).reshape(300, 300) * 7919 % 6007  # neighbours differ: each pixel is a piece
    counts = count_pieces(index, np.zeros(index.shape, bool), 6007)
    assert counts.tolist() == np.bincount(index.ravel(), minlength=6007).tolist()
