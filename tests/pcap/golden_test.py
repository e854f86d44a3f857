#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Replays one scenario, twice: golden_test.py SLUICE SCENARIO [--update].

The answers must be those of golden/SCENARIO.txt, a readable line a frame, and of golden/SCENARIO.pcap, to the byte; the
second replay's must be the first's; tshark must find nothing malformed and no bad checksum. --update writes both files:
read what changed in the .txt before committing it.
"""
import difflib
import pathlib
import shutil
import sys
import tempfile

import captures
from scenarios import SCENARIOS

GOLDEN = captures.HERE / 'golden'


def differences(name, expected, got):
    return '\n'.join(difflib.unified_diff(expected, got, f'golden/{name}', 'this replay', lineterm=''))


def main():
    sluice, name = sys.argv[1:3]
    build, arguments = SCENARIOS[name]
    failures = []
    with tempfile.TemporaryDirectory(prefix='sluice-pcap-') as place:
        directory = pathlib.Path(place)
        capture, _ = captures.settle(sluice, build, directory, arguments)
        source, target, again = (directory / file for file in ('in.pcap', 'out.pcap', 'again.pcap'))
        captures.replay(sluice, source, again, *arguments)
        if target.read_bytes() != again.read_bytes():
            failures.append('two replays of one capture differ:\n' + differences(
                name, captures.answers(capture, target), captures.answers(capture, again)))
        complaints = captures.tshark_complaints(target)
        if complaints:
            failures.append('tshark complains:\n' + complaints)
        lines = captures.answers(capture, target)
        text, golden = GOLDEN / f'{name}.txt', GOLDEN / f'{name}.pcap'
        if sys.argv[3:] == ['--update']:
            text.write_text('\n'.join(lines) + '\n', encoding='utf-8')
            shutil.copyfile(target, golden)
        expected = text.read_text(encoding='utf-8').splitlines()
        if lines != expected:
            failures.append('the answers changed:\n' + differences(text.name, expected, lines))
        elif target.read_bytes() != golden.read_bytes():
            failures.append('bytes changed:\n' + differences(
                golden.name, captures.tshark_text(golden).splitlines(), captures.tshark_text(target).splitlines()))
    print('\n'.join(failures) if failures else f'{name}: {len(lines)} frames as before')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
