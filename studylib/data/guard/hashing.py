"""Hashes of characters, pairs, fours and pieces, many at once. Salted: no other table of hashes fits these."""

from __future__ import annotations

import numpy as np

_SALT = np.uint64(0x7A5B_1C93_E04D_6F21)
_FACTOR = np.uint64(0x9E37_79B9_7F4A_7C15)
_PAIR = np.uint64(0xD6E8_FEB8_6659_FD93)
_FOUR = np.uint64(0xA24B_AED4_963E_E407)
_TURN = np.uint64(0xC2B2_AE3D_27D4_EB4F)
GRAM = 4  # characters of the strings by which a text is first suspected
KEY_BITS = 30
PIECE = 12  # characters of a piece that count

_INVERSE = np.uint64(pow(int(_TURN), -1, 1 << 64))


def _powers(base: np.uint64, count: int) -> np.ndarray:
    return np.multiply.accumulate(np.concatenate([[np.uint64(1)], np.full(count, base, dtype=np.uint64)]))


_PIECE_POWERS = _powers(_TURN, PIECE)


def _mixed(values: np.ndarray) -> np.ndarray:
    values = values * _FACTOR
    values ^= values >> np.uint64(29)
    return values


def characters(points: np.ndarray) -> np.ndarray:
    """uint64 hash of each character."""
    return _mixed(points.astype(np.uint64) + _SALT)


def pairs(ones: np.ndarray) -> np.ndarray:
    """uint64 hash of each pair of neighbours, from `characters`; one less than those."""
    return _mixed(ones[:-1] * _PAIR + ones[1:])


def keys(twos: np.ndarray) -> np.ndarray:
    """uint32 hash, 30 bits, of each four neighbours, from `pairs`; two less than those."""
    return (_mixed(twos[:-2] * _FOUR + twos[2:]) >> np.uint64(64 - KEY_BITS)).astype(np.uint32)


def digests(ones: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """uint32 hash of the ``sizes`` characters from each of ``starts`` on, from `characters`."""
    # A sum of characters times powers of their place; divided by the power of the first, it is the same anywhere.
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(ones * _powers(_TURN, len(ones))[:-1])])
    total = (sums[starts + sizes] - sums[starts]) * _powers(_INVERSE, len(ones))[starts]
    return (_mixed(total) >> np.uint64(32)).astype(np.uint32)


def masks(twos: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Which of 128 kinds of pairs occur in each row of pair hashes [rows, pairs]; uint64 [rows, 2]."""
    bit = np.left_shift(np.uint64(1), (twos >> np.uint64(58)))
    upper = (twos >> np.uint64(57)) & np.uint64(1) == 1
    return np.stack(
        [
            np.bitwise_or.reduce(np.where(inside & half, bit, np.uint64(0)), axis=1, initial=np.uint64(0))
            for half in (~upper, upper)
        ],
        axis=1,
    )


def piece_hashes(points: np.ndarray) -> np.ndarray:
    """uint64 hash of each row of characters [rows, characters]; strings of other lengths have others."""
    powers = _powers(_TURN, points.shape[1])[:-1]
    total = (characters(points.ravel()).reshape(points.shape) * powers).sum(axis=1, dtype=np.uint64)
    return _mixed(total + np.uint64(points.shape[1]))


def piece_keys(points: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """uint64 hash of each piece of ``points``; a piece ends where the next begins, and its first 12 characters count."""
    if not len(starts):
        return np.empty(0, dtype=np.uint64)
    sizes = np.diff(starts, append=len(points))
    total = np.zeros(len(starts), dtype=np.uint64)
    for place in range(PIECE):
        having = np.flatnonzero(sizes > place)
        total[having] += characters(points[starts[having] + place]) * _PIECE_POWERS[place]
    return _mixed(total + np.minimum(sizes, 2 * PIECE).astype(np.uint64))


def distinct(hashes: np.ndarray) -> np.ndarray:
    """Sorted, and each once; at once where they are so already, as those of a file are (`np.unique` looks up each)."""
    if (hashes[1:] > hashes[:-1]).all():
        return hashes
    hashes = np.sort(hashes)
    return hashes[np.append(True, hashes[1:] != hashes[:-1])]


class Table:
    """Membership of many 64-bit hashes at once: a table of their leading bits first, since nearly all are absent."""

    def __init__(self, hashes: np.ndarray, bits: int = 20):
        self._hashes, self._shift = distinct(hashes), np.uint64(64 - bits)
        self._leading = np.zeros(1 << bits, dtype=bool)
        self._leading[self._hashes >> self._shift] = True

    def places(self, hashes: np.ndarray) -> np.ndarray:
        """Where in ``hashes`` there are members; int64."""
        suspects = np.flatnonzero(self._leading[hashes >> self._shift])
        if not len(suspects):
            return suspects
        found = np.minimum(np.searchsorted(self._hashes, hashes[suspects]), len(self._hashes) - 1)
        return suspects[self._hashes[found] == hashes[suspects]]
