"""Entries of the catalogue about the headings, and about hidden rows and columns."""

from planit_mailer.domain.forms.problems.entry import Entry, Severity, Stage

ERROR, WARNING = Severity.ERROR, Severity.WARNING

ENTRIES = (
    Entry(
        "heading-missing",
        ERROR,
        Stage.HEADINGS,
        "The heading {heading} is missing. {how}",
        "All six compulsory headings stand in one row, in any order.",
        "First name | Learner Surname | UPIN | SIMS No | DOB | Year",
    ),
    Entry(
        "heading-twice",
        ERROR,
        Stage.HEADINGS,
        "{count} columns have the heading {heading}. Keep one of them; delete the others, or give them other headings.",
        "Each compulsory heading can stand over one column only.",
        "UPIN over one column",
    ),
    Entry(
        "no-fields",
        ERROR,
        Stage.HEADINGS,
        "No learner has a value in any column besides the six compulsory ones, so every learner's page would be "
        "emptied. Add the columns that learners are to see, with their values.",
        "Each column of your own has a heading, and a value for at least one learner.",
        "History, with a grade below it",
    ),
    Entry(
        "too-many-fields",
        ERROR,
        Stage.HEADINGS,
        "The form has {count} fields besides the six compulsory ones. Send 75 or fewer.",
        "Delete columns that learners do not need to see.",
        "Up to 75 columns of your own",
    ),
    Entry(
        "column-without-heading",
        ERROR,
        Stage.HEADINGS,
        "Column {column} has values, the first in row {row}, but no heading. Enter a heading, or delete the column.",
        "Learners see each value under the heading of its column.",
        "History",
        "Columns {columns} have values but no heading. Enter a heading for each, or delete the column.",
    ),
    Entry(
        "field-twice",
        ERROR,
        Stage.HEADINGS,
        "{count} columns have the heading “{heading}”. Give each its own heading, so that learners can tell them "
        "apart.",
        "Say what is different about them, such as the term.",
        "History autumn | History spring",
    ),
    Entry(
        "hidden-column",
        ERROR,
        Stage.HEADINGS,
        "{columns} hidden but {has} data that learners would see. Unhide what learners may see, delete what they may "
        "not.",
        "Select the columns on both sides, right-click and choose Unhide; or delete the hidden columns.",
        "No hidden columns with data",
    ),
    Entry(
        "hidden-row",
        ERROR,
        Stage.HEADINGS,
        "{rows} hidden but {has} data. Unhide what you mean to send, delete what you do not; a filter hides rows too.",
        "Clear the filter (Data, Clear), or select the rows around, right-click and choose Unhide.",
        "No hidden rows with data",
        "Hidden rows have data: {rows}. Unhide what you mean to send, delete what you do not; a filter hides rows too.",
    ),
    Entry(
        "heading-without-values",
        WARNING,
        Stage.HEADINGS,
        "No learner has a value below {headings}, so learners will not see {it}.",
        "Nothing needs to be done where this is what you meant.",
        "A value for at least one learner",
    ),
    Entry(
        "heading-passed-over",
        WARNING,
        Stage.HEADINGS,
        "{columns} passed over and learners will not see {it}: another column says who the learner is.",
        "We use the handbook's heading, then the plain word, then the legal, then the preferred one.",
        "One column for each compulsory heading",
    ),
    Entry(
        "example-heading",
        WARNING,
        Stage.HEADINGS,
        "“{heading}” is an example from the handbook. Learners will see it: change it to your own heading.",
        "The handbook's headings show what is possible. Replace them with your own.",
        "History",
        "{count} headings are examples from the handbook. Learners will see them: change them to your own headings.",
    ),
    Entry(
        "sensitive-heading",
        WARNING,
        Stage.HEADINGS,
        "{subject} {words}: learners will see {it}. Check that they should.",
        "Delete the columns that learners should not see, and send the form again.",
        "Headings that every learner may read",
    ),
)
