"""Engineering units: the symbol shown, and the UNECE Recommendation 20 code that OPC UA wants."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure: symbol, UNECE common code, English name."""

    symbol: str
    unece: str
    name: str

    @property
    def unece_id(self) -> int:
        """The code as OPC UA's EUInformation.unitId carries it (OPC 10000-8 5.6.3)."""
        number = 0
        for character in self.unece.encode("ascii"):
            number = number << 8 | character
        return number


UNITS: dict[str, Unit] = {
    unit.symbol: unit
    for unit in (
        Unit("W", "WTT", "watt"),
        Unit("kW", "KWT", "kilowatt"),
        Unit("Wh", "WHR", "watt hour"),
        Unit("kWh", "KWH", "kilowatt hour"),
        Unit("VA", "D46", "volt-ampere"),
        Unit("kVA", "KVA", "kilovolt-ampere"),
        Unit("var", "D44", "var"),
        Unit("kvar", "KVR", "kilovar"),
        Unit("kvarh", "K3", "kilovolt ampere reactive hour"),
        Unit("A", "AMP", "ampere"),
        Unit("V", "VLT", "volt"),
        Unit("Hz", "HTZ", "hertz"),
        Unit("%", "P1", "percent"),
        Unit("°C", "CEL", "degree Celsius"),
        Unit("s", "SEC", "second"),
        Unit("ms", "C26", "millisecond"),
        Unit("1", "C62", "one"),
    )
}
