#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the walls of the house: who may include whom, and the rules of style that a machine can see.

Usage: check_layers.py [ROOT]      prints "path:line: what is wrong; what would be right" and exits 1 if there is any.

docs/ARCHITECTURE.md draws the modules. Its own test is tests/unit/house/check_layers_test.py, which builds bad trees.
"""
import pathlib
import re
import sys

# Which modules of src/ a module may include, besides itself. None: only the public API.
MAY_INCLUDE = {
    'base': set(),
    'wire': {'base'},
    'tcp': {'base', 'wire'},
    'stack': {'base', 'wire', 'tcp'},
    'port': {'base'},
    'port/dpdk': {'base', 'port'},
    'engine': {'base', 'wire', 'tcp', 'stack', 'port'},
    'app': set(),
    'proxy': set(),
    'load': set(),
    'lib': {'base', 'wire', 'tcp', 'stack', 'port', 'port/dpdk', 'engine'},
    'cli': {'base', 'wire', 'tcp', 'stack', 'port', 'port/dpdk', 'engine', 'app', 'proxy', 'load', 'lib'},
}
# The public headers that stand above a module: below the engine only plain values are known.
NOT_A_VALUE = {
    'base': {'engine', 'listener'},
    'wire': {'engine', 'listener'},
    'tcp': {'engine', 'listener'},
    'port': {'engine', 'listener'},
    'port/dpdk': {'engine', 'listener'},
    'stack': {'engine'},
}
PUBLIC_HEADERS_MAX = 8
LINES_MAX = 600

CODE = {'.h', '.hpp', '.cc', '.cpp', '.c', '.def'}
SCRIPTS = {'.py', '.sh'}
LICENCE = 'SPDX-License-Identifier: BSD-3-Clause'
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
DPDK_HEADER = re.compile(r'(^|/)(rte|cmdline|eal)_\w*\.h$|(^|/)rte_')
# Letters in brackets keep this file from finding itself.
OPEN_WORK = re.compile(r'\b(T[O]DO|F[I]XME|X[X]X)\b|GTEST_S[K]IP|\bD[I]SABLED_')
ELSEWHERE = re.compile(
    r'(?<![\w.~-])/w[o]rk/|\bcl[a]ude\b|\banthrop[i]c\b|\bchatg[p]t\b|\bopena[i]\b|\bcopi[l]ot\b|\bL[L]M\b|\bA[I][ -](tool|assist|gener|session|agent)'
    r'|\blanguage m[o]del\b|generated with a[i]', re.IGNORECASE)
# The protocol core gets `now`, and its random numbers, from its caller (docs/ARCHITECTURE.md, "No I/O in the core").
CORE = {'wire', 'tcp', 'stack'}
CLOCK_OR_CHANCE = re.compile(
    r'_clock::now\b|std::chrono|clock_gettime|gettimeofday|__rdtsc|\brdtsc|std::time\b|\btime\(\s*(NULL|nullptr|0)\s*\)'
    r'|random_device|std::mt19937|\bs?rand(om)?\(|getrandom|getentropy')
NOT_ON_THE_PACKET_PATH = re.compile(
    r'\bthrow\b|\btry\b\s*\{|std::(mutex|lock_guard|unique_lock|scoped_lock|condition_variable|shared_ptr|make_shared|cout|cerr)\b|\bf?printf\(')
# What the core may take from the system besides the C++ standard library.
CORE_SYSTEM_HEADERS = {'immintrin.h', 'x86intrin.h', 'nmmintrin.h', 'emmintrin.h', 'endian.h'}
BASE_SYSTEM_HEADERS = CORE_SYSTEM_HEADERS | {'sys/mman.h', 'unistd.h', 'errno.h', 'sys/random.h', 'arpa/inet.h', 'netinet/in.h',
                                             'sanitizer/asan_interface.h', 'pthread.h', 'sched.h'}
# Meson puts a target's own directory first in the search path, so these names there would hide the system's from the system.
SYSTEM_NAMES = {'assert.h', 'complex.h', 'ctype.h', 'endian.h', 'errno.h', 'features.h', 'fenv.h', 'float.h', 'inttypes.h', 'limits.h', 'locale.h',
                'malloc.h', 'math.h', 'poll.h', 'pthread.h', 'sched.h', 'semaphore.h', 'setjmp.h', 'signal.h', 'stdarg.h', 'stddef.h', 'stdint.h',
                'stdio.h', 'stdlib.h', 'string.h', 'syslog.h', 'time.h', 'unistd.h', 'wchar.h'}


class Finding:
    def __init__(self, path, line, message):
        self.path, self.line, self.message = path, line, message

    def __str__(self):
        return f'{self.path}:{self.line}: {self.message}'


class SourceFile:
    """A text file of the tree, read once."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.suffix = path.suffix
        try:
            self.lines = path.read_text(encoding='utf-8').splitlines()
        except UnicodeDecodeError:
            self.lines = None

    @property
    def is_code(self):
        return self.suffix in CODE

    @property
    def is_script(self):
        return self.suffix in SCRIPTS or bool(self.lines and self.lines[0].startswith('#!'))

    @property
    def is_meson(self):
        return pathlib.PurePosixPath(self.path).name in ('meson.build', 'meson_options.txt')

    def module(self):
        """'tcp' for src/tcp/x.cc, 'port/dpdk' for src/port/dpdk/x.cc, None outside src/."""
        parts = self.path.split('/')
        if parts[0] != 'src' or len(parts) < 3:
            return None
        return module_of('/'.join(parts[1:]))

    def includes(self):
        """(line number, is it <...>, name) of each #include."""
        for number, line in enumerate(self.lines, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1) == '<', match.group(2)

    def code_lines(self):
        """The lines without comments and string literals, numbered."""
        in_comment = False
        for number, line in enumerate(self.lines, 1):
            line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
            if in_comment:
                if '*/' not in line:
                    continue
                line = line.split('*/', 1)[1]
                in_comment = False
            line = re.sub(r'/\*.*?\*/', '', line).split('//', 1)[0]
            if '/*' in line:
                line, in_comment = line.split('/*', 1)[0], True
            yield number, line


def module_of(include_path):
    return 'port/dpdk' if include_path.startswith('port/dpdk/') else include_path.split('/', 1)[0]


def read_tree(root):
    """Every text file but version control's and the build directories'."""
    files = []
    for path in sorted(root.rglob('*')):
        parts = path.relative_to(root).parts
        if parts[0] == '.git' or parts[0].startswith('build') or '__pycache__' in parts or not path.is_file():
            continue
        if path.stat().st_size > 2_000_000:
            continue
        file = SourceFile(root, path)
        if file.lines is not None:
            files.append(file)
    return files


def may_know_dpdk(path):
    parts = path.split('/')
    if path.startswith('src/port/dpdk/') or path.startswith('bench/compare/'):
        return True
    return parts[0] in ('tests', 'bench') and any('dpdk' in part for part in parts[1:])


def check_includes(file):
    module = file.module()
    if module is not None and module not in MAY_INCLUDE:
        yield Finding(file.path, 1, f'src/{module} is not a module of docs/ARCHITECTURE.md; add it to MAY_INCLUDE in scripts/check_layers.py '
                                    'with what it may include')
        return
    for number, system, name in file.includes():
        if DPDK_HEADER.search(name) and not may_know_dpdk(file.path):
            yield Finding(file.path, number, f'<{name}> is DPDK; only src/port/dpdk knows DPDK. Say what you need in src/port/port.h')
        elif module is None:
            if file.path.startswith('include/'):
                yield from check_public_include(file, number, system, name)
        elif system:
            yield from check_system_include(file, module, number, name)
        else:
            yield from check_quoted_include(file, module, number, name)


def check_public_include(file, number, system, name):
    if not system and not name.startswith('sluice/'):
        yield Finding(file.path, number, f'a public header includes "{name}"; users of the library have only the standard library and sluice/')
    if system and ('.' in name or '/' in name):
        yield Finding(file.path, number, f'a public header includes <{name}>, which is not of the C++ standard library')


def check_system_include(file, module, number, name):
    if name.startswith('sluice/'):
        yield Finding(file.path, number, f'write "{name}": quotes are ours, angle brackets are the system\'s')
    allowed = BASE_SYSTEM_HEADERS if module == 'base' else CORE_SYSTEM_HEADERS
    if module in CORE | {'base'} and ('.' in name or '/' in name) and name not in allowed:
        yield Finding(file.path, number, f'src/{module} includes <{name}>; up to src/stack there is only the C++ standard library')
    if module in CORE and name in ('chrono', 'random', 'ctime', 'thread', 'mutex', 'iostream', 'fstream', 'shared_mutex', 'condition_variable'):
        yield Finding(file.path, number, f'src/{module} includes <{name}>; the core does no I/O, reads no clock and takes no lock: pass the value in')


def check_quoted_include(file, module, number, name):
    target = module_of(name)
    if target == 'sluice':
        header = name.split('/', 1)[1].removesuffix('.h')
        if header in NOT_A_VALUE.get(module, ()):
            yield Finding(file.path, number, f'src/{module} includes "{name}", which stands above it; below the engine only value headers are known')
    elif '/' not in name or name.startswith('.'):
        yield Finding(file.path, number, f'"{name}": name the module too, "{module}/{pathlib.PurePosixPath(name).name}"')
    elif target not in MAY_INCLUDE:
        yield Finding(file.path, number, f'"{name}" is of no module of src/; a library\'s header is written <{name}>')
    elif target != module and target not in MAY_INCLUDE[module]:
        known = ', '.join(sorted(MAY_INCLUDE[module])) or 'the public API (sluice/) only'
        yield Finding(file.path, number, f'src/{module} includes "{name}"; it may include: {known}')


def check_core(file):
    if file.module() not in CORE:
        return
    for number, line in file.code_lines():
        match = CLOCK_OR_CHANCE.search(line)
        if match:
            yield Finding(file.path, number, f'"{match.group().strip()}" reads a clock or rolls dice in the core; take `now` or the Rng as an argument')
        match = NOT_ON_THE_PACKET_PATH.search(line)
        if match:
            yield Finding(file.path, number, f'"{match.group().strip()}" on the packet path: no exceptions, locks, shared ownership or output here')


def check_text(file):
    limit = file.is_code or file.is_script or file.is_meson
    if limit and len(file.lines) > LINES_MAX:
        yield Finding(file.path, LINES_MAX + 1, f'{len(file.lines)} lines; {LINES_MAX} is the most, 400 the aim: one idea a file')
    if limit or (file.path.startswith('config/') and file.suffix == '.toml'):
        head = file.lines[:2] if file.lines and file.lines[0].startswith('#!') else file.lines[:1]
        if not any(LICENCE in line for line in head):
            yield Finding(file.path, 1, f'the first line (after #!) must be the licence: {LICENCE}')
    for number, line in enumerate(file.lines, 1):
        match = OPEN_WORK.search(line)
        if limit and match:
            yield Finding(file.path, number, f'{match.group()}: finish it, or write an issue; nothing open and no skipped test lives in the tree')
        match = ELSEWHERE.search(line)
        if match:
            yield Finding(file.path, number, f'"{match.group()}": names one machine or tool, and means nothing to a reader of the project')
    if pathlib.PurePosixPath(file.path).name in SYSTEM_NAMES and not file.path.startswith('include/'):
        yield Finding(file.path, 1, 'is called like a header of the system and would be found in its place; call it otherwise')
    precompiled = '/pch/' in file.path  # the main file of its own compilation, where GCC refuses the pragma
    if file.suffix in ('.h', '.hpp') and not precompiled and '#pragma once' not in file.lines:
        yield Finding(file.path, 1, 'a header begins with #pragma once')
    if file.is_code:
        for number, line in enumerate(file.lines, 1):
            if '\t' in line:
                yield Finding(file.path, number, 'a tab; two spaces indent')
            elif line != line.rstrip():
                yield Finding(file.path, number, 'white space at the end of the line')
            elif len(line) > 140:
                yield Finding(file.path, number, f'{len(line)} columns; 120 is the aim, 140 the most')


def check_tree_shape(files):
    public = [file.path for file in files if file.path.startswith('include/') and file.is_code]
    if len(public) > PUBLIC_HEADERS_MAX:
        yield Finding(public[-1], 1, f'{len(public)} public headers; at most {PUBLIC_HEADERS_MAX}. Is this one value of an existing header?')
    have = {file.path for file in files}
    for module in sorted({file.module() for file in files if file.is_code} - {None}):
        if f'src/{module}/meson.build' not in have:
            yield Finding(f'src/{module}', 1, 'no meson.build; each module is a library of its own, so that meson holds the walls too')
    for file in files:
        if file.is_meson and file.path not in ('meson.build',) and not may_know_dpdk(file.path):
            for number, line in enumerate(file.lines, 1):
                if re.search(r"dependency\(\s*'libdpdk'", line):
                    yield Finding(file.path, number, 'names libdpdk; only src/port/dpdk does, so that nothing else can include its headers')


def check(root):
    files = read_tree(root)
    findings = []
    for file in files:
        if file.is_code:
            findings += check_includes(file)
            findings += check_core(file)
        findings += check_text(file)
    findings += check_tree_shape(files)
    return len(files), findings


def main(argv):
    root = pathlib.Path(argv[1] if len(argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    count, findings = check(root)
    for finding in findings:
        print(finding)
    print(f'check_layers: {count} files, {len(findings)} findings')
    return 1 if findings or not count else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
