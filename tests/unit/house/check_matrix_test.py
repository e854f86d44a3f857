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


def findings(row='| RFC 9293 3.4 | `tcp::f` | `ItHolds` |', comment='', listed="  'a.cc',\n", source=''):
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for folder in ('docs', 'src/tcp', 'tests/script'):
            (root / folder).mkdir(parents=True)
        (root / 'docs/rfc-matrix.md').write_text(HEAD + row + '\n')
        (root / 'src/tcp/f.cc').write_text(f'// {comment}\nvoid f() {{}}\n{source}\n')
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

    def test_a_function_that_only_comments_and_strings_name_is_found(self):
        row = '| RFC 9293 3.4 | `tcp::g` | `ItHolds` |'
        for source in ('// g\n', '/* on\n g */', 'auto s = "g";', 'auto s = "\\"g";', 'auto s = R"(" g)";', "char c = 'g';"):
            self.assertEqual(findings(row, source=source)[0], 1, source)
        for source in ('void g();', 'int n = 1\'000; void g(); char c = \'"\'; char d = \'"\';', 'char c = \'"\'; void g();',
                       'auto s = "//"; void g();', "char c = '\\''; void g();", 'auto s = "\\\\"; void g(); auto t = "";',
                       'auto s = R"x(//)" g)x"; void g();', '// a comment\'s "quote\nvoid g();'):
            self.assertEqual(findings(row, source=source)[0], 0, source)

    def test_a_row_without_a_test_is_found(self):
        self.assertEqual(findings('| RFC 9293 3.4 | `tcp::f` | |')[0], 1)

    def test_a_reason_may_stand_for_a_test(self):
        self.assertEqual(findings('| MUST-48 | - | no: nobody asked |')[0], 0)
        self.assertEqual(findings('| MUST-48 | - | nobody asked |')[0], 1)

    def test_a_missing_requirement_is_found(self):
        every = [f'MUST-{number}' for number in range(1, 70)] + [f'SHLD-{number}' for number in range(1, 32)]

        def without(*left_out, text=''):
            row = '| ' + ' '.join(name for name in every if name not in left_out) + ' | `tcp::f` | `ItHolds` |'
            return findings(f'{row}\n{text}\n## RFC 9293, appendix B\n')
        self.assertEqual(without()[0], 0)
        # MUST-4 is not there because MUST-42 is; nor is what is told outside of the rows.
        for name in ('MUST-42', 'SHLD-23', 'MUST-4', 'SHLD-31'):
            code, out = without(name, text=f'About {name}.')
            self.assertEqual(code, 1, name)
            self.assertEqual(out.count('is missing'), 1)
            self.assertIn(f'{name} ', out)

    def test_a_comment_that_names_no_test_is_found(self):
        self.assertEqual(findings(comment='Pinned by ItHolds.')[0], 0)
        self.assertEqual(findings(comment='Pinned by ItDoesNot.')[0], 1)

    def test_a_script_that_is_not_built_is_found(self):
        code, out = findings(listed='')
        self.assertEqual(code, 1)
        self.assertIn('a.cc', out)


if __name__ == '__main__':
    unittest.main()
