"""Make the blank form, an .xlsx workbook in the handbook's layout (section 5), with a second sheet that explains it."""

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from planit_mailer.spreadsheets.annotate import in_memory

LABELS = (
    "Plan-it spreadsheet import",
    "School name",
    "School postcode",
    "Import spreadsheet submitted by",
    "Date submitted",
    "Introductory Text paragraph 1:",
    "Introductory Text paragraph 2:",
    "Introductory Text paragraph 3:",
)
HEADINGS = ("First name", "Learner Surname", "UPIN", "SIMS No", "DOB", "Year")
WIDTHS = (32, 24, 18, 12, 14, 9)  # characters; the labels above stand in the first column
YEARS = ("N1", "N2", "R", *map(str, range(1, 15)), "X")
FIELDS = 75  # handbook section 8
GROUPS, OWN, COMPULSORY, LAST = 9, 10, 11, 5_000  # rows
TEXT, DATE = "@", "dd/mm/yyyy"

GUIDE = (
    ("Required information", "", ""),
    ("Name of the school", "As Plan-it knows it.", "Greenfield School"),
    ("Postcode of the school", "It says which school the form is for.", "LS1 4AP"),
    ("Who submits the form", "Your name or your office.", "The school office"),
    ("The day on which you send it", "Day, month and year.", "02/11/2026"),
    ("Introduction text", "", ""),
    (
        "Up to 3 paragraphs",
        "Every learner on the form reads them above their data. They may stay empty.",
        (
            "This data shows your current expected grades in GCSE subjects and will be used as part of your Academic "
            "mentor discussion with your tutor in February."
        ),
    ),
    ("Compulsory fields", "One learner a row, all six cells filled.", ""),
    ("First name", "As the school knows the learner.", "Robin"),
    ("Learner Surname", "", "Fennimore"),
    ("UPIN", "The learner's own 13-character unique pupil number (UPN).", "A letter and twelve digits"),
    ("SIMS No", "The admission number; leading zeros make no difference.", "004512"),
    ("DOB", "Day, month and a year with four digits.", "31/01/2010"),
    ("Year", "Choose from the list: N1, N2, R, 1 to 14, or X for no year group.", "10"),
    ("Provider defined fields", "", ""),
    (
        "Your own headings",
        "Type them in row 10, from column G on, one a column, 75 at most. Learners read them beside their data.",
        "Subject 1 example History; Art KSS pred; Subject 3 example Science; FFT Eng KS3; Subject 4 example Maths",
    ),
    (
        "Your own values",
        "Letters, numbers or text, from row 12 on. A blank cell is not shown to the learner.",
        "satisfactory; level 3; B; 95.3%",
    ),
    (
        "Grades such as 5-4",
        "Excel turns them into dates. Format the column as Text before you type them.",
        "Format Cells, Text",
    ),
    ("Before you send it", "", ""),
    ("Hidden rows and columns", "Unhide or delete those that hold data.", ""),
    ("What learners will see", "All of it, as soon as they log in. Consider what it means to each of them.", ""),
)

BOLD = Font(bold=True)
SHADE = PatternFill("solid", fgColor="FFDCE6F1")
LINE = Border(bottom=Side("thin"))
WRAPPED = Alignment(wrap_text=True, vertical="top")


def blank_form() -> bytes:
    """Return the blank form as the bytes of a workbook."""
    book = Workbook()
    page = book.active
    assert isinstance(page, Worksheet), "a new workbook has a sheet"
    page.title = "Plan-it upload"
    _widths_and_formats(page)
    _header(page)
    _headings(page)
    _years(page)
    page.freeze_panes = f"C{COMPULSORY + 1}"
    _guide(book.create_sheet("How to fill this in"))
    return in_memory.saved(book)


def _widths_and_formats(page: Worksheet) -> None:
    """Set widths and formats of whole columns: Text keeps leading zeros, General allows percentages in own columns."""
    for column, width in enumerate((*WIDTHS, *[16] * FIELDS), 1):
        dimension = page.column_dimensions[get_column_letter(column)]
        dimension.width = width
        if column <= len(HEADINGS):
            dimension.number_format = DATE if HEADINGS[column - 1] == "DOB" else TEXT


def _header(page: Worksheet) -> None:
    """Write the labels of the required information and the introduction, with room for entries to their right."""
    for row, label in enumerate(LABELS, 1):
        page.cell(row, 1, label).font = BOLD
        if row > 1:
            page.cell(row, 2).border = LINE
            page.cell(row, 2).number_format = DATE if label == "Date submitted" else "General"


def _headings(page: Worksheet) -> None:
    """Write the compulsory headings, and empty cells for the school's own ones a row above, as in the handbook."""
    last = len(HEADINGS) + FIELDS
    for column, text in ((1, "Compulsory Fields"), (len(HEADINGS) + 1, "Provider defined fields")):
        page.cell(GROUPS, column, text).font = BOLD
    page.merge_cells(start_row=GROUPS, end_row=GROUPS, start_column=1, end_column=len(HEADINGS))
    page.merge_cells(start_row=GROUPS, end_row=GROUPS, start_column=len(HEADINGS) + 1, end_column=last)
    for column, text in enumerate(HEADINGS, 1):
        page.cell(COMPULSORY, column, text)
    for row in (OWN, COMPULSORY):
        for column in range(1, last + 1):
            cell = page.cell(row, column)
            cell.font, cell.fill, cell.border = BOLD, SHADE, LINE
            cell.number_format = TEXT


def _years(page: Worksheet) -> None:
    """Add a drop-down list of years. Excel asks about other spellings, such as "Year 10", but does not refuse them."""
    years = DataValidation(
        type="list",
        formula1=f'"{",".join(YEARS)}"',
        allow_blank=True,
        errorStyle="warning",
        errorTitle="Year",
        error="Year must be a year group: N1, N2, R, 1 to 14, or X.",
    )
    years.add(f"F{COMPULSORY + 1}:F{LAST}")
    page.add_data_validation(years)


def _guide(page: Worksheet) -> None:
    """Write the sheet that explains the form."""
    page.append(("What", "How", "Example"))
    for line in GUIDE:
        page.append(line)
    for row in page.iter_rows():
        is_title = not row[1].value and not row[2].value
        for cell in row:
            cell.alignment = WRAPPED
            if row[0].row == 1 or is_title:
                cell.font = BOLD
            cell.number_format = TEXT
    for letter, width in (("A", 30), ("B", 60), ("C", 60)):
        page.column_dimensions[letter].width = width
    page.freeze_panes = "A2"
