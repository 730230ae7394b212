from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.web.layout import NODE_GAP, layout


@st.composite
def dags(draw):
    size = draw(st.integers(1, 14))
    nodes = {f"n{number}": draw(st.floats(50, 250)) for number in range(size)}
    edges = {}
    for target in range(1, size):
        for source in draw(st.sets(st.integers(0, target - 1), max_size=3)):
            edges[f"n{source}", f"n{target}"] = draw(st.sampled_from([0.0, 120.0]))
    return nodes, edges


@given(dags())
def test_nothing_overlaps_and_edges_go_right(drawn):
    nodes, edges = drawn
    placed = layout(nodes, edges)
    boxes = list(placed.boxes.items())
    assert {name for name, _ in boxes} == set(nodes)
    for index, (_, one) in enumerate(boxes):
        assert one.x >= -0.01
        assert one.y >= -0.01
        assert one.x + one.width <= placed.width + 0.01
        assert one.y + one.height <= placed.height + 0.01
        for _, other in boxes[index + 1 :]:
            apart = abs(one.y - other.y) >= one.height + NODE_GAP - 0.01
            assert apart or one.x + one.width <= other.x or other.x + other.width <= one.x
    for (source, target), points in placed.routes.items():
        left, right = placed.boxes[source], placed.boxes[target]
        assert points[0] == (left.x + left.width, left.y + left.height / 2)
        assert points[-1] == (right.x, right.y + right.height / 2)
        assert all(before[0] <= after[0] for before, after in pairwise(points))
    assert set(placed.routes) == set(edges)


@given(dags())
def test_the_same_graph_is_always_drawn_the_same(drawn):
    assert layout(*drawn) == layout(*drawn)


def test_crossings_that_can_be_avoided_are():
    """a and b lead to each other's side: the second layer turns around."""
    nodes = dict.fromkeys(("a", "b", "c", "d"), 100.0)
    placed = layout(nodes, {("a", "d"): 0.0, ("b", "c"): 0.0})
    assert (placed.boxes["a"].y < placed.boxes["b"].y) == (placed.boxes["d"].y < placed.boxes["c"].y)


def test_a_long_edge_goes_around_what_stands_between():
    nodes = dict.fromkeys(("a", "b", "c"), 100.0)
    placed = layout(nodes, {("a", "b"): 0.0, ("b", "c"): 0.0, ("a", "c"): 0.0})
    middle = placed.boxes["b"]
    for x, y in placed.routes["a", "c"][1:-1]:
        assert middle.x <= x <= middle.x + middle.width
        assert not middle.y < y < middle.y + middle.height


def test_nothing_to_draw():
    assert layout({}, {}).width == 0
