#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Builds and runs every suite, phase by phase; scripts/test calls it after scripts/setup. docs/TESTING.md lists the phases.

The last line is "N passed, N failed". GoogleTest cases are counted one by one, every other meson test as one. What did not
run (a suite without tests, a skipped test, a build that broke) is a failure: silence proves nothing.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

import check_matrix

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / 'build'
SANITIZED = ROOT / 'build-asan'
CLANG_COMMANDS = RELEASE / 'clang-tidy'
# -O1 and line numbers only: half the compiling, and the reports say the same.
SANITIZED_OPTIONS = ['-Dbuildtype=plain', '-Doptimization=1', '-Dcpp_args=-g1', '-Dchecks=true', '-Db_lto=false',
                     '-Db_sanitize=address,undefined', '-Db_lundef=false', '-Dbench=false']
# libFuzzer's way to build: that the code is clang's, too, and its targets take their corpora. Not optimized, for the time it takes.
FUZZ = ROOT / 'build-fuzz-plain'
FUZZ_OPTIONS = ['-Dfuzz=true', '-Dbuildtype=plain', '-Doptimization=0', '-Dchecks=true', '-Db_lto=false', '-Dbench=false', '-Db_lundef=false']
FUZZ_TARGET = 'tests/fuzz/fuzz_connection'
RELEASE_SUITES = ['unit', 'script', 'sim', 'pcap', 'e2e', 'bench']
SANITIZED_SUITES = ['unit', 'script', 'sim', 'fuzz', 'robustness']
# Tests of other suites that only root can run. They are left out for others, with --quick alone, which says so.
ROOT_SUITE = 'root'
QUICK_SUITES = ['unit', 'script', 'sim', 'pcap', 'bench']
# The simulation's tests read how many seeds to try; unset means the full number (docs/TESTING.md).
FEWER_SEEDS = {'SLUICE_SIM_SEEDS': '500'}
# Under sanitizers the attacks are the same, strike for strike, beside one connection each way in place of three: most of what they
# would do otherwise is to carry bulk data.
SANITIZED_ENV = {**FEWER_SEEDS, 'SLUICE_SIM_BULK': '1'}


class Tally:
    """What every phase came to."""

    def __init__(self):
        self.phases = []
        self.failures = []

    def add(self, phase, seconds, passed, failures):
        self.phases.append((phase, seconds, passed, len(failures)))
        self.failures += [f'{phase}: {failure}' for failure in failures]
        print(f'--- {phase}: {passed} passed, {len(failures)} failed, {seconds:.0f} s', flush=True)

    def report(self):
        """Prints the table and the last line; returns the exit status."""
        print('\n{:<22} {:>8} {:>8} {:>8}'.format('phase', 'passed', 'failed', 'seconds'))
        for phase, seconds, passed, failed in self.phases:
            print(f'{phase:<22} {passed:>8} {failed:>8} {seconds:>8.0f}')
        print('{:<22} {:>8} {:>8} {:>8.0f}'.format('all', *(sum(row[i] for row in self.phases) for i in (2, 3, 1))))
        for failure in self.failures:
            print(f'FAILED {failure}')
        passed = sum(row[2] for row in self.phases)
        print(f'{passed} passed, {len(self.failures)} failed', flush=True)
        return 1 if self.failures or not passed else 0


def log_path(name):
    logs = RELEASE / 'meson-logs'
    logs.mkdir(parents=True, exist_ok=True)
    return logs / f'phase-{name}.log'


def run_logged(name, command, env=None, show=False):
    """Runs a command into its log, showing it whole or a line now and then; returns its exit status and output."""
    lines = []
    with open(log_path(name), 'w', encoding='utf-8') as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors='replace')
        done = threading.Event()
        ticker = threading.Thread(target=show_progress, args=(lines, done), daemon=True)
        if not show:
            ticker.start()
        for line in process.stdout:
            lines.append(line)
            log.write(line)
            if show:
                print(line, end='', flush=True)
        status = process.wait()
        done.set()
    return status, ''.join(lines)


def show_progress(lines, done):
    while not done.wait(20):
        if lines:
            print('  ' + lines[-1].strip()[:110], flush=True)


def build(tally, phase, directory, options, targets, env=None):
    """Configures where needed and builds; True if everything compiled."""
    print(f'=== {phase}', flush=True)
    start = time.monotonic()
    status, output = 0, ''
    if not (directory / 'build.ninja').exists():
        # A directory that meson gave up on in the middle has to go before it can be set up again.
        wipe = ['--wipe'] if (directory / 'meson-private').exists() else []
        status, output = run_logged(f'{phase}-setup', ['meson', 'setup', *wipe, *options, str(directory), str(ROOT)], env)
    if status == 0 and targets is not None:
        status, output = run_logged(phase, ['ninja', '-C', str(directory), *targets])
    failures = []
    if status:
        print(output[-6000:])
        failures = [f'does not build, see {log_path(phase)}']
    tally.add(phase, time.monotonic() - start, 0 if failures else 1, failures)
    return not failures


def tests_of(directory):
    """Suite -> the meson tests in it. A name is 'project:suite' in meson's answer."""
    answer = subprocess.run(['meson', 'introspect', '--tests', str(directory)], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    suites = {}
    for test in json.loads(answer):
        for suite in test['suite']:
            suites.setdefault(suite.split(':')[-1], []).append(test)
    return suites


def read_gtest_reports(folder):
    """Executable name -> [cases that ran, names of those that failed]. GoogleTest adds _1, _2 to a report's name when the
    executable ran more than once."""
    reports = {}
    for report in sorted(folder.glob('*.xml')):
        try:
            cases = list(ElementTree.parse(report).iter('testcase'))
        except ElementTree.ParseError:
            continue
        first = re.sub(r'_\d+$', '', report.stem)
        name = first if (folder / f'{first}.xml').exists() else report.stem
        total = reports.setdefault(name, [0, []])
        for case in cases:
            full_name = f"{case.get('classname')}.{case.get('name')}"
            if case.get('status') == 'notrun':
                if case.get('name', '').startswith('DIS' + 'ABLED_'):
                    total[1].append(f'{full_name} is switched off')
                continue
            total[0] += 1
            if case.find('failure') is not None or case.find('skipped') is not None:
                total[1].append(full_name)
    return reports


def count_results(logbase, folder, directory, tests):
    """Passed cases and the names of the failures of one run of `meson test`."""
    reports = read_gtest_reports(folder)
    executables = {test['name']: pathlib.Path(test['cmd'][0]).name for test in tests}
    results = {}
    log = directory / 'meson-logs' / f'{logbase}.json'
    if log.exists():
        for line in log.read_text(encoding='utf-8').splitlines():
            entry = json.loads(line)
            results[entry['name'].split(' / ')[-1].split(':')[-1]] = entry['result']
    passed, failures, counted = 0, [], set()
    for name, executable in executables.items():
        result = results.get(name, 'not run')
        cases, failed = reports.get(executable, (0, []))
        if executable not in counted:
            counted.add(executable)
            passed += cases - len([case for case in failed if ' is ' not in case])
            failures += [f'{name}: {case}' for case in failed]
        if result != 'OK' and not failed:
            failures.append(f'{name}: {result.lower()}')
        elif result == 'OK' and not cases:
            passed += 1
    return passed, failures


def run_suite(tally, prefix, directory, suite, tests, extra_env, options):
    phase = f'{prefix}{suite}'
    print(f'=== {phase}', flush=True)
    start = time.monotonic()
    if not tests:
        tally.add(phase, 0, 0, ['no tests in this suite'])
        return
    folder = directory / 'meson-logs' / f'gtest-{suite}'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # One log a suite, under meson's own name for it.
    logbase = f'testlog-{suite}'
    (directory / 'meson-logs' / f'{logbase}.json').unlink(missing_ok=True)
    env = dict(os.environ, GTEST_OUTPUT=f'xml:{folder}/', GTEST_COLOR='no', **extra_env)
    status, _ = run_logged(phase, ['meson', 'test', '-C', str(directory), '--suite', suite, '--logbase', logbase, '--print-errorlogs', *options],
                           env, show=True)
    passed, failures = count_results(logbase, folder, directory, tests)
    if status and not failures:
        failures = [f'meson test ended with status {status}, see {log_path(phase)}']
    tally.add(phase, time.monotonic() - start, passed, failures)


def run_suites(tally, prefix, directory, wanted, extra_env, options=()):
    suites = tests_of(directory)
    if os.geteuid() != 0:
        left_out = {test['name'] for test in suites.get(ROOT_SUITE, [])}
        print(f'Not root: {", ".join(sorted(left_out))} are left out.', flush=True)
        suites = {name: [test for test in tests if test['name'] not in left_out] for name, tests in suites.items()}
        options = [*options, '--no-suite', ROOT_SUITE]
    for suite in wanted:
        run_suite(tally, prefix, directory, suite, suites.get(suite, []), extra_env, list(options))


def check_that_the_matrix_ran(tally):
    """Every test that docs/rfc-matrix.md names was among those that just ran."""
    phase = 'matrix'
    print(f'=== {phase}', flush=True)
    ran = set()
    for report in RELEASE.glob('meson-logs/gtest-*/*.xml'):
        for case in ElementTree.parse(report).iter('testcase'):
            if case.get('status') == 'run':
                ran.add(case.get('name').split('/')[0])
    matrix = (ROOT / 'docs/rfc-matrix.md').read_text(encoding='utf-8')
    named = {name for _, cells in check_matrix.rows(matrix) if len(cells) == 3 and not cells[2].startswith('no: ')
             for name in check_matrix.TICKS.findall(cells[2])}
    tally.add(phase, 0, len(named & ran), [f'{name} did not run' for name in sorted(named - ran)])


def run_clang_tidy(tally):
    """clang-tidy over src with the release build's commands; one result a source file."""
    phase = 'clang-tidy'
    print(f'=== {phase}', flush=True)
    start = time.monotonic()
    commands = json.loads((RELEASE / 'compile_commands.json').read_text(encoding='utf-8'))
    for entry in commands:  # what GCC alone knows is an error to clang
        entry['command'] = re.sub(r' -m(?:move|store)-max=\d+', '', entry['command'])
    CLANG_COMMANDS.mkdir(exist_ok=True)
    (CLANG_COMMANDS / 'compile_commands.json').write_text(json.dumps(commands), encoding='utf-8')
    sources = sorted({str((RELEASE / entry['file']).resolve()) for entry in commands} & {str(path) for path in (ROOT / 'src').rglob('*.cc')})
    status, output = run_logged(phase, ['run-clang-tidy', '-p', str(CLANG_COMMANDS), '-quiet', '-j', str(os.cpu_count() or 2),
                                        *(f'^{re.escape(source)}$' for source in sources)])
    output = re.sub(r'\x1b\[[0-9;]*m', '', output)
    wrong = sorted(set(re.findall(r'^(\S+?:\d+:\d+: (?:error|warning): .*)$', output, re.MULTILINE)))
    for line in wrong[:100]:
        print(line)
    failures = [line.replace(f'{ROOT}/', '') for line in wrong]
    if status and not failures:
        failures = [f'run-clang-tidy ended with status {status}, see {log_path(phase)}']
    bad = {line.split(':', 1)[0] for line in wrong}
    tally.add(phase, time.monotonic() - start, len([source for source in sources if source not in bad]), failures)


def run_libfuzzer(tally):
    """One target built by clang for libFuzzer, and its corpus."""
    if not build(tally, 'build-fuzz', FUZZ, FUZZ_OPTIONS, [FUZZ_TARGET], dict(os.environ, CC='clang', CXX='clang++')):
        return
    phase = 'libfuzzer'
    print(f'=== {phase}', flush=True)
    start = time.monotonic()
    corpus = ROOT / 'tests/fuzz/corpus' / FUZZ_TARGET.rsplit('_', maxsplit=1)[-1]
    status, output = run_logged(phase, [str(FUZZ / FUZZ_TARGET), '-runs=0', str(corpus)])
    ran = re.search(r'INITED .*corp: (\d+)', output)
    failures = [] if status == 0 and ran else [f'{FUZZ_TARGET} ended with status {status}, see {log_path(phase)}']
    tally.add(phase, time.monotonic() - start, 0 if failures else 1, failures)


def main(argv):
    quick = '--quick' in argv[1:]
    os.chdir(ROOT)
    tally = Tally()
    if build(tally, 'build', RELEASE, ['-Dbuildtype=release'], []):
        run_suites(tally, '', RELEASE, QUICK_SUITES if quick else RELEASE_SUITES, FEWER_SEEDS if quick else {})
        check_that_the_matrix_ran(tally)
        if '--tidy' in argv[1:]:
            run_clang_tidy(tally)
    if not quick and build(tally, 'build-asan', SANITIZED, SANITIZED_OPTIONS, None):
        # `meson test` builds what the suite needs and no more.
        run_suites(tally, 'asan-', SANITIZED, SANITIZED_SUITES, SANITIZED_ENV, ['--timeout-multiplier', '4'])
    if not quick:
        run_libfuzzer(tally)
    return tally.report()


if __name__ == '__main__':
    sys.exit(main(sys.argv))
