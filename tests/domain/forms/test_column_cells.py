from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.domain.forms.column_cells import ColumnCells
from planit_mailer.spreadsheets.model import Cell

COLUMN = st.lists(st.one_of(st.none(), st.sampled_from([Cell(text) for text in "ABCD"])))


@given(COLUMN)
def test_a_column_is_read_as_if_each_of_its_cells_were_looked_at(cells: list[Cell | None]) -> None:
    looked: list[Cell] = []

    def look(cell: Cell) -> str:
        looked.append(cell)
        return cell.text.lower()

    read = ColumnCells.of(cells).read(look)

    assert read == [cell and cell.text.lower() for cell in cells]
    assert len(looked) == len({cell.text for cell in cells if cell}), "each different cell was looked at once"


@given(COLUMN, st.sampled_from("ABCDE"))
def test_the_places_of_a_cell_are_all_of_those_where_it_stands(cells: list[Cell | None], text: str) -> None:
    column = ColumnCells.of(cells)

    places = column.places(cell for cell in column.different if cell.text == text)

    assert places == [place for place, cell in enumerate(cells) if cell and cell.text == text]
