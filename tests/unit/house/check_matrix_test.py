#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""check_matrix.py finds what is wrong in small trees made for it."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[3] / 'scripts/check_matrix.py'
HEAD = '| clause | function | tests |\n| --- | --- | --- |\n'


def findings(row='| RFC 9293 3.4 | `tcp::f` | `ItHolds` |', comment='', listed="  'a.cc',\n"):
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for folder in ('docs', 'src/tcp', 'tests/script'):
            (root / folder).mkdir(parents=True)
        (root / 'docs/rfc-matrix.md').write_text(HEAD + row + '\n')
        (root / 'src/tcp/f.cc').write_text(f'// {comment}\nvoid f() {{}}\n')
        (root / 'tests/script/a.cc').write_text('TEST_P(Family, ItHolds) {}\n')
        (root / 'tests/script/meson.build').write_text(f"executable('script',\n{listed})\n")
        run = subprocess.run([sys.executable, CHECKER, '--root', root], capture_output=True, text=True, check=False)
        return run.returncode, run.stdout


class CheckMatrix(unittest.TestCase):
    def test_a_true_row_passes(self):
        self.assertEqual(findings()[0], 0)

    def test_a_test_that_is_gone_is_found(self):
        code, out = findings('| RFC 9293 3.4 | `tcp::f` | `ItDoesNot` |')
        self.assertEqual(code, 1)
        self.assertIn('no test ItDoesNot', out)

    def test_a_function_that_is_gone_is_found(self):
        code, out = findings('| RFC 9293 3.4 | `tcp::g` | `ItHolds` |')
        self.assertEqual(code, 1)
        self.assertIn('no function tcp::g', out)

    def test_a_row_without_a_test_is_found(self):
        self.assertEqual(findings('| RFC 9293 3.4 | `tcp::f` | |')[0], 1)

    def test_a_reason_may_stand_for_a_test(self):
        self.assertEqual(findings('| MUST-48 | - | no: nobody asked |')[0], 0)
        self.assertEqual(findings('| MUST-48 | - | nobody asked |')[0], 1)

    def test_a_missing_requirement_is_found(self):
        numbers = [number for number in range(1, 70) if number != 42]
        row = '| ' + ' '.join(f'MUST-{number}' for number in numbers) + ' | `tcp::f` | `ItHolds` |'
        code, out = findings(f'{row}\n## RFC 9293, appendix B\n')
        self.assertEqual(code, 1)
        self.assertEqual(out.count('is missing'), 1)
        self.assertIn('MUST-42 ', out)

    def test_a_comment_that_names_no_test_is_found(self):
        self.assertEqual(findings(comment='Pinned by ItHolds.')[0], 0)
        self.assertEqual(findings(comment='Pinned by ItDoesNot.')[0], 1)

    def test_a_script_that_is_not_built_is_found(self):
        code, out = findings(listed='')
        self.assertEqual(code, 1)
        self.assertIn('a.cc', out)


if __name__ == '__main__':
    unittest.main()
