#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Installs a build into a directory of its own, then compiles, links and runs embed.cc with nothing but what is there."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Public names are directly in the namespace, as are functions and classes of include/sluice/.
INTERNAL = re.compile(r'\bsluice::[a-z]\w*::|\bsluice::(Reservation|BufSource|BufPool)\b|\bsluice::check_failed\b')


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f'{" ".join(map(str, command))}: status {done.returncode}\n{done.stdout}')
    return done.stdout.strip()


def only(folder, pattern):
    found = list(folder.rglob(pattern))
    if len(found) != 1:
        sys.exit(f'{pattern}: {len(found)} installed, not one')
    return found[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', required=True)
    parser.add_argument('--source', required=True, type=pathlib.Path)
    parser.add_argument('--prefix', required=True)
    parser.add_argument('--sanitize', default='none')
    parser.add_argument('compiler', nargs='+')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='sluice-install-') as made:
        check(options, pathlib.Path(made))
    print('installed, linked and run')


def check(options, stage):
    run('meson', 'install', '-C', options.build, '--no-rebuild', '--quiet', env={**os.environ, 'DESTDIR': str(stage)})
    prefix = stage / options.prefix.lstrip('/')
    headers = {path.name for path in (prefix / 'include/sluice').iterdir()}
    wanted = {path.name for path in (options.source / 'include/sluice').iterdir()}
    if headers != wanted:
        sys.exit(f'headers installed: {sorted(headers)}; in include/sluice: {sorted(wanted)}')

    where = {**os.environ, 'PKG_CONFIG_PATH': str(only(stage, 'sluice.pc').parent)}
    package = ['pkg-config', f'--define-variable=prefix={prefix}']
    version = run(*package, '--modversion', 'sluice', env=where)
    flags = run(*package, '--cflags', '--libs', 'sluice', env=where).split()
    library = only(stage, 'libsluice.so.0')
    sanitizers = [] if options.sanitize == 'none' else [f'-fsanitize={options.sanitize}']
    program = stage / 'embed'
    run(*options.compiler, '-std=c++20', '-Wall', '-Wextra', '-Werror', *sanitizers, f'-DPACKAGE_VERSION="{version}"',
        options.source / 'tests/install/embed.cc', '-o', program, *flags)
    alone = {**os.environ, 'LD_LIBRARY_PATH': str(library.parent), 'ASAN_OPTIONS': 'detect_leaks=0'}
    said = run(program, env=alone)
    if 'no/file/name' not in said:
        sys.exit(f'the engine refused for another reason: {said}')
    if run(prefix / 'bin/sluice', '--version') != f'sluice {version}':
        sys.exit('sluice --version is not the package\'s')

    exported = run('nm', '-DC', '--defined-only', library).splitlines()
    leaked = [line for line in exported if INTERNAL.search(line.split(' ', 2)[2])]
    missing = [line for line in run('nm', '-DC', '--undefined-only', library).splitlines() if ' sluice::' in line]
    if leaked or missing:
        sys.exit('\n'.join(['libsluice.map lets internal names out, or the library lacks its own:', *leaked, *missing]))


if __name__ == '__main__':
    main()
