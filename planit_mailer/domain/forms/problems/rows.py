"""Entries of the catalogue about the learners' rows."""

from planit_mailer.domain.forms.problems.entry import Entry, Severity, Stage

ERROR, WARNING = Severity.ERROR, Severity.WARNING

ERRORS = (
    Entry(
        "no-learners",
        ERROR,
        Stage.ROWS,
        "There are no learners below the headings. Enter one learner a row, starting below row {row}.",
        "A learner is a row with a UPN, with a date of birth, or with three of the six compulsory cells filled.",
        "One row for each learner",
    ),
    Entry(
        "value-missing",
        ERROR,
        Stage.ROWS,
        "{heading} is missing. Enter {what}.",
        "All six compulsory cells of each learner must be filled.",
        "A value in each of the six compulsory columns",
    ),
    Entry(
        "identity-long",
        ERROR,
        Stage.ROWS,
        "{heading} must be {longest} characters or fewer. Check what is in the cell.",
        "Something else has got into the column, such as a note or a whole row.",
        "What identifies one learner, and nothing else",
    ),
    Entry(
        "dob-wrong",
        ERROR,
        Stage.ROWS,
        "DOB must be a real date, like 31/01/2010.",
        "Enter day, month and year with four digits, in that order.",
        "31/01/2010, 2010-01-31 or 31 January 2010",
    ),
    Entry(
        "dob-month-first",
        ERROR,
        Stage.ROWS,
        "DOB has the month before the day. Enter the day first, like 31/01/2010.",
        "The export used American dates. Change its date format, or retype the dates; check the other dates of the "
        "column too, since 03/04/2010 can be read both ways.",
        "31/01/2010",
    ),
    Entry(
        "dob-two-digit-year",
        ERROR,
        Stage.ROWS,
        "DOB must have a year with four digits, like 31/01/2010.",
        "The cell holds text, not a date. Retype it with the whole year.",
        "31/01/2010",
    ),
    Entry(
        "dob-age",
        ERROR,
        Stage.ROWS,
        "DOB must be that of a learner between {youngest} and {oldest} years old. Check the year.",
        "Compare the date with the learner's record.",
        "31/01/2010",
    ),
    Entry(
        "year-wrong",
        ERROR,
        Stage.ROWS,
        "Year must be a year group: N1, N2, R, 1 to 14, or X.",
        "“Year 10”, “Yr 10”, “Y10” and “10” all do. X stands for no year group.",
        "10",
    ),
    Entry(
        "upin-check-letter",
        ERROR,
        Stage.ROWS,
        "UPIN has a typing mistake: its first letter does not fit the characters that follow. Copy it again from your "
        "management information system.",
        "The first letter of a UPN is worked out from the other twelve characters, so that mistakes show.",
        "A UPN that was copied, not typed",
    ),
    Entry(
        "upin-provider-number",
        ERROR,
        Stage.ROWS,
        "UPIN is the same in every row, so it looks like a provider number. Enter each learner's own 13-character UPN.",
        "In other data UPIN means the number of the school or college; here it is the learner's unique pupil number.",
        "A different UPN in each row",
    ),
    Entry(
        "learners-on-several-rows",
        ERROR,
        Stage.ROWS,
        "Most learners stand on several rows. Give each learner one row, and each subject a column of its own.",
        "Your management information system can export one row a learner, with a column for each subject.",
        "One row a learner: History in one column, Maths in the next",
    ),
    Entry(
        "upin-twice",
        ERROR,
        Stage.ROWS,
        "Rows {rows} have the same UPIN. Remove the rows that are too many, or correct the UPIN.",
        "Each learner can have one row only.",
        "A different UPIN in each row",
        "{count} UPINs stand on more than one row: rows {rows}. Remove the rows that are too many, or correct the "
        "UPIN.",
    ),
    Entry(
        "sims-no-twice",
        ERROR,
        Stage.ROWS,
        "Rows {rows} have the same SIMS No. Remove the rows that are too many, or correct the SIMS No.",
        "Each learner can have one row only. Leading zeros make no difference: 004512 and 4512 are the same.",
        "A different SIMS No in each row",
        "{count} SIMS numbers stand on more than one row: rows {rows}. Remove the rows that are too many, or correct "
        "the SIMS No.",
    ),
    Entry(
        "learner-on-two-sheets",
        ERROR,
        Stage.ROWS,
        "The same {heading} stands on several sheets. Keep each learner on one sheet, and delete the others' rows; or "
        "delete a sheet that is not meant for us.",
        "All sheets with learners are read. Together they are one form, in which each learner has one row.",
        "Each learner on one sheet",
    ),
    Entry(
        "cell-error",
        ERROR,
        Stage.ROWS,
        "The cell shows an error, such as #N/A or #REF!. Replace it with the value, or clear the cell.",
        "A formula in the cell could not be worked out. Often a lookup found nothing.",
        "A value, or a blank cell",
    ),
    Entry(
        "dates-for-grades",
        ERROR,
        Stage.ROWS,
        "“{heading}” has dates, which Excel makes of grades: 5-4 becomes 5-Apr. Format the column as Text and type the "
        "grades again.",
        "Select the column, choose Format Cells, Text, and only then type the grades. If they are dates, put the word "
        "date in the heading.",
        "5-4 in a column that is formatted as Text",
    ),
    Entry(
        "formula-not-saved",
        ERROR,
        Stage.ROWS,
        "The cell is a formula without a saved result. Open the file in Excel, save it and send it again.",
        "Programs other than Excel write formulas without results. Excel works them out when it saves the file, and "
        "LibreOffice when it saves it as .xlsx or .ods.",
        "A value, or a formula whose result Excel has saved",
    ),
    Entry(
        "value-too-long",
        ERROR,
        Stage.ROWS,
        "The text is longer than 4,000 characters. Shorten it.",
        "Something else has got into the cell, such as a whole document. Learners read the values on one page.",
        "Satisfactory",
    ),
    Entry(
        "heading-too-long",
        ERROR,
        Stage.ROWS,
        "The heading “{heading}” must be 200 characters or fewer, with the group heading above it. Shorten it.",
        "Learners read the heading beside each value. An explanation belongs in the introduction.",
        "History",
    ),
    Entry(
        "paragraph-too-long",
        ERROR,
        Stage.ROWS,
        "A paragraph of the introduction is longer than 4,000 characters. Shorten it.",
        "Learners read the introduction above their data.",
        "Introductory Text paragraph 1: | These are your expected grades.",
    ),
)

WARNINGS = (
    Entry(
        "year-not-for-dob",
        WARNING,
        Stage.ROWS,
        "Year does not fit DOB. Check both.",
        "In Year 7 are those who were 11 on 31 August before the school year began. Where a learner is taught in "
        "another year, nothing needs to be done.",
        "Year 7 for a learner who was 11 on 31 August",
    ),
    Entry(
        "upin-not-upn",
        WARNING,
        Stage.ROWS,
        "UPIN does not look like a UPN, which is a letter and twelve digits, or a letter, eleven digits and a letter. "
        "Check that it is the learner's UPN.",
        "Where a learner has no UPN, nothing needs to be done as long as the UPIN stays the same in every upload.",
        "A letter and twelve digits",
    ),
    Entry(
        "upin-uln",
        WARNING,
        Stage.ROWS,
        "UPIN has 10 digits, so it is probably a ULN. Enter the learner's 13-character UPN.",
        "The ULN (unique learner number) and the UPN (unique pupil number) are different numbers.",
        "A letter and twelve digits",
    ),
    Entry(
        "date-among-grades",
        WARNING,
        Stage.ROWS,
        "“{heading}” has dates among other values. Excel turns a grade such as 5-4 into the date 5 April. Where you "
        "meant a grade, format the column as Text and type it again.",
        "Select the column, choose Format Cells, Text, and only then type the grades.",
        "5-4 in a column that is formatted as Text",
    ),
    Entry(
        "leading-zeros-mixed",
        WARNING,
        Stage.ROWS,
        "“{heading}” has numbers with and without leading zeros. Excel drops leading zeros: check that none are lost.",
        "Format the column as Text and type the numbers again, or give the cells a number format such as 000.",
        "007 and 012, not 007 and 12",
    ),
    Entry(
        "long-number",
        WARNING,
        Stage.ROWS,
        "“{heading}” shows long numbers in scientific notation, like 1.23E+11, in place of all their digits. Format "
        "the column as Text and type the numbers again.",
        "Excel shortens numbers of more than 11 digits and loses digits beyond the 15th.",
        "123456789012 in a column that is formatted as Text",
    ),
    Entry(
        "number-format-unknown",
        WARNING,
        Stage.ROWS,
        "“{heading}” has a number format that we cannot follow: learners will see the plain number. Use a common "
        "format, or format the column as Text and type the values again.",
        "Choose a format from the list in Format Cells.",
        "95.3%",
    ),
    Entry(
        "value-long",
        WARNING,
        Stage.ROWS,
        "The text is longer than 1,000 characters. Shorten it, or check that learners can read it on a small screen.",
        "Short values are easiest to read. No value may be longer than 4,000 characters.",
        "Satisfactory",
    ),
    Entry(
        "value-merged",
        WARNING,
        Stage.ROWS,
        "The value stands in merged cells, so the first of them has it and the others count as blank. Where it is "
        "meant for the others too, unmerge the cells and enter it in each.",
        "Select the merged cell, choose Home, Merge & Center to undo it, and enter the value in each cell.",
        "The value in each learner's row",
    ),
    Entry(
        "learner-without-values",
        WARNING,
        Stage.ROWS,
        "{rows} no value in any of your own columns, so the learner's page will be empty. Check that nothing is "
        "missing.",
        "An upload replaces all that a learner saw before.",
        "A value in at least one column",
    ),
    Entry(
        "row-passed-over",
        WARNING,
        Stage.ROWS,
        "{rows} passed over: nothing in it is shown to anybody. If it is a learner, enter the six compulsory cells.",
        "Nothing needs to be done where it is a total, a sub-heading or a note.",
        "Only learners, one a row",
    ),
    Entry(
        "cells-not-named",
        WARNING,
        Stage.ROWS,
        "More cells have problems than we can name. Correct those that are named, and look for the same mistakes in "
        "the rest of the sheet.",
        "We name up to 20,000 blocks of cells. Many mistakes often have one cause, such as a formula that was copied "
        "down a column.",
        "A sheet with few mistakes",
    ),
)

ENTRIES = (*ERRORS, *WARNINGS)
