"""Connected places in a mask as boxes, near ones merged."""

from PIL import Image

from certsvc.verify.looking_shapes import MOST_DIFFERENCES, Box

CELL = 6
"""Pixels on a side: what lies closer than two cells is one place."""

MOST_CELLS = 40_000
NEAR = 2


def regions(mask: Image.Image) -> list[Box]:
    """The white places of a black mask, in reading order; when there are very many, one box around all of them."""
    columns, rows = max(1, -(-mask.width // CELL)), max(1, -(-mask.height // CELL))
    small = mask.resize((columns, rows), Image.Resampling.BOX).tobytes()
    marked = {(at % columns, at // columns) for at, value in enumerate(small[:MOST_CELLS]) if value > 8}
    boxes = []
    while marked:
        boxes.append(_take(marked))
    merged = _merged(boxes)
    if len(merged) > MOST_DIFFERENCES:
        merged = [_hull(merged)]
    return [_pixels(box, mask.size) for box in sorted(merged, key=lambda box: (box.top, box.left))]


def _take(marked: set[tuple[int, int]]) -> Box:
    """One place, taken out of the cells that are marked."""
    first = marked.pop()
    place, edge = [first], [first]
    while edge:
        x, y = edge.pop()
        for dx in range(-NEAR, NEAR + 1):
            for dy in range(-NEAR, NEAR + 1):
                cell = (x + dx, y + dy)
                if cell in marked:
                    marked.discard(cell)
                    place.append(cell)
                    edge.append(cell)
    xs, ys = [x for x, _ in place], [y for _, y in place]
    return Box(min(xs), min(ys), max(xs) + 1, max(ys) + 1)


def _merged(boxes: list[Box]) -> list[Box]:
    """Boxes that lie within each other are one."""
    done: list[Box] = []
    for box in boxes:
        while (other := next((each for each in done if each.meets(box)), None)) is not None:
            done.remove(other)
            box = _hull([box, other])
        done.append(box)
    return done


def _hull(boxes: list[Box]) -> Box:
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def _pixels(box: Box, size: tuple[int, int]) -> Box:
    return Box(
        max(0, box.left * CELL - CELL),
        max(0, box.top * CELL - CELL),
        min(size[0], box.right * CELL + CELL),
        min(size[1], box.bottom * CELL + CELL),
    )
