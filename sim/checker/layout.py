"""How wide the fields of packed keys are made, from what a search has met so far."""

from __future__ import annotations

from dataclasses import replace

from sim.checker.compile import Compiler
from sim.checker.keys import PACKED_BITS, Packed, Unfit
from sim.model.world import Network

SPARE = ((4, 0), (3, 0), (2, 0), (1, 0), (0, 0))
"""Bits to spare for slots with many stations, and for those with few: the first that fits."""


def layout(compiler: Compiler, copies: int, places: int) -> Packed:
    """Fields for packed keys that hold what was found so far, and as much again if the bits suffice.

    `copies` of one parcel in a bag, `places` for an ordered network's mail. Raises Unfit when 63 bits are not enough.
    """
    interner, network = compiler.interner, compiler.world.network
    used = [0] * len(interner.names)
    for station in interner.stations:
        if station is not None:
            used[station.slot] += 1
    vacant = frozenset(compiler.vacated)
    parcels = len(interner.parcels)
    numbers = [n + (slot in vacant) for slot, n in enumerate(used)]
    for large, small in SPARE:
        slots = [max(0, n - 1).bit_length() + (large if n > 8 else small) for n in numbers]
        if network.keeps_order:
            keys = Packed(network, slots, parcels.bit_length() + small, places, vacant=vacant)
        else:
            keys = Packed(network, slots, 0, parcels, copies if network is Network.BAG else 1, vacant)
        if keys.bits <= PACKED_BITS:
            # What is left over is for mail.
            return replace(keys, places=keys.places + (PACKED_BITS - keys.bits) // keys.bits_each)
    raise Unfit(f"an exact search needs {keys.bits} bits a state, and {PACKED_BITS} are there; search with fingerprints instead")
