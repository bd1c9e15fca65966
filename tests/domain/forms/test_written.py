"""A form is read back as it was written, whichever program wrote it."""

from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.domain.forms import written
from tests.domain.forms.written import Form
from tests.support import forms
from tests.support.libreoffice import LibreOffice

# LibreOffice saves others in place of these: #,# becomes ##, and so on.
CHANGED = frozenset(("#,#", "0,0.00", r"0\/0", "0;", ";;", ";;;", '"";"";"";""', "h:mm a/p", "h a/p", "dd/mm/yyyy;;"))


def read_back(data: bytes, form: Form) -> None:
    judgement = forms.judge(data)

    assert judgement.accepted, judgement.problems
    draft = judgement.draft
    assert draft
    assert written.learners_of(draft) == form.learners
    assert (draft.school_name, draft.postcode) == (forms.SCHOOL, forms.POSTCODE)
    assert (draft.submitted_by, draft.date_submitted) == ("The school office", forms.TODAY)


@pytest.mark.parametrize("write", [written.by_openpyxl, written.by_xlsxwriter])
@forms.CALM
@given(written.written())
def test_a_form_is_read_back_as_it_was_written(write: Callable[[Form], bytes], form: Form) -> None:
    read_back(write(form), form)


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
@settings(forms.CALM, max_examples=1, phases=[Phase.generate])  # LibreOffice starts once for all of a batch
@given(st.lists(written.written(CHANGED), min_size=20, max_size=20))
def test_a_form_that_libreoffice_saved_is_read_back_as_it_was_written(
    libreoffice: LibreOffice, kind: str, batch: list[Form]
) -> None:
    files = {f"{number}.xlsx": written.by_openpyxl(form) for number, form in enumerate(batch)}

    saved = libreoffice.converted(files, kind)

    for number, form in enumerate(batch):
        read_back(saved[str(number)], form)
