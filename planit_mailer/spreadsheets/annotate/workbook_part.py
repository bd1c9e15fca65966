"""The workbook part of a package, with the list of its sheets: adds one in front, removes some, leaves out macros."""

from dataclasses import dataclass
from xml.dom.minidom import Element

from planit_mailer.spreadsheets.annotate import packages
from planit_mailer.spreadsheets.annotate.packages import Link, Package
from planit_mailer.spreadsheets.containers.zip_archive import Damaged

WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
# Parts that an .xlsx workbook may not have, by the kind of their relation, and the school's word for each.
LEFT_OUT = {
    "vbaProject": "macros",
    "xlMacrosheet": "sheets of macros",
    "xlIntlMacrosheet": "sheets of macros",
    "origin": "the digital signature",  # a changed file would make it invalid
}


@dataclass(frozen=True, slots=True)
class Place:
    """A sheet of a workbook: its number from 1, its name, the kind of its relation, and the name of its part."""

    number: int
    name: str
    kind: str
    part: str


class Workbook:
    """The workbook part, held as a tree until save()."""

    def __init__(self, package: Package) -> None:
        """Raises Damaged if the package names no workbook."""
        link = package.first_link("", "officeDocument")
        if link is None or not link.target:
            raise Damaged("no part is named as the workbook")
        self.part = link.target
        self._package = package
        self._root = package.tree(self.part)
        self._sheets = packages.children(self._root, "sheets")[0]
        self.namespace = self._root.namespaceURI or ""

    @property
    def places(self) -> tuple[Place, ...]:
        """All sheets in their order, chart sheets and the like included."""
        links = self._links()
        places = []
        for number, sheet in enumerate(self._entries(), 1):
            link = links[_relation(sheet)]
            places.append(Place(number, sheet.getAttribute("name"), link.kind, link.target))
        return tuple(places)

    def ensure_styles(self) -> str:
        """Return the name of the part with the styles, which is created if it is missing."""
        link = self._package.first_link(self.part, "styles")
        named = link.target if link else ""
        if named in self._package:
            return named
        part = named or "xl/styles.xml"
        self._package.write(part, f'<styleSheet xmlns="{self.namespace}"/>'.encode())
        self._package.declare_type(part, STYLES_TYPE)
        if not named:
            self._package.link(self.part, f"{self._package.relation_types()}/styles", part)
        return part

    def insert(self, name: str, content: bytes) -> None:
        """Put a worksheet in front of all others, and let the workbook open there."""
        part = self._package.free_name("xl/worksheets/sheetPlanit{}.xml")
        self._package.write(part, content)
        self._package.declare_type(part, SHEET_TYPE)
        types = self._package.relation_types()
        relation = self._package.link(self.part, f"{types}/worksheet", part)
        attributes = {"name": self._free_name(name), "sheetId": str(self._free_id())}
        sheet = packages.new_element(self._sheets, "sheet", attributes)
        sheet.setAttribute("xmlns:r", types)
        sheet.setAttribute("r:id", relation)
        self._sheets.insertBefore(sheet, self._sheets.firstChild)
        self._renumber(0, 1)
        self._open_first_sheet()

    def remove(self, number: int) -> None:
        """Remove a sheet, and the names that belong to it."""
        sheet = self._entries()[number - 1]
        link = self._links()[_relation(sheet)]
        self._sheets.removeChild(sheet)
        self._package.unlink(self.part, link.id)
        self._package.remove(link.target)
        self._remove_names_of(number - 1)
        self._renumber(number - 1, -1)

    def leave_out(self) -> tuple[str, ...]:
        """Remove what an .xlsx workbook may not have, and return the school's words for what it was."""
        removed = [*self._leave_out_sheets(), *self._leave_out_parts()]
        self._package.declare_type(self.part, WORKBOOK_TYPE)
        return tuple(dict.fromkeys(removed))

    def save(self) -> None:
        """Write the tree back to the package."""
        self._package.write_tree(self.part, self._root)

    def _links(self) -> dict[str, Link]:
        return {link.id: link for link in self._package.links(self.part)}

    def _entries(self) -> list[Element]:
        return packages.children(self._sheets, "sheet")

    def _free_name(self, wanted: str) -> str:
        """A name that no sheet has: the wanted one, or that with a number."""
        taken = {sheet.getAttribute("name").casefold() for sheet in packages.children(self._sheets)}
        name = wanted
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted} ({number})"
        return name

    def _free_id(self) -> int:
        """An id that no sheet has."""
        taken = [int(sheet.getAttribute("sheetId") or 0) for sheet in packages.children(self._sheets)]
        return max(taken, default=0) + 1

    def _leave_out_sheets(self) -> list[str]:
        """Remove the sheets of macros, and return the school's words for them."""
        unwanted = [place for place in self.places if place.kind in LEFT_OUT]
        for place in reversed(unwanted):  # from the last, so that the numbers of the others stay right
            self.remove(place.number)
        return [LEFT_OUT[place.kind] for place in unwanted]

    def _leave_out_parts(self) -> list[str]:
        """Remove the macros and the signature, and return the school's words for them."""
        removed = []
        for source in ("", self.part):
            for link in self._package.links(source):
                if link.kind in LEFT_OUT:
                    removed.append(LEFT_OUT[link.kind])
                    self._package.unlink(source, link.id)
                    self._package.remove(link.target)
        return removed

    def _remove_names_of(self, place: int) -> None:
        """Remove the defined names that belong to the sheet at a place, counted from 0."""
        for name in self._names_of_sheets():
            if _owner(name) == place:
                assert name.parentNode is not None
                name.parentNode.removeChild(name)

    def _renumber(self, place: int, by: int) -> None:
        """Shift the numbers of all sheets from a place on, counted from 0, in defined names and windows."""
        for name in self._names_of_sheets():
            owner = _owner(name)
            if owner >= place:
                name.setAttribute("localSheetId", str(owner + by))
        self._remove_empty_lists_of_names()
        for window in self._windows():
            for attribute in ("activeTab", "firstSheet"):
                shown = int(window.getAttribute(attribute) or 0)
                if shown >= place:
                    shown = max(shown + by, 0)
                window.setAttribute(attribute, str(shown))

    def _names_of_sheets(self) -> list[Element]:
        """The defined names that belong to one sheet."""
        names = packages.children(self._root, "definedNames", "definedName")
        return [name for name in names if name.getAttribute("localSheetId")]

    def _remove_empty_lists_of_names(self) -> None:
        """Remove the lists that have no name left."""
        for names in packages.children(self._root, "definedNames"):
            if not packages.children(names):
                self._root.removeChild(names)

    def _open_first_sheet(self) -> None:
        for window in self._windows():
            window.setAttribute("activeTab", "0")
            window.setAttribute("firstSheet", "0")

    def _windows(self) -> list[Element]:
        return packages.children(self._root, "bookViews", "workbookView")


def _owner(name: Element) -> int:
    """The place of the sheet that a defined name belongs to, counted from 0."""
    return int(name.getAttribute("localSheetId"))


def _relation(sheet: Element) -> str:
    """The id of the relation to a sheet's part."""
    for attribute, value in sheet.attributes.items():
        if attribute.endswith(":id"):
            return value
    return ""
