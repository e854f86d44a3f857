#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases over a real device: scapy is the other side, one running engine answers all, over IPv4 and IPv6."""
import time
import traceback

import peer_cases_data
import peer_cases_more
import peer_cases_open
import peer_cases_trouble
from lab import Failure, Remote, check, main
from peer import BareEngine, BareLink, Table, Wire

# Cases of one family only.
ONLY_V4 = {'case_117_class_e_source', 'case_121_ip_options', 'case_115_ip_length', 'case_116_martian_sources'}
ONLY_V6 = {'case_131_ipv6_extension_headers', 'case_131_parameter_problem', 'case_132_atomic_and_overlapping_fragments', 'case_133_flow_label',
           'case_134_neighbour_solicitation'}


def wire_cases(link):
    cases = peer_cases_open.CASES + peer_cases_data.CASES + peer_cases_trouble.CASES + peer_cases_more.CASES
    names = {case.__name__ for case in cases}
    check(len(names) == len(cases) and ONLY_V4 <= names and ONLY_V6 <= names, 'a case is there twice, or not at all')
    wrong, ran, begin = [], 0, time.monotonic()
    with BareEngine(link, [('remote', 0, 'app = "remote"'), ('echo', 7, 'app = "echo"')], tcp='msl_ms = 300') as engine, Wire(link) as wire:
        with Remote(engine) as remote:
            for case in cases:
                for v4 in (True, False):
                    if case.__name__ in (ONLY_V6 if v4 else ONLY_V4):
                        continue
                    ran += 1
                    family = 'IPv4' if v4 else 'IPv6'
                    started = time.monotonic()
                    try:
                        case(Table(link, engine, wire, remote, v4))
                    except (Failure, TypeError, AttributeError, ValueError, KeyError):
                        traceback.print_exc(limit=-2)
                        print(f'      FAIL {case.__name__} over {family}', flush=True)
                        wrong.append(f'{case.__name__} {family}')
                    remote.ok('reset')
                    wire.forget()
                    if time.monotonic() - started > 2.5:
                        print(f'      slow: {case.__name__} over {family}, {time.monotonic() - started:.1f} s', flush=True)
    print(f'      {ran} dialogues of {len(cases)} cases in {time.monotonic() - begin:.0f} s, {len(wrong)} went wrong', flush=True)
    check(not wrong, *wrong)


if __name__ == '__main__':
    main(wire_cases, make_link=BareLink)
