#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Nothing that a stranger is told lets him predict what another is told: sequence numbers, timestamps and IP IDs of answers to
SYNs from neighbouring ports, and IP IDs of resets and echo replies. scapy reads them off raw frames."""
import time

from lab import CLIENT, CLIENT6, SERVER, SERVER6, check, main
from peer import MAC, BareEngine, BareLink, Wire
from scapy.all import ICMP, IP, TCP, Ether, IPv6  # noqa: E402

OPEN, CLOSED = 7, 81
SERVICES = [('echo', OPEN, 'app = "echo"')]
ASKED = 64
# What real stacks send: MSS, SACK permitted, timestamps, window scale.
OPTIONS = [('MSS', 1460), ('SAckOK', b''), ('Timestamp', (1000, 0)), ('NOP', None), ('WScale', 7)]


def frame(engine, v4, port, local_port, flags, seq, options=()):
    ip = IP(src=CLIENT, dst=SERVER) if v4 else IPv6(src=CLIENT6, dst=SERVER6)
    return Ether(src=MAC, dst=engine.mac) / ip / TCP(sport=port, dport=local_port, flags=flags, seq=seq, options=list(options))


def ask(engine, wire, v4, port, local_port, flags):
    """The answer to a SYN, which is taken back at once."""
    wire.put(frame(engine, v4, port, local_port, 'S', 1000 * port, OPTIONS))
    answer = wire.get(lambda p: TCP in p and p[TCP].dport == port and p[TCP].sport == local_port)
    check(answer is not None and str(answer[TCP].flags) == flags, 'port', local_port, 'answered', answer and str(answer[TCP].flags))
    if flags == 'SA':
        wire.put(frame(engine, v4, port, local_port, 'R', 1000 * port + 1))
    return answer


def unrelated(values, bits, what):
    """Spread over the whole range, without order, and no neighbours close together; chance fails this once in 100,000 times."""
    whole = 1 << bits
    steps = [(b - a) % whole for a, b in zip(values, values[1:])]
    near = sum(min(step, whole - step) < whole >> 10 for step in steps)
    check(near <= 3, what, 'of neighbours lie close together:', values)
    check(10 <= len({value >> (bits - 4) for value in values}), what, 'keep to a part of the range:', values)
    up = sum(step < whole >> 1 for step in steps)
    check(12 <= up <= len(steps) - 12, what, 'mostly go one way:', values)


def answers_tell_nothing(engine, wire, v4, first_port):
    numbers, offsets, ids = [], [], []
    for port in range(first_port, first_port + ASKED):
        asked = time.monotonic_ns() // 1000000
        answer = ask(engine, wire, v4, port, OPEN, 'SA')
        numbers.append(answer[TCP].seq)
        offsets.append((dict((o[0], o[1]) for o in answer[TCP].options)['Timestamp'][0] - asked) % 2**32)
        ids.append(answer[IP].id if v4 else None)
    unrelated(numbers, 32, 'sequence numbers')
    unrelated(offsets, 32, 'timestamp offsets')
    if v4:
        unrelated(ids, 16, 'IP IDs of SYN|ACKs')


def handshakes_tell_nothing_of_the_next(link):
    for mode in ('auto', 'always'):
        with BareEngine(link, SERVICES, tcp=f'syn_cookies = "{mode}"') as engine, Wire(link) as wire:
            for v4 in (True, False):
                answers_tell_nothing(engine, wire, v4, 20000)


def resets_and_echoes_tell_nothing_of_the_next(link):
    with BareEngine(link, SERVICES) as engine, Wire(link) as wire:
        unrelated([ask(engine, wire, True, port, CLOSED, 'RA')[IP].id for port in range(30000, 30000 + ASKED)], 16, 'IP IDs of resets')
        ids = []
        for number in range(ASKED):
            wire.put(Ether(src=MAC, dst=engine.mac) / IP(src=CLIENT, dst=SERVER) / ICMP(id=77, seq=number))
            reply = wire.get(lambda p: ICMP in p and p[ICMP].type == 0 and p[ICMP].seq == number)
            check(reply is not None, 'no echo reply')
            ids.append(reply[IP].id)
        unrelated(ids, 16, 'IP IDs of echo replies')


if __name__ == '__main__':
    main(handshakes_tell_nothing_of_the_next, resets_and_echoes_tell_nothing_of_the_next, make_link=BareLink)
