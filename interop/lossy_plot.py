"""A plot of horizontal bars in SVG: a group for each condition, a bar for each
pair, and a line at the least that is wanted."""
from xml.sax.saxutils import escape

LEFT, WIDTH, RIGHT = 330, 420, 60
TOP, BAR, GAP, BOTTOM = 50, 12, 14, 34
COLOURS = ["#1f6fb2", "#b8b8b8"]
TEXT = 'font-family="sans-serif" font-size="12"'


def text(x, y, words, anchor="start"):
    return '<text x="%g" y="%g" %s text-anchor="%s">%s</text>' % (
        x, y, TEXT, anchor, escape(words))


def line(x1, y1, x2, y2, colour, dashes=""):
    return '<line x1="%g" y1="%g" x2="%g" y2="%g" stroke="%s"%s/>' % (
        x1, y1, x2, y2, colour,
        ' stroke-dasharray="%s"' % dashes if dashes else "")


def rectangle(x, y, w, h, colour):
    return '<rect x="%g" y="%g" width="%g" height="%g" fill="%s"/>' % (
        x, y, w, h, colour)


def scale(bottom, least):
    """The axis from 0 to 1, and the line at the least."""
    parts = []
    for i in range(0, 11, 2):
        x = LEFT + WIDTH * i / 10
        parts += [line(x, TOP - 6, x, bottom, "#e0e0e0"),
                  text(x, bottom + 18, "%.1f" % (i / 10), "middle")]
    x = LEFT + WIDTH * least
    return parts + [line(x, TOP - 6, x, bottom, "#c03030", "4 3"),
                    text(x, bottom + 18, "%.1f" % least, "middle")]


def bars(groups, names, least):
    """groups: (label, [value 0 to 1 for each name])."""
    step = BAR * len(names) + GAP
    bottom = TOP + step * len(groups)
    width, height = LEFT + WIDTH + RIGHT, bottom + BOTTOM
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
             'viewBox="0 0 %d %d">' % (width, height, width, height),
             rectangle(0, 0, width, height, "white")]
    for i, name in enumerate(names):
        x = LEFT + 170 * i
        parts += [rectangle(x, 14, 12, 12, COLOURS[i]),
                  text(x + 18, 24, name)]
    parts += scale(bottom, least)
    for g, (label, values) in enumerate(groups):
        y = TOP + g * step
        parts.append(text(LEFT - 8, y + BAR * len(names) / 2 + 4, label,
                          "end"))
        for i, value in enumerate(values):
            at = y + i * BAR
            parts += [rectangle(LEFT, at, WIDTH * max(0, value), BAR - 1,
                                COLOURS[i]),
                      text(LEFT + WIDTH * max(0, value) + 4, at + BAR - 2,
                           "%.2f" % value)]
    return "\n".join(parts + ["</svg>"]) + "\n"
