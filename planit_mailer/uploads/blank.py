"""The blank form, as an .xlsx workbook in the handbook's layout."""


def blank_form() -> bytes:
    """The blank form's bytes."""
    raise NotImplementedError
