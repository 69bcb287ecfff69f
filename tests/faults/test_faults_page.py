"""The page about faults says what the rows say."""

from tests.faults.harness.matrix import chosen, matrix
from tests.faults.harness.page import PAGE, page


def test_the_page_has_the_table_of_the_rows():
    assert PAGE.read_text() == page(), "run: make generate"


def test_every_row_of_the_matrix_is_there():
    assert list(matrix()) == list(range(1, 31))
    assert chosen("1-3,9") == [1, 2, 3, 9]
