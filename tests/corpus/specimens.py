"""Makes the specimens that warm the reading process: `python -m tests.corpus.specimens`. They hold an invented school.

Each workbook is a form with a learner whose DOB is missing, so that it is read, judged and painted.
"""

import io

import xlwt
from msoffcrypto.method.ecma376_agile import ECMA376Agile

from planit_mailer.adapters.sandbox import warming
from planit_mailer.spreadsheets.readers import xlsb
from tests.spreadsheets.test_ods import an_ods
from tests.spreadsheets.test_ods import cell as ods_cell
from tests.spreadsheets.test_ods import row as ods_row
from tests.spreadsheets.test_xls import an_xls
from tests.spreadsheets.test_xlsb import an_xlsb, row, text
from tests.spreadsheets.test_xlsb import cell as xlsb_cell
from tests.support import encrypting, forms, signing
from tests.support.builders import an_email

LEARNERS = (forms.learner(1, dob="17/05/2012"), forms.learner(2, dob=""))
ROWS = [[str(value or "") for value in values] for values in forms.flat_rows(LEARNERS, submitted="30/11/2026")]


def xlsx() -> bytes:
    return forms.flat(LEARNERS, submitted="30/11/2026")


def xls() -> bytes:
    def fill(page: xlwt.Worksheet) -> None:
        for place, values in enumerate(ROWS):
            for column, value in enumerate(values):
                page.write(place, column, value)

    return an_xls(fill)


def xlsb_form() -> bytes:
    rows = b""
    for place, values in enumerate(ROWS, 1):
        cells = [xlsb_cell(xlsb.TEXT, column, text(value)) for column, value in enumerate(values, 1)]
        rows += row(place, *cells)
    return an_xlsb(rows)


def ods() -> bytes:
    rows = "".join(ods_row(*(ods_cell(value, "string") for value in values)) for values in ROWS)
    return an_ods(f'<table:table table:name="Form">{rows}</table:table>')


def csv() -> bytes:
    return "".join(",".join(values) + "\r\n" for values in ROWS).encode()


def locked_xlsx() -> bytes:
    """As Excel locks it, but hashed once where Excel hashes 100,000 times."""
    locked: bytes = ECMA376Agile.encrypt(warming.PASSWORD, io.BytesIO(xlsx()), spin_count=1)
    return locked


def locked_xls() -> bytes:
    return encrypting.crypto_api(xls(), warming.PASSWORD)


def message() -> bytes:
    return signing.signed(an_email(subject="Our data", attachments=[("form.csv", csv())]))


def main() -> None:
    """Write them where the reading process looks for them."""
    makers = (xlsx, xls, xlsb_form, ods, csv, locked_xlsx, locked_xls)
    made = dict(zip(warming.WORKBOOKS, (make() for make in makers), strict=True))
    made |= {"message.eml": message(), "key.txt": signing.pair().record}
    for name, data in made.items():
        (warming.SPECIMENS / name).write_bytes(data)


if __name__ == "__main__":
    main()
