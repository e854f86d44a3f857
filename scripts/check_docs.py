#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Keeps the documents true: links lead somewhere, files they name exist, commands they show run.

Usage: check_docs.py [--root ROOT]                   links, anchors and `path/in/the/tree` names of every .md file
       check_docs.py [--root ROOT] --run BUILDDIR    runs the marked commands, with build/ meaning BUILDDIR

A command is marked by a comment on the line (or two) above its fenced block; it must then exit 0, or as the mark says:

    <!-- test -->  or  <!-- test: exit 2 -->
    ```sh
    build/sluice serve -c config/echo.toml --check
    ```

Its own test is tests/unit/house/check_docs_test.py.
"""
import argparse
import pathlib
import re
import subprocess
import sys

MARK = re.compile(r'^<!--\s*test(?::\s*exit\s+(\d+))?\s*-->$')
FENCE = re.compile(r'^(```+|~~~+)\s*(\S*)')
LINK = re.compile(r'(?<!!)\[[^\]]*\]\(([^()\s]+)\)')
PATH_NAME = re.compile(r'`((?:src|scripts|docs|config|tests|bench|include|\.ci)/[\w./-]*\w)`')
# These speak of what was, or of what might have been.
HISTORY = ('CHANGELOG.md', 'docs/adr/')
SECONDS_A_COMMAND = 120


class Finding:
    def __init__(self, path, line, message):
        self.path, self.line, self.message = path, line, message

    def __str__(self):
        return f'{self.path}:{self.line}: {self.message}'


class Block:
    """A marked fenced block: where it is, what it says, how it must end."""

    def __init__(self, path, line, status):
        self.path, self.line, self.status, self.lines = path, line, status, []


class Document:
    """One Markdown file taken apart: prose lines with their numbers, marked blocks, heading anchors."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.prose, self.blocks, self.anchors, self.findings = [], [], set(), []
        mark = fence = None
        block = None
        for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
            text = line.strip()
            if fence:
                if text.startswith(fence) and not text.strip('`~'):
                    fence = block = None
                elif block:
                    block.lines.append(line)
                continue
            opening = FENCE.match(text)
            if opening:
                fence = opening.group(1)
                if mark:
                    block = Block(self.path, number, mark[1])
                    if opening.group(2) not in ('sh', 'bash'):
                        self.findings.append(Finding(self.path, number, f'a block marked to be run is "{opening.group(2)}", not sh'))
                    self.blocks.append(block)
                    mark = None
                continue
            found = MARK.match(text)
            if found:
                mark = (number, int(found.group(1) or 0))
                continue
            if mark and text:
                self.findings.append(Finding(self.path, mark[0], 'marks no fenced block; put it right above one'))
                mark = None
            self.prose.append((number, line))
            if text.startswith('#'):
                self.anchors.add(anchor_of(text.lstrip('#').strip()))
        if mark:
            self.findings.append(Finding(self.path, mark[0], 'marks no fenced block; put it right above one'))
        if fence:
            self.findings.append(Finding(self.path, number, 'a fenced block is not closed'))


def anchor_of(heading):
    """The anchor that forges give a heading."""
    heading = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).replace('`', '')
    return re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')


def read_documents(root):
    documents = {}
    for path in sorted(root.rglob('*.md')):
        parts = path.relative_to(root).parts
        if not any(part.startswith('.') for part in parts) and not parts[0].startswith('build'):
            document = Document(root, path)
            documents[document.path] = document
    return documents


def check_links(root, documents):
    for document in documents.values():
        yield from document.findings
        for number, line in document.prose:
            for target in LINK.findall(re.sub(r'`[^`]*`', '', line)):
                if not re.match(r'[a-z][a-z+.-]*:', target):
                    yield from check_link(root, documents, document, number, target)
            if not document.path.startswith(HISTORY):
                for name in PATH_NAME.findall(line):
                    if not (root / name).exists():
                        yield Finding(document.path, number, f'names `{name}`, which is not in the tree')


def check_link(root, documents, document, number, target):
    name, _, anchor = target.partition('#')
    where = ((root / document.path).parent / name).resolve() if name else root / document.path
    if not where.is_relative_to(root) or not where.exists():
        yield Finding(document.path, number, f'links to {target}: there is no such file')
    elif anchor:
        other = documents.get(where.relative_to(root).as_posix())
        if other is None or anchor not in other.anchors:
            yield Finding(document.path, number, f'links to {target}: {name or "this file"} has no such heading')


def run_blocks(root, documents, build):
    """Runs every marked block from the root of the tree; yields what did not end as it should."""
    for document in documents.values():
        for block in document.blocks:
            script = re.sub(r'(?<![\w/.-])build/', f'{build}/', '\n'.join(block.lines))
            print(f'{block.path}:{block.line}: {script}', flush=True)
            try:
                done = subprocess.run(['bash', '-euo', 'pipefail', '-c', script], cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors='replace', timeout=SECONDS_A_COMMAND, check=False)
            except subprocess.TimeoutExpired:
                yield Finding(block.path, block.line, f'did not end within {SECONDS_A_COMMAND} s')
                continue
            if done.returncode != block.status:
                yield Finding(block.path, block.line, f'ended with {done.returncode} instead of {block.status}:\n{done.stdout}')


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument('--root', type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument('--run', type=pathlib.Path, metavar='BUILDDIR')
    arguments = parser.parse_args(argv[1:])
    root = arguments.root.resolve()
    documents = read_documents(root)
    if arguments.run:
        findings = list(run_blocks(root, documents, arguments.run.resolve()))
        count = f'{sum(len(document.blocks) for document in documents.values())} commands'
    else:
        findings = list(check_links(root, documents))
        count = f'{len(documents)} documents'
    for finding in findings:
        print(finding)
    print(f'check_docs: {count}, {len(findings)} findings')
    return 1 if findings or not documents else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
