"""The workbook part of a package: its sheets by number, one more in front, one less, and no macros."""

from dataclasses import dataclass
from xml.dom.minidom import Element

from planit_mailer.spreadsheets.annotate import packages
from planit_mailer.spreadsheets.annotate.packages import Package
from planit_mailer.spreadsheets.containers.zip_archive import Damaged

WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
# What a workbook without macros may not have, in a school's words, by the last word of the relation's type.
LEFT_OUT = {
    "vbaProject": "macros",
    "xlMacrosheet": "sheets of macros",
    "xlIntlMacrosheet": "sheets of macros",
    "origin": "the digital signature",  # it would not hold for a file that was changed
}


@dataclass(frozen=True, slots=True)
class Place:
    """A sheet of a workbook: its number, its name, the kind of its part, and the part."""

    number: int
    name: str
    kind: str
    part: str


class Workbook:
    """The workbook part, as a tree that is changed."""

    def __init__(self, package: Package) -> None:
        """Raises Damaged if the package names no workbook."""
        found = (link.target for link in package.links("") if link.kind == "officeDocument")
        self.part = next(found, "")
        if not self.part:
            raise Damaged("no part is named as the workbook")
        self._package = package
        self._root = package.tree(self.part)
        self._sheets = packages.children(self._root, "sheets")[0]
        self.namespace = self._root.namespaceURI or ""

    @property
    def places(self) -> tuple[Place, ...]:
        """The sheets in their order, chart sheets and the like too."""
        links = {link.id: link for link in self._package.links(self.part)}
        found = enumerate(packages.children(self._sheets, "sheet"), 1)
        named = ((number, sheet, links[_relation(sheet)]) for number, sheet in found)
        return tuple(Place(number, sheet.getAttribute("name"), link.kind, link.target) for number, sheet, link in named)

    def styles(self) -> str:
        """The part with the styles; it is created if there is none."""
        links = self._package.links(self.part)
        named = next((link.target for link in links if link.kind == "styles"), "")
        if named in self._package:
            return named
        part = named or "xl/styles.xml"
        self._package.write(part, f'<styleSheet xmlns="{self.namespace}"/>'.encode())
        self._package.type_of(part, STYLES_TYPE)
        if not named:
            self._package.link(self.part, f"{packages.relation_types(self._package)}/styles", part)
        return part

    def insert(self, name: str, content: bytes) -> None:
        """Put a worksheet in front of all others, to be seen first."""
        part = self._package.free("xl/worksheets/sheetPlanit{}.xml")
        self._package.write(part, content)
        self._package.type_of(part, SHEET_TYPE)
        types = packages.relation_types(self._package)
        relation = self._package.link(self.part, f"{types}/worksheet", part)
        taken = [int(sheet.getAttribute("sheetId") or 0) for sheet in packages.children(self._sheets)]
        attributes = {"name": self._free_name(name), "sheetId": str(max(taken, default=0) + 1)}
        sheet = packages.element(self._sheets, "sheet", attributes)
        sheet.setAttribute("xmlns:r", types)
        sheet.setAttribute("r:id", relation)
        self._sheets.insertBefore(sheet, self._sheets.firstChild)
        self._renumber(0, 1)
        self._show(0)

    def remove(self, number: int) -> None:
        """Remove a sheet, and the names that belong to it."""
        sheet = packages.children(self._sheets, "sheet")[number - 1]
        links = self._package.links(self.part)
        link = next(link for link in links if link.id == _relation(sheet))
        self._sheets.removeChild(sheet)
        self._package.unlink(self.part, link.id)
        self._package.remove(link.target)
        self._renumber(number - 1, -1)

    def leave_out(self) -> tuple[str, ...]:
        """Leave out what a workbook without macros may not have. Return what that was, in a school's words."""
        gone = {LEFT_OUT[place.kind]: None for place in self.places if place.kind in LEFT_OUT}
        for place in reversed(self.places):
            if place.kind in LEFT_OUT:
                self.remove(place.number)
        for source in ("", self.part):
            for link in self._package.links(source):
                if link.kind in LEFT_OUT:
                    gone[LEFT_OUT[link.kind]] = None
                    self._package.unlink(source, link.id)
                    self._package.remove(link.target)
        self._package.type_of(self.part, WORKBOOK_TYPE)
        return tuple(gone)

    def save(self) -> None:
        """Write the tree back to the package."""
        self._package.write_tree(self.part, self._root)

    def _free_name(self, wanted: str) -> str:
        taken = {sheet.getAttribute("name").casefold() for sheet in packages.children(self._sheets)}
        names = (wanted, *(f"{wanted} ({number})" for number in range(2, len(taken) + 3)))
        return next(name for name in names if name.casefold() not in taken)

    def _renumber(self, place: int, by: int) -> None:
        """Renumber sheets from a position (from 0) on, in the names of single sheets and in windows."""
        for name in packages.children(self._root, "definedNames", "definedName"):
            own = name.getAttribute("localSheetId")
            if own:
                _renumber_name(name, int(own), place, by)
        for names in packages.children(self._root, "definedNames"):
            if not packages.children(names):
                self._root.removeChild(names)
        for view in packages.children(self._root, "bookViews", "workbookView"):
            _renumber_window(view, place, by)

    def _show(self, place: int) -> None:
        for view in packages.children(self._root, "bookViews", "workbookView"):
            view.setAttribute("activeTab", str(place))
            view.setAttribute("firstSheet", "0")


def _relation(sheet: Element) -> str:
    return next((value for key, value in sheet.attributes.items() if key.endswith(":id")), "")


def _renumber_name(name: Element, own: int, place: int, by: int) -> None:
    """Renumber a name of a single sheet, or remove it with its sheet."""
    if own == place and by < 0:
        assert name.parentNode is not None
        name.parentNode.removeChild(name)
    elif own >= place:
        name.setAttribute("localSheetId", str(own + by))


def _renumber_window(view: Element, place: int, by: int) -> None:
    for attribute in ("activeTab", "firstSheet"):
        shown = int(view.getAttribute(attribute) or 0)
        if shown >= place:
            shown = max(shown + by, 0)
        view.setAttribute(attribute, str(shown))
