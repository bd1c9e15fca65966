"""Entries of the catalogue about learners that differ from the school's stored children."""

from planit_mailer.domain.forms.problems.entry import Entry, Severity, Stage

ERROR, WARNING = Severity.ERROR, Severity.WARNING

ENTRIES = (
    Entry(
        "learner-differs",
        ERROR,
        Stage.LEARNERS,
        "The UPIN belongs to a learner of your school with another name or DOB: at least two of first name, surname "
        "and DOB differ. Check the UPIN. If this row is right, the earlier upload may be the wrong one: contact us.",
        "The UPIN may be that of the row above or below. Where rows were sorted without all of their columns, undo "
        "that.",
        "The UPIN, name and DOB of one learner in one row",
    ),
    Entry(
        "learner-known-otherwise",
        ERROR,
        Stage.LEARNERS,
        "The name and DOB are those of a learner of your school who has another SIMS No. Check the SIMS No and the "
        "UPIN. If this row is right, the earlier upload may be the wrong one: contact us.",
        "Compare the row with the learner's record.",
        "The SIMS No of the learner in the row",
    ),
    Entry(
        "learner-matched-twice",
        ERROR,
        Stage.LEARNERS,
        "Rows {rows} both look like the same learner of your school, one by UPIN, the other by SIMS No, surname and "
        "DOB. Remove one of them, or correct it. If both are right, the earlier upload may be the wrong one: contact "
        "us.",
        "Each learner can have one row only.",
        "One row for each learner",
    ),
    Entry(
        "learner-changed",
        WARNING,
        Stage.LEARNERS,
        "{what} differs from the last upload. Check that it is right; the new one is used. If it is right, the "
        "earlier upload may be the wrong one.",
        "Nothing needs to be done where the learner's record changed.",
        "What the learner's record says",
    ),
    Entry(
        "upin-new",
        WARNING,
        Stage.LEARNERS,
        "The UPIN is new for a learner whom we know by SIMS No, surname and DOB. The new one is used.",
        "Nothing needs to be done where a temporary UPN became permanent.",
        "The learner's permanent UPN",
    ),
)
