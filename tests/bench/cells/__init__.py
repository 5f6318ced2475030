"""The cells of the table, in its order."""

from tests.bench.cells import fanout, history, lone_post, posting, searching, size, sockets

CELLS = {
    cell.name: cell
    for module in (fanout, posting, lone_post, sockets, history, searching, size)
    for cell in module.CELLS
}
