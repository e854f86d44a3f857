#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""goodput_plot.py IN.json OUT.svg: what goodput.py measured, as a picture: for each congestion control a row of pairs of bars,
Linux's and sluice's medians, a line from the least to the most, the ratio above. The scale is logarithmic."""
import json
import math
import sys

COLOURS = {'linux': '#9aa5b1', 'sluice': '#1f77b4'}
LEFT, TOP, PANEL, GAP, BAR, PAIR = 60, 46, 220, 74, 13, 40


def label(text, x, y, size=11, anchor='middle', weight='normal'):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">{text}</text>'


def line(x1, y1, x2, y2, colour='#333', width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def panel(cells, title, top, low, high):
    """One congestion control's pairs of bars."""
    def at(mbit):
        share = (math.log10(max(mbit, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return top + PANEL * (1 - share)
    width = LEFT + PAIR * len(cells)
    out = [label(title, LEFT, top - 18, 14, 'start', 'bold')]
    mark = low
    while mark <= high * 1.0001:
        out += [line(LEFT, at(mark), width, at(mark), '#ddd'), label(f'{mark:g}', LEFT - 6, at(mark) + 4, 10, 'end')]
        mark *= 10
    for i, cell in enumerate(cells):
        for j, name in enumerate(COLOURS):
            rates = [each['mbit'] for each in cell[name]]
            x, y = LEFT + PAIR * i + 6 + (BAR + 1) * j, at(cell['median'][name])
            out.append(f'<rect x="{x}" y="{y:.1f}" width="{BAR}" height="{top + PANEL - y:.1f}" fill="{COLOURS[name]}"/>')
            out.append(line(x + BAR / 2, at(min(rates)), x + BAR / 2, at(max(rates))))
        middle = LEFT + PAIR * i + 6 + BAR
        highest = min(at(max(each['mbit'] for each in cell[name])) for name in COLOURS)
        out.append(label(f'{cell["ratio"]:.2f}', middle, highest - 4, 10, weight='bold' if cell['ratio'] < 0.95 else 'normal'))
        texts = (f'{cell["loss"]:g} %', f'{cell["rtt_ms"]:g} ms', 'reord.' if cell['reorder'] else '')
        out += [label(text, middle, top + PANEL + 13 + 12 * k, 10) for k, text in enumerate(texts)]
    out.append(line(LEFT, top + PANEL, width, top + PANEL))
    return out


def write(result, path):
    groups = {}
    for cell in sorted(result['cells'], key=lambda c: (c['reorder'], c['rtt_ms'], c['loss'])):
        groups.setdefault(cell['cc'], []).append(cell)
    rates = [each['mbit'] for cell in result['cells'] for name in COLOURS for each in cell[name] if each['mbit'] > 0] or [1]
    low, high = 10 ** math.floor(math.log10(min(rates))), 10 ** math.ceil(math.log10(max(rates) * 1.01))
    width = LEFT + PAIR * max(len(cells) for cells in groups.values()) + 20
    height = TOP + len(groups) * (PANEL + GAP) + 20
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(width, 560)}" height="{height}" font-family="sans-serif" fill="#222">',
           '<rect width="100%" height="100%" fill="white"/>']
    for j, name in enumerate(COLOURS):
        out.append(f'<rect x="{LEFT + 90 + 80 * j}" y="{TOP - 28}" width="11" height="11" fill="{COLOURS[name]}"/>')
        out.append(label('Linux' if name == 'linux' else name, LEFT + 106 + 80 * j, TOP - 18, 12, 'start'))
    out.append(label(f'goodput, Mbit/s, {result["rate_mbit"]:g} Mbit/s bottleneck, median of {result["rounds"]}; above: sluice / Linux', LEFT + 270, TOP - 18, 11, 'start'))
    for i, (control, cells) in enumerate(sorted(groups.items())):
        out += panel(cells, control, TOP + 14 + i * (PANEL + GAP), low, high)
    with open(path, 'w', encoding='utf-8') as file:
        file.write('\n'.join(out + ['</svg>', '']))


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding='utf-8') as source:
        write(json.load(source), sys.argv[2])
