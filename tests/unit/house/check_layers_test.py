#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/check_layers.py finds what it is there to find: each test builds a good tree, spoils one thing and looks for the finding."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / 'scripts'))
sys.dont_write_bytecode = True
import check_layers  # noqa: E402

SPDX = '// SPDX-License-Identifier: BSD-3-Clause\n'
HEADER = SPDX + '#pragma once\n'
MESON = '# SPDX-License-Identifier: BSD-3-Clause\n'


class CheckLayers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.write('include/sluice/config.h', HEADER + '#include <cstdint>\n')
        for module in ('base', 'wire', 'tcp', 'stack', 'port', 'port/dpdk', 'engine', 'app', 'lib', 'cli'):
            self.write(f'src/{module}/meson.build', MESON)
        self.write('src/base/seq_num.h', HEADER)
        self.write('src/tcp/input.cc', SPDX + '#include "tcp/tcp.h"\n#include <algorithm>\n#include "base/seq_num.h"\n#include "sluice/config.h"\n')
        self.write('src/port/dpdk/port.cc', SPDX + '#include <rte_ethdev.h>\n#include "port/port.h"\n')

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding='utf-8')

    def findings(self):
        return [str(finding) for finding in check_layers.check(self.root)[1]]

    def assert_found(self, path, line, part):
        findings = self.findings()
        self.assertEqual(len(findings), 1, findings)
        self.assertTrue(findings[0].startswith(f'{path}:{line}: '), findings)
        self.assertIn(part, findings[0])

    def test_good_tree_has_no_findings(self):
        self.assertEqual(self.findings(), [])

    def test_include_of_a_higher_module_is_found(self):
        self.write('src/wire/ipv4.cc', SPDX + '#include "tcp/tcp.h"\n')
        self.assert_found('src/wire/ipv4.cc', 2, 'may include: base')

    def test_engine_may_not_include_port_dpdk(self):
        self.write('src/engine/loop.cc', SPDX + '#include "port/port.h"\n#include "port/dpdk/ethdev.h"\n')
        self.assert_found('src/engine/loop.cc', 3, 'may include: base, port, stack')

    def test_app_knows_the_public_api_only(self):
        self.write('src/app/echo.cc', SPDX + '#include "app/echo.h"\n#include "sluice/listener.h"\n#include "base/check.h"\n')
        self.assert_found('src/app/echo.cc', 4, 'public API')

    def test_dpdk_outside_its_module_is_found(self):
        self.write('src/cli/main.cc', SPDX + '#include <rte_eal.h>\n')
        self.assert_found('src/cli/main.cc', 2, 'only src/port/dpdk knows DPDK')

    def test_dpdk_in_tests_of_other_modules_is_found(self):
        self.write('tests/unit/stack/a_test.cc', SPDX + '#include <rte_mbuf.h>\n')
        self.assert_found('tests/unit/stack/a_test.cc', 2, 'only src/port/dpdk')

    def test_meson_file_that_names_libdpdk_is_found(self):
        self.write('src/engine/meson.build', MESON + "x = dependency('libdpdk')\n")
        self.assert_found('src/engine/meson.build', 2, 'names libdpdk')

    def test_engine_header_below_the_engine_is_found(self):
        self.write('src/stack/stack.h', HEADER + '#include "sluice/engine.h"\n')
        self.assert_found('src/stack/stack.h', 3, 'stands above it')

    def test_clock_in_the_core_is_found(self):
        for line in ('auto t = std::chrono::steady_clock::now();', 'auto t = Clock_clock::now();', 'clock_gettime(CLOCK_MONOTONIC, &t);', 'auto t = __rdtsc();'):
            self.write('src/tcp/timers.cc', SPDX + line + '\n')
            self.assert_found('src/tcp/timers.cc', 2, 'reads a clock')

    def test_chance_in_the_core_is_found(self):
        self.write('src/stack/isn.cc', SPDX + 'std::random_device dice;\n')
        self.assert_found('src/stack/isn.cc', 2, 'rolls dice')

    def test_clock_in_a_comment_or_string_is_no_finding(self):
        self.write('src/tcp/timers.cc', SPDX + '// steady_clock is not read here\n/* nor\n std::chrono */\nauto s = "std::chrono";\n')
        self.assertEqual(self.findings(), [])

    def test_timestamp_clock_is_no_finding(self):
        self.write('src/tcp/options.cc', SPDX + 'auto value = ts_clock(now, offset);\n')
        self.assertEqual(self.findings(), [])

    def test_clock_outside_the_core_is_no_finding(self):
        self.write('src/engine/loop.cc', SPDX + '#include <chrono>\nauto t = std::chrono::steady_clock::now();\n')
        self.assertEqual(self.findings(), [])

    def test_exception_in_the_core_is_found(self):
        self.write('src/wire/ipv6.cc', SPDX + 'throw 1;\n')
        self.assert_found('src/wire/ipv6.cc', 2, 'packet path')

    def test_lock_header_in_the_core_is_found(self):
        self.write('src/stack/table.cc', SPDX + '#include <mutex>\n')
        self.assert_found('src/stack/table.cc', 2, 'takes no lock')

    def test_ninth_public_header_is_found(self):
        for number in range(8):
            self.write(f'include/sluice/h{number}.h', HEADER)
        self.assert_found('include/sluice/h7.h', 1, 'at most 8')

    def test_public_header_with_a_private_include_is_found(self):
        self.write('include/sluice/config.h', HEADER + '#include "base/check.h"\n')
        self.assert_found('include/sluice/config.h', 3, 'public header')

    def test_public_header_with_a_system_include_is_found(self):
        self.write('include/sluice/config.h', HEADER + '#include <sys/socket.h>\n')
        self.assert_found('include/sluice/config.h', 3, 'C++ standard library')

    def test_long_file_is_found(self):
        self.write('src/tcp/input.cc', SPDX + '\n' * 599)
        self.assertEqual(self.findings(), [])
        self.write('src/tcp/input.cc', SPDX + '\n' * 600)
        self.assert_found('src/tcp/input.cc', 601, '601 lines')

    def test_missing_licence_is_found(self):
        self.write('src/tcp/input.cc', '#include <array>\n')
        self.assert_found('src/tcp/input.cc', 1, 'licence')

    def test_missing_licence_in_script_and_meson_file_is_found(self):
        self.write('scripts/demo', '#!/bin/bash\necho\n')
        self.assert_found('scripts/demo', 1, 'licence')
        self.write('scripts/demo', '#!/bin/bash\n# SPDX-License-Identifier: BSD-3-Clause\necho\n')
        self.assertEqual(self.findings(), [])
        self.write('src/tcp/meson.build', 'x = 1\n')
        self.assert_found('src/tcp/meson.build', 1, 'licence')

    def test_open_work_and_skipped_tests_are_found(self):
        for word in ('TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'GTEST_' + 'SKIP();', 'DIS' + 'ABLED_Case'):
            self.write('tests/unit/tcp/a_test.cc', SPDX + f'// {word}\n')
            self.assert_found('tests/unit/tcp/a_test.cc', 2, 'finish it')

    def test_a_path_of_one_machine_is_found(self):
        self.write('docs/BENCH.md', 'see ' + '/wo' + 'rk/main\n')
        self.assert_found('docs/BENCH.md', 1, 'one machine')

    def test_header_without_pragma_once_is_found(self):
        self.write('src/tcp/tcb.h', SPDX)
        self.assert_found('src/tcp/tcb.h', 1, 'pragma once')

    def test_precompiled_header_needs_no_pragma_once(self):
        self.write('tests/unit/tcp/pch/tcp_tests.h', SPDX)
        self.assertEqual(self.findings(), [])

    def test_header_called_like_a_system_header_is_found(self):
        self.write('src/lib/limits.h', HEADER)
        self.assert_found('src/lib/limits.h', 1, 'header of the system')

    def test_unknown_module_is_found(self):
        self.write('src/extra/meson.build', MESON)
        self.write('src/extra/a.cc', SPDX)
        self.assert_found('src/extra/a.cc', 1, 'not a module')

    def test_module_without_meson_file_is_found(self):
        (self.root / 'src/tcp/meson.build').unlink()
        self.assert_found('src/tcp', 1, 'no meson.build')

    def test_include_without_its_module_is_found(self):
        self.write('src/tcp/a.cc', SPDX + '#include "tcb.h"\n')
        self.assert_found('src/tcp/a.cc', 2, 'tcp/tcb.h')

    def test_tab_and_trailing_space_are_found(self):
        self.write('src/tcp/a.cc', SPDX + '\tint x;\n')
        self.assert_found('src/tcp/a.cc', 2, 'tab')
        self.write('src/tcp/a.cc', SPDX + 'int x; \n')
        self.assert_found('src/tcp/a.cc', 2, 'white space')

    def test_exit_status_tells(self):
        self.assertEqual(check_layers.main(['check_layers.py', str(self.root)]), 0)
        self.write('src/tcp/a.cc', 'int x;\n')
        self.assertEqual(check_layers.main(['check_layers.py', str(self.root)]), 1)


if __name__ == '__main__':
    unittest.main()
