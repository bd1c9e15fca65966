"""Entries of the catalogue about the file, the form, and the required information above the headings."""

from planit_mailer.domain.forms.problems.entry import Entry, Severity, Stage

ERROR, WARNING = Severity.ERROR, Severity.WARNING

FILE = (
    Entry(
        "not-a-spreadsheet",
        ERROR,
        Stage.FILE,
        "The file is {found}, not a spreadsheet. Attach the form as an Excel workbook (.xlsx).",
        "Fill in the form in Excel, save it as an Excel Workbook and attach that file to the email.",
        "learners.xlsx",
    ),
    Entry(
        "file-empty",
        ERROR,
        Stage.FILE,
        "The file is empty: there is nothing in it. Open the form, check that your data is there, save it and attach "
        "it again.",
        "Files are often empty when they are attached while they are still being saved or synchronised.",
        "A file that opens in Excel and shows your learners",
    ),
    Entry(
        "file-kind-not-read",
        ERROR,
        Stage.FILE,
        "The file is {found}, a kind that we do not read. Open it in Excel, or in the program that it was made with, "
        "save it as an Excel Workbook (.xlsx) and send that.",
        "In Excel choose File, Save As, and in the list of types Excel Workbook (*.xlsx). In Apple Numbers choose "
        "File, Export To, Excel.",
        "learners.xlsx",
    ),
    Entry(
        "cannot-be-opened",
        ERROR,
        Stage.FILE,
        "The file cannot be opened. Open it in Excel, save it as an Excel Workbook (.xlsx) under a new name and send "
        "that.",
        "Where Excel cannot open it either, export your data again and copy it to the blank form.",
        "A file that opens in Excel without a message about repairs",
    ),
    Entry(
        "password-protected",
        ERROR,
        Stage.FILE,
        "The workbook is protected by a password, so we cannot read it. Save it without the password and send it "
        "again.",
        "In Excel choose File, Info, Protect Workbook, Encrypt with Password, clear the password and save. Where your "
        "school has a password registered with us, use that one. Never write a password in an email.",
        "A workbook that opens without asking for a password",
    ),
    Entry(
        "sensitivity-label",
        ERROR,
        Stage.FILE,
        "The workbook is protected by a sensitivity label, so nobody outside your organisation can open it. Send a "
        "copy with a label that does not encrypt.",
        "In Excel choose Home, Sensitivity, and a label such as Public or General. If none is offered, ask your IT "
        "team.",
        "A workbook that opens for everybody",
    ),
    Entry(
        "damaged-on-the-way",
        ERROR,
        Stage.FILE,
        "The file was damaged on its way to us, though it may be sound on your side. Send it again, from another "
        "program or packed in a zip archive if this happens twice.",
        "A mail program or gateway took the file for text and changed its bytes, or cut it off.",
        "The same file, attached once more",
    ),
    Entry(
        "encoding-unknown",
        ERROR,
        Stage.FILE,
        "We cannot tell how the letters of this plain text file are stored, so names with accents would be wrong. Open "
        "it in Excel, check the names, save it as an Excel Workbook (.xlsx) and send that.",
        "A .csv file does not say which letters its bytes stand for; an Excel workbook does.",
        "learners.xlsx",
    ),
    Entry(
        "file-too-large",
        ERROR,
        Stage.FILE,
        "We cannot take {found}. Send a workbook with nothing but the form, or share the learners out over several.",
        "Delete pictures and sheets that do not belong to the form. Each email can have several workbooks.",
        "A workbook with the form alone",
    ),
    Entry(
        "email-too-full",
        ERROR,
        Stage.FILE,
        "This file was not opened: there is more in the email than we read at once. Send your workbooks in two emails.",
        "What was opened before it is answered here. Send the files that were not opened in another email; where there "
        "is only one, send it by itself.",
        "Two emails with ten workbooks each",
    ),
    Entry(
        "email-not-read",
        ERROR,
        Stage.FILE,
        "The email cannot be read, so nothing in it was opened. Write a new email, attach the workbook and send that.",
        "Start with an empty email instead of forwarding or answering one.",
        "A new email with the workbook and nothing else",
    ),
    Entry(
        "link-instead-of-file",
        ERROR,
        Stage.FILE,
        "The email has a link to a file on {store}, not the file itself. Download the workbook and attach a copy of "
        "it.",
        "In Outlook choose Attach File, then “Attach as copy”.",
        "An attached file, learners.xlsx",
    ),
)

FORM = (
    Entry(
        "no-form-found",
        ERROR,
        Stage.FORM,
        "No form was found. We looked in the first 60 rows of each sheet that is not hidden for a row with at least "
        "three of the headings First name, Learner Surname, UPIN, SIMS No, DOB and Year. {nearest}",
        "Put the six compulsory headings in one row, or copy your data to the blank form.",
        "First name | Learner Surname | UPIN | SIMS No | DOB | Year",
    ),
    Entry(
        "encoding-guessed",
        WARNING,
        Stage.FORM,
        "The letters of these names could also be others, as a plain text file does not say which it means. Check them "
        "in your school's data, or send an Excel Workbook (.xlsx).",
        "A .csv file does not say which letters its bytes stand for; an Excel workbook does.",
        "learners.xlsx",
    ),
    Entry(
        "hidden-sheet",
        WARNING,
        Stage.FORM,
        "{sheets} passed over. Where there is data for learners on it, unhide it and send the workbook again.",
        "In Excel, right-click a sheet's tab and choose Unhide.",
        "No hidden sheets",
    ),
)

REQUIRED = (
    Entry(
        "header-missing",
        ERROR,
        Stage.REQUIRED,
        "The form does not say which school it is from. Add four rows above the headings: School name, School "
        "postcode, Import spreadsheet submitted by, and Date submitted, each with its entry to the right.",
        "The workbook that comes back has a sheet “School” with these rows. Check what is filled in, and send the "
        "workbook back.",
        "School name | Greenfield School",
    ),
    Entry(
        "required-missing",
        ERROR,
        Stage.REQUIRED,
        "“{label}” is missing. {where}",
        "The school name, the school postcode, who submits the spreadsheet and the date stand above the headings.",
        "School name | Greenfield School",
    ),
    Entry(
        "required-error",
        ERROR,
        Stage.REQUIRED,
        "“{label}” shows an Excel error. Replace the formula with the text.",
        "Click the cell and type what it should say.",
        "School name | Greenfield School",
    ),
    Entry(
        "required-not-saved",
        ERROR,
        Stage.REQUIRED,
        "“{label}” is a formula without a saved result. Open the file in Excel, save it and send it again.",
        "Programs other than Excel write formulas without results. Excel works them out when it saves the file, and "
        "LibreOffice when it saves it as .xlsx or .ods.",
        "Date submitted | 02/11/2026",
    ),
    Entry(
        "postcode-wrong",
        ERROR,
        Stage.REQUIRED,
        "School postcode must be a full UK postcode, like LS1 4AP.",
        "Enter the postcode of the school as it stands in its address.",
        "School postcode | LS1 4AP",
    ),
    Entry(
        "date-submitted-wrong",
        ERROR,
        Stage.REQUIRED,
        "Date submitted must be a real date, like 02/11/2026.",
        "Enter day, month and year, in that order.",
        "Date submitted | 02/11/2026",
    ),
    Entry(
        "date-submitted-future",
        ERROR,
        Stage.REQUIRED,
        "Date submitted must be today or in the past.",
        "Check the month and the year; enter the day on which you send the spreadsheet.",
        "Date submitted | 02/11/2026",
    ),
    Entry(
        "date-submitted-old",
        WARNING,
        Stage.REQUIRED,
        "Date submitted is more than 60 days ago. Check that this is the spreadsheet that you meant to send.",
        "An old spreadsheet replaces newer data of the same learners.",
        "Date submitted | 02/11/2026",
    ),
    Entry(
        "introduction-too-long",
        ERROR,
        Stage.REQUIRED,
        "The introduction has {count} paragraphs. Send 3 or fewer.",
        "Each cell of the introduction is a paragraph. Join or delete some.",
        "Introductory Text paragraph 1: | These are your expected grades.",
    ),
    Entry(
        "several-schools",
        ERROR,
        Stage.REQUIRED,
        "The sheets of the workbook are from schools with different postcodes. Send a workbook for each school.",
        "A sheet without a school of its own takes the first one in the workbook.",
        "One school in each workbook",
    ),
    Entry(
        "header-text-unused",
        WARNING,
        Stage.REQUIRED,
        "Text above the headings was not used, so learners will not see it. If it belongs to the introduction, enter "
        "it to the right of “Introductory Text”.",
        "Nothing needs to be done if it is a title or a note.",
        "Introductory Text paragraph 1: | These are your expected grades.",
    ),
    Entry(
        "school-not-yours",
        ERROR,
        Stage.REQUIRED,
        "Your email address is not registered for a school with this postcode. Check the school postcode, or ask us "
        "to register you for the school.",
        "A person can send data only for schools that they are registered for.",
        "School postcode | the postcode that the school is registered with",
    ),
    Entry(
        "school-name-unclear",
        ERROR,
        Stage.REQUIRED,
        "Several schools that you send for have this postcode, and School name is the name of none or of more than one "
        "of them. Enter the name that the school is registered with.",
        "Where schools share a postcode, the name says which of them it is.",
        "School name | the name that the school is registered with",
    ),
    Entry(
        "school-name-differs",
        WARNING,
        Stage.REQUIRED,
        "School name differs from the name that the school is registered with. Check that this is the right school.",
        "The postcode decides which school it is; the name is compared with it.",
        "School name | the name that the school is registered with",
    ),
)

ENTRIES = (*FILE, *FORM, *REQUIRED)
