"""The built-in number formats, which a workbook names by number alone, as Excel has them in the United Kingdom."""

from collections.abc import Mapping
from types import MappingProxyType

from planit_mailer.spreadsheets.number_formats import parse

GENERAL = "General"

BUILT_IN: Mapping[int, str] = MappingProxyType(
    {
        0: GENERAL,
        1: "0",
        2: "0.00",
        3: "#,##0",
        4: "#,##0.00",
        5: '"£"#,##0;-"£"#,##0',
        6: '"£"#,##0;[Red]-"£"#,##0',
        7: '"£"#,##0.00;-"£"#,##0.00',
        8: '"£"#,##0.00;[Red]-"£"#,##0.00',
        9: "0%",
        10: "0.00%",
        11: "0.00E+00",
        12: "# ?/?",
        13: "# ??/??",
        14: "dd/mm/yyyy",
        15: "dd-mmm-yy",
        16: "dd-mmm",
        17: "mmm-yy",
        18: "h:mm AM/PM",
        19: "h:mm:ss AM/PM",
        20: "hh:mm",
        21: "hh:mm:ss",
        22: "dd/mm/yyyy hh:mm",
        37: "#,##0;-#,##0",
        38: "#,##0;[Red]-#,##0",
        39: "#,##0.00;-#,##0.00",
        40: "#,##0.00;[Red]-#,##0.00",
        41: '_-* #,##0_-;-* #,##0_-;_-* "-"_-;_-@_-',
        42: '_-"£"* #,##0_-;-"£"* #,##0_-;_-"£"* "-"_-;_-@_-',
        43: '_-* #,##0.00_-;-* #,##0.00_-;_-* "-"??_-;_-@_-',
        44: '_-"£"* #,##0.00_-;-"£"* #,##0.00_-;_-"£"* "-"??_-;_-@_-',
        45: "mm:ss",
        46: "[h]:mm:ss",
        47: "mm:ss.0",
        48: "##0.0E+0",
        49: "@",
    }
)

# Numbers of East Asian formats for dates and times, and the built-in ones that Excel and LibreOffice use elsewhere.
SAME: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys((*range(27, 32), 36, *range(50, 59)), 14),
        **dict.fromkeys(range(32, 36), 21),
        **{number: number - 58 for number in (*range(59, 69), *range(72, 76))},
        **{number: number - 57 for number in range(69, 72)},
        **{number: number - 56 for number in range(76, 79)},
        **{number: number - 34 for number in range(79, 82)},
    }
)

# Other programs write the built-in dates as American codes. Excel still shows these in the order of its user's country.
AMERICAN: Mapping[str, str] = MappingProxyType(
    {
        "mm-dd-yy": BUILT_IN[14],
        "m/d/yy": BUILT_IN[14],
        "m/d/yy h:mm": BUILT_IN[22],
    }
)


def kept(own: str) -> str:
    """Return a code as far as it has to be kept: one that is cut is still too long to be followed."""
    return own[: parse.CODE + 1]


def code(number: int, own: str | None) -> str:
    """Return the code of the format with a number: the workbook's own code if it has one, else the built-in one."""
    if own:
        return AMERICAN.get(own.lower(), own)
    return BUILT_IN.get(SAME.get(number, number), GENERAL)
