"""Warms the reading process: afterwards no job needs a file, not even to import a module.

Libraries import some modules only when they first need them: each character encoding is one, and an email may name any.
So all encodings are imported, and one specimen of each kind of file is read and painted. The specimens hold an invented
school; tests/corpus/specimens.py makes them.
"""

import codecs
import encodings
import pkgutil
from datetime import date
from pathlib import Path

from planit_mailer.domain.forms import annotate, judge
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.mail import dkim, messages
from planit_mailer.spreadsheets.encryption.passwords import Password
from planit_mailer.spreadsheets.model import Limits

SPECIMENS = Path(__file__).with_name("specimens")
WORKBOOKS = ("form.xlsx", "form.xls", "form.xlsb", "form.ods", "form.csv", "locked.xlsx", "locked.xls")
PASSWORD = "specimen"  # noqa: S105  of the locked ones
DOMAIN, ADDRESS = "greenfield.test", "data@s-cool.test"  # of the signed message: its author's, and its recipient
DAY = date(2026, 12, 1)  # after they were submitted


def warm() -> None:
    """Import all encodings, and do each kind of job once. Takes half a second."""
    for module in pkgutil.iter_modules(encodings.__path__):
        _look_up(module.name)
    criteria = Criteria(DAY, Rules(), Limits(), (Password(PASSWORD),))
    for name in WORKBOOKS:
        data = (SPECIMENS / name).read_bytes()
        annotate.annotate(data, judge.judge(data, criteria), criteria)
    raw = (SPECIMENS / "message.eml").read_bytes()
    messages.parse(raw)
    key = (SPECIMENS / "key.txt").read_bytes()
    dkim.prove(raw, [(signature, (key,)) for signature in dkim.find(raw, DOMAIN, ADDRESS)])


def _look_up(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return  # a module that is no encoding, or one of Windows
