"""Serial numbers of days ↔ moments, as Excel counts them."""

from datetime import datetime, timedelta

EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001  a cell's moment has no zone
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001


def moment(serial: float, *, since_1904: bool = False) -> datetime | None:
    """The moment of a serial number, to the millisecond; None where Excel has no date for it."""
    if not 0 <= serial < 2_958_466 - (1_462 if since_1904 else 0):
        return None
    # Excel believes in 29 February 1900 (serial 60), so that its first two months stand one day further on.
    day = 1 if serial < 60 and not since_1904 else 0
    base = EPOCH_1904 if since_1904 else EPOCH_1900
    return base + timedelta(days=day, milliseconds=round(serial * 86_400_000))


def serial(text: str, *, since_1904: bool = False) -> float:
    """The serial number of an ISO date or date-time, as strict OOXML stores it; raise ValueError for others."""
    base = EPOCH_1904 if since_1904 else EPOCH_1900
    return (datetime.fromisoformat(text).replace(tzinfo=None) - base) / timedelta(days=1)
