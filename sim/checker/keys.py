"""What a global state's 64-bit key is the sum of.

*Fingerprints* give every station and parcel a pseudo-random number (Zobrist hashing, with addition in place of
exclusive or, so that mail may hold a parcel twice). Two states may then share a key, with a probability that is stated.
*Packed* keys give each slot a field of bits for the ordinal of its station and the mail fields of its own: the same
sums, but different for any two states. They are exact, and possible as long as 63 bits are enough.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.checker.intern import Interner, Overflow
from sim.model.draws import mix64
from sim.model.world import Network

WORD = (1 << 64) - 1
PACKED_BITS = 63
"""The highest bit is always set, so that no key is 0."""


def splitmix(number: int) -> int:
    """The `number`-th value of SplitMix64 (Steele, Lea and Flood 2014): 64 well mixed bits."""
    return mix64((number * 0x9E3779B97F4A7C15) & WORD)


@dataclass(slots=True)
class Fingerprints:
    """Pseudo-random parts. Another `seed` gives other ones, and so an independent second opinion."""

    seed: int = 0
    exact: bool = False

    @property
    def base(self) -> int:
        return self._draw(0)

    @property
    def multiplier(self) -> int:
        """None: the parts of mail that has an order are stirred in, one after the other."""
        return 0

    def station(self, interner: Interner, number: int) -> int:
        """The part of a station. Nobody, in whatever slot, adds nothing."""
        return self._draw(2 * number + 2) if number else 0

    def parcel(self, interner: Interner, number: int) -> int:
        """The part of a parcel."""
        return self._draw(2 * number + 3) if number else 0

    def _draw(self, index: int) -> int:
        return splitmix((self.seed + 1) * 0xD1342543DE82EF95 + index)


class Unfit(Overflow):
    """Keys of this kind cannot tell what was just found; the search has to begin again with others."""


class TooNarrow(Unfit):
    """A packed key has no room for what was just found; the search has to begin again with wider fields."""


@dataclass(slots=True)
class Packed:
    """Fields of bits: one per slot, and for mail what its network needs (a bit, a count, or a row of numbers)."""

    network: Network
    slot_bits: list[int]
    parcel_bits: int
    """Ordered: bits of one parcel's number."""
    places: int
    """Set and bag: parcels with a field of their own. Ordered: the longest mail that fits."""
    copies: int = 1
    """Bag: how often one parcel may be there at once."""
    vacant: frozenset[int] = frozenset()
    """Slots in which nobody may be; in the others the first station has the number 0."""
    exact: bool = True
    _ordinals: dict[int, int] = field(default_factory=dict)
    _used: dict[int, int] = field(default_factory=dict)

    @property
    def base(self) -> int:
        return 1 << PACKED_BITS

    @property
    def mail_shift(self) -> int:
        return sum(self.slot_bits)

    @property
    def bits(self) -> int:
        """How many bits a key takes."""
        return self.mail_shift + self.bits_each * self.places

    @property
    def bits_each(self) -> int:
        """How many bits a place for mail takes."""
        return self.parcel_bits if self.network.keeps_order else self.copies.bit_length()

    @property
    def multiplier(self) -> int:
        """Of ordered mail: the parts of a longer one lie behind those of a shorter one."""
        return 1 << self.parcel_bits

    def station(self, interner: Interner, number: int) -> int:
        """The ordinal of a station among those of its slot, from 0, or from 1 where nobody has 0; in the slot's field."""
        station = interner.stations[number]
        if station is None:
            return 0
        slot = station.slot
        if number not in self._ordinals:
            self._ordinals[number] = self._used.setdefault(slot, int(slot in self.vacant))
            self._used[slot] += 1
        if slot >= len(self.slot_bits) or self._ordinals[number] >> self.slot_bits[slot]:
            raise TooNarrow(f"more stations of {interner.names[slot]} than its field holds")
        return self._ordinals[number] << sum(self.slot_bits[:slot])

    def parcel(self, interner: Interner, number: int) -> int:
        """A parcel's number, or the lowest bit of its own field."""
        if not number:
            return 0
        if self.network.keeps_order:
            if number >> self.parcel_bits:
                raise TooNarrow("more parcels than a field holds")
            return number << self.mail_shift
        if number > self.places:
            raise TooNarrow("more parcels than there are fields")
        return 1 << (self.mail_shift + (number - 1) * self.copies.bit_length())

    @property
    def most(self) -> int:
        """The longest mail (ordered), or the most copies of a parcel (bag), that a key can tell; 0 for no limit."""
        return self.places if self.network.keeps_order else self.copies if self.network is Network.BAG else 0


Keys = Fingerprints | Packed


def collision_probability(states: int, copies: int = 1) -> float:
    """The chance that among this many distinct states at least two share a fingerprint: at most n(n-1)/2^65.

    Where mail may hold `copies` of one parcel, its part is added as often, and all but the last bits of that are lost: at most as many
    times that.
    """
    return min(1.0, states * (states - 1) / 2.0**65 * (1 << max(0, copies.bit_length() - 1)))
