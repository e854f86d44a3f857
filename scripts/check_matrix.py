#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Keeps docs/rfc-matrix.md true: its tests and functions exist, and so do the tests that comments in src name.

Usage: check_matrix.py [--root ROOT]

A row of the matrix is | clause | `function`, ... | `TestName`, ... |, or | clause | - | no: reason |; every MUST and SHOULD of
RFC 9293's appendix B is there. A function is in src outside of comments and strings. Also looked at: "Pinned by TestName" in
src/, and that tests/script/meson.build lists every file of its directory, sorted.

Its own test is tests/unit/house/check_matrix_test.py.
"""
import argparse
import pathlib
import re
import sys

TEST = re.compile(r'^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST)\(\s*\w+,\s*(\w+)\s*\)', re.M)
PINNED = re.compile(r'[Pp]inned by ([A-Z]\w+)')
APPENDIX = '## RFC 9293, appendix B'
# How many requirements of each kind the appendix has.
NUMBERED = {'MUST': 69, 'SHLD': 31}
# Raw strings first: what looks like a comment or a quote in one is none. Then comments, strings, and characters such as '"'
# (not the ' between digits).
NOT_CODE = re.compile(r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.[^\']*|[^\'\\\n])\'', re.S)
TICKS = re.compile(r'`([^`]+)`')


def read_all(root, folder, suffixes):
    for path in sorted((root / folder).rglob('*')):
        if path.suffix in suffixes and path.is_file():
            yield path, path.read_text(encoding='utf-8')


def rows(text):
    """Line number and the three cells of each row, the head and its rule left out."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith('|') or set(line) <= set('|-: '):
            continue
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
        if cells and cells[0].lower() not in ('clause', 'requirement'):
            yield number, cells


def check_matrix(matrix, words, tests):
    findings = []
    for number, cells in rows(matrix):
        if len(cells) != 3:
            findings.append(f'docs/rfc-matrix.md:{number}: a row has three cells: clause, functions, tests')
            continue
        if cells[2].startswith('no: '):
            continue
        functions, names = TICKS.findall(cells[1]), TICKS.findall(cells[2])
        if not functions or not names:
            findings.append(f'docs/rfc-matrix.md:{number}: a row names a function and a test')
        for function in functions:
            if function.rsplit('::', 1)[-1] not in words:
                findings.append(f'docs/rfc-matrix.md:{number}: no function {function} in src')
        for name in names:
            if name not in tests:
                findings.append(f'docs/rfc-matrix.md:{number}: no test {name} in tests')
    return findings + check_appendix(matrix)


def check_appendix(matrix):
    if APPENDIX not in matrix:
        return []
    clauses = ' '.join(cells[0] for _, cells in rows(matrix))
    return [f'docs/rfc-matrix.md: {kind}-{number} of RFC 9293 is missing' for kind, count in NUMBERED.items()
            for number in range(1, count + 1) if not re.search(rf'\b{kind}-{number}\b', clauses)]


def code_words(text):
    """The identifiers of C++ text, without what comments and strings say."""
    return set(re.findall(r'\w+', NOT_CODE.sub(' ', text)))


def check_script_list(folder):
    listed = re.findall(r"^  '([\w.]+\.cc)',$", (folder / 'meson.build').read_text(encoding='utf-8'), re.M)
    there = sorted(path.name for path in folder.glob('*.cc'))
    if listed == there:
        return []
    differing = sorted(set(listed) ^ set(there))
    return [f'tests/script/meson.build: not the sorted list of the files there ({", ".join(differing) or "order"})']


def check(root):
    sources = list(read_all(root, 'src', ('.cc', '.h')))
    tests = {name for _, text in read_all(root, 'tests', ('.cc',)) for name in TEST.findall(text)}
    words = {word for _, text in sources for word in code_words(text)}
    findings = check_matrix((root / 'docs/rfc-matrix.md').read_text(encoding='utf-8'), words, tests)
    for path, text in sources:
        for name in PINNED.findall(text):
            if name not in tests:
                findings.append(f'{path.relative_to(root)}: pinned by {name}, which is no test')
    return findings + check_script_list(root / 'tests/script')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--root', type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    findings = check(parser.parse_args().root)
    for finding in findings:
        print(finding)
    print(f'check_matrix: {len(findings)} findings')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
