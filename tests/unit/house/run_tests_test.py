#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/run_tests.py counts what passed and never takes silence for success."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / 'scripts'))
sys.dont_write_bytecode = True
import run_tests  # noqa: E402

CASE = '<testcase name="{0}" status="run" classname="Suite">{1}</testcase>'


class Counting(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        (self.root / 'meson-logs').mkdir()
        (self.root / 'gtest').mkdir()
        self.tests = []

    def tearDown(self):
        self.folder.cleanup()

    def ran(self, name, result, executable=None):
        """A meson test with its result."""
        self.tests.append({'name': name, 'cmd': [f'/x/{executable or name}']})
        with open(self.root / 'meson-logs' / 'log.json', 'a', encoding='utf-8') as log:
            log.write(json.dumps({'name': f'sluice:unit / {name}', 'result': result}) + '\n')

    def reported(self, executable, *cases):
        """A GoogleTest report with cases by name; a name with '!' failed."""
        body = ''.join(CASE.format(case.strip('!'), '<failure/>' if '!' in case else '') for case in cases)
        (self.root / 'gtest' / f'{executable}.xml').write_text(f'<testsuites><testsuite>{body}</testsuite></testsuites>', encoding='utf-8')

    def count(self):
        return run_tests.count_results('log', self.root / 'gtest', self.root, self.tests)

    def test_cases_count_one_by_one_and_scripts_as_one(self):
        self.ran('unit_base', 'OK')
        self.reported('unit_base', 'A', 'B', 'C')
        self.ran('check_docs', 'OK')
        self.assertEqual(self.count(), (4, []))

    def test_failed_case_is_named(self):
        self.ran('unit_base', 'FAIL')
        self.reported('unit_base', 'A', 'B!')
        self.assertEqual(self.count(), (1, ['unit_base: Suite.B']))

    def test_crash_without_a_report_is_a_failure(self):
        self.ran('unit_base', 'ERROR')
        self.assertEqual(self.count(), (0, ['unit_base: error']))

    def test_leak_after_good_cases_is_a_failure(self):
        self.ran('unit_base', 'FAIL')
        self.reported('unit_base', 'A')
        self.assertEqual(self.count(), (1, ['unit_base: fail']))

    def test_skipped_test_is_a_failure(self):
        self.ran('e2e_tap', 'SKIP')
        self.assertEqual(self.count(), (0, ['e2e_tap: skip']))

    def test_test_that_did_not_run_is_a_failure(self):
        self.tests.append({'name': 'gone', 'cmd': ['/x/gone']})
        self.assertEqual(self.count(), (0, ['gone: not run']))

    def test_executable_that_runs_twice_counts_both_reports(self):
        self.ran('sim_low', 'OK', 'sim')
        self.ran('sim_high', 'OK', 'sim')
        self.reported('sim', 'A')
        self.reported('sim_1', 'B')
        self.assertEqual(self.count(), (2, []))

    def test_executable_whose_name_ends_in_a_number_is_its_own(self):
        self.ran('port_2', 'OK')
        self.reported('port_2', 'A', 'B')
        self.assertEqual(self.count(), (2, []))

    def test_last_line_and_status_tell(self):
        for failures, status, last in (([], 0, '2 passed, 0 failed'), (['x'], 1, '2 passed, 1 failed')):
            with contextlib.redirect_stdout(io.StringIO()) as output:
                tally = run_tests.Tally()
                tally.add('unit', 1.0, 2, failures)
                self.assertEqual(tally.report(), status)
            self.assertEqual(output.getvalue().splitlines()[-1], last)

    def test_nothing_run_is_no_success(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(run_tests.Tally().report(), 1)


if __name__ == '__main__':
    unittest.main()
