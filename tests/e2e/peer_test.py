#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases over a real device: scapy is the other side, a running engine of each configuration answers, over IPv4 and IPv6. Fragments
of IPv4 want --device xdp: what af_packet delivers the kernel has put together before (PACKET_FANOUT_FLAG_DEFRAG)."""
import time
import traceback

import peer_cases_data
import peer_cases_more
import peer_cases_open
import peer_cases_path
import peer_cases_recovery
import peer_cases_trouble
from lab import OPTIONS, Failure, Remote, check, main
from peer import BareEngine, BareLink, Table, Wire
from peer_cases_configured import CONFIGURED

# Cases of one family only.
ONLY_V4 = {'case_115_ip_length', 'case_116_martian_sources', 'case_117_class_e_source', 'case_121_ip_options',
           'case_127_message_without_an_mtu', 'case_127_mtu_below_the_floor'}
ONLY_V6 = {'case_130_packet_too_big', 'case_131_ipv6_extension_headers', 'case_131_parameter_problem',
           'case_132_atomic_and_overlapping_fragments', 'case_133_flow_label', 'case_134_neighbour_solicitation'}
FRAGMENTS = {'case_120_fragments', 'case_120_overlapping_fragments', 'case_120_tiny_fragments', 'case_132_atomic_and_overlapping_fragments'}
SERVICES = [('remote', 0, 'app = "remote"'), ('echo', 7, 'app = "echo"')]
MODULES = [peer_cases_open, peer_cases_data, peer_cases_recovery, peer_cases_trouble, peer_cases_more, peer_cases_path]


def groups():
    """What is added to [tcp], and the cases that want it."""
    (plain, cases), *others = CONFIGURED
    made = [(plain, [case for module in MODULES for case in module.CASES] + cases), *others]
    names = [case.__name__ for _, cases in made for case in cases]
    check(len(set(names)) == len(names) and ONLY_V4 | ONLY_V6 | FRAGMENTS <= set(names), 'a case is there twice, or not at all')
    return [(plain, [case for case in made[0][1] if case.__name__ in FRAGMENTS])] if OPTIONS.device == 'xdp' else made


def is_played(case, v4):
    name = case.__name__
    return name not in (ONLY_V6 if v4 else ONLY_V4) and not (v4 and name in FRAGMENTS and OPTIONS.device != 'xdp')


def play(case, table):
    """Whether it went well."""
    family = 'IPv4' if table.v4 else 'IPv6'
    started, well = time.monotonic(), True
    try:
        case(table)
    except (Failure, TypeError, AttributeError, ValueError, KeyError):
        traceback.print_exc(limit=-2)
        print(f'      FAIL {case.__name__} over {family}', flush=True)
        well = False
    table.remote.ok('reset')
    table.wire.forget()
    if time.monotonic() - started > 2.5:
        print(f'      slow: {case.__name__} over {family}, {time.monotonic() - started:.1f} s', flush=True)
    return well


def wire_cases(link):
    wrong, ran, begin = [], 0, time.monotonic()
    for added, cases in groups():
        with BareEngine(link, SERVICES, tcp='msl_ms = 300\n' + added) as engine, Wire(link) as wire, Remote(engine) as remote:
            for case in cases:
                for v4 in (True, False):
                    if not is_played(case, v4):
                        continue
                    ran += 1
                    if not play(case, Table(link, engine, wire, remote, v4)):
                        wrong.append(f'{case.__name__} IPv{4 if v4 else 6}')
    print(f'      {ran} dialogues in {time.monotonic() - begin:.0f} s, {len(wrong)} went wrong', flush=True)
    check(not wrong, *wrong)


if __name__ == '__main__':
    main(wire_cases, make_link=BareLink)
