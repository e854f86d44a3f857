#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""goodput_table.py IN.json: what goodput.py measured as the Markdown table of docs/BENCHMARKING.md, and a summary of its ratios. A cell is
sluice's median / Linux's = their ratio, bold where it is below 0.95."""
import json
import statistics
import sys

NAMES = {'reno': 'NewReno', 'cubic': 'CUBIC', 'bbr': 'BBR', 'dctcp': 'DCTCP'}
WANTED = 0.95


def place(cell):
    return cell['cc'], cell['rtt_ms'], cell['reorder']


def digits(mbit):
    return f'{mbit:.0f}' if mbit >= 100 else f'{mbit:.1f}'


def text(cell):
    shown = f'{digits(cell["median"]["sluice"])} / {digits(cell["median"]["linux"])} = {cell["ratio"]:.2f}'
    return f'**{shown}**' if cell['ratio'] < WANTED else shown


def table(cells):
    controls = [name for name in NAMES if any(cell['cc'] == name for cell in cells)]
    losses = sorted({cell['loss'] for cell in cells})
    yield '| congestion control | round trip | reordered | ' + ' | '.join(f'{loss:g} %' if loss else 'no loss' for loss in losses) + ' |'
    yield '| --- ' * (3 + len(losses)) + '|'
    for where in sorted({place(cell) for cell in cells}, key=lambda key: (controls.index(key[0]), *key[1:])):
        row = {cell['loss']: text(cell) for cell in cells if place(cell) == where}
        cc, rtt_ms, reorder = where
        yield f'| {cc} | {rtt_ms:g} ms | {f"{reorder:g} %" if reorder else "no"} | ' + ' | '.join(row.get(loss, '') for loss in losses) + ' |'


def summary(cells):
    ratios = [cell['ratio'] for cell in cells]
    said = [f'{len(cells)} cells: mean {statistics.mean(ratios):.2f}, median {statistics.median(ratios):.2f}']
    for cc, name in NAMES.items():
        ours = [cell['ratio'] for cell in cells if cell['cc'] == cc]
        if ours:
            said.append(f'{name} {statistics.mean(ours):.2f} (median {statistics.median(ours):.2f})')
    yield '; '.join(said)
    for cell in sorted((cell for cell in cells if cell['ratio'] < WANTED), key=lambda cell: cell['ratio']):
        rounds = ', '.join(f'{ours["mbit"]:.1f}/{theirs["mbit"]:.1f}' for ours, theirs in zip(cell['sluice'], cell['linux']))
        order = f'{cell["reorder"]:g} % reordered' if cell['reorder'] else 'in order'
        yield f'below {WANTED}: {NAMES[cell["cc"]]}, {cell["rtt_ms"]:g} ms, {order}, {cell["loss"]:g} % lost: {cell["ratio"]:.2f} (rounds {rounds})'


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding='utf-8') as source:
        cells = json.load(source)['cells']
    for line in (*table(cells), '', *summary(cells)):
        print(line)


if __name__ == '__main__':
    main()
