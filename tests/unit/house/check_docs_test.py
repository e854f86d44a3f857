#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/check_docs.py finds dead links, dead names and commands that do not run."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / 'scripts'))
sys.dont_write_bytecode = True
import check_docs  # noqa: E402

FENCE = '```'


class CheckDocs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name).resolve()
        self.write('docs/STYLE.md', '# Style\n\n## How it reads: `all` of it\n')

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding='utf-8')

    def links(self):
        return [str(finding) for finding in check_docs.check_links(self.root, check_docs.read_documents(self.root))]

    def runs(self, build='/nowhere'):
        return [str(finding) for finding in check_docs.run_blocks(self.root, check_docs.read_documents(self.root), build)]

    def test_good_links_have_no_findings(self):
        self.write('README.md', '[a](docs/STYLE.md) [b](docs/STYLE.md#how-it-reads-all-of-it) [c](https://example.org/x) [d](#top)\n# Top\n`docs/STYLE.md`\n')
        self.assertEqual(self.links(), [])

    def test_link_to_no_file_is_found(self):
        self.write('README.md', 'x\n[a](docs/STYL.md)\n')
        self.assertEqual(len(self.links()), 1)
        self.assertTrue(self.links()[0].startswith('README.md:2: links to docs/STYL.md'))

    def test_link_out_of_the_tree_is_found(self):
        self.write('README.md', '[a](../../etc/passwd)\n')
        self.assertIn('no such file', self.links()[0])

    def test_link_to_no_heading_is_found(self):
        self.write('README.md', '[a](docs/STYLE.md#missing)\n[b](#missing)\n')
        self.assertEqual(len(self.links()), 2)
        self.assertIn('no such heading', self.links()[0])

    def test_name_of_no_file_is_found(self):
        self.write('README.md', 'see `scripts/gone`\n')
        self.assertIn('not in the tree', self.links()[0])

    def test_changelog_may_name_what_is_gone(self):
        self.write('CHANGELOG.md', 'removed `scripts/gone`\n')
        self.assertEqual(self.links(), [])

    def test_links_in_fenced_blocks_are_text(self):
        self.write('README.md', f'{FENCE}\n[a](nothing)\n{FENCE}\n')
        self.assertEqual(self.links(), [])

    def test_mark_without_a_block_is_found(self):
        self.write('README.md', '<!-- test -->\nsome text\n')
        self.assertIn('marks no fenced block', self.links()[0])

    def test_marked_block_of_another_language_is_found(self):
        self.write('README.md', f'<!-- test -->\n{FENCE}toml\nx = 1\n{FENCE}\n')
        self.assertIn('not sh', self.links()[0])

    def test_unclosed_block_is_found(self):
        self.write('README.md', f'{FENCE}sh\ntrue\n')
        self.assertIn('not closed', self.links()[0])

    def test_marked_command_runs_in_the_root(self):
        self.write('README.md', f'<!-- test -->\n\n{FENCE}sh\ntest -e docs/STYLE.md\ntouch ran\n{FENCE}\n')
        self.assertEqual(self.runs(), [])
        self.assertTrue((self.root / 'ran').exists())

    def test_failing_line_of_a_marked_command_is_found(self):
        self.write('README.md', f'<!-- test -->\n{FENCE}sh\nfalse\ntrue\n{FENCE}\n')
        self.assertIn('README.md:2: ended with 1 instead of 0', self.runs()[0])

    def test_marked_exit_status_is_expected(self):
        self.write('README.md', f'<!-- test: exit 2 -->\n{FENCE}sh\nexit 2\n{FENCE}\n')
        self.assertEqual(self.runs(), [])
        self.write('README.md', f'<!-- test: exit 2 -->\n{FENCE}sh\nexit 0\n{FENCE}\n')
        self.assertIn('ended with 0 instead of 2', self.runs()[0])

    def test_unmarked_command_does_not_run(self):
        self.write('README.md', f'{FENCE}sh\nfalse\n{FENCE}\n')
        self.assertEqual(self.runs(), [])

    def test_build_means_the_given_directory(self):
        self.write('elsewhere/sluice', '')
        self.write('README.md', f'<!-- test -->\n{FENCE}sh\ntest -e build/sluice\n! test -e x/build/sluice\n{FENCE}\n')
        self.assertEqual(len(self.runs()), 1)
        self.assertEqual(self.runs(str(self.root / 'elsewhere')), [])


if __name__ == '__main__':
    unittest.main()
