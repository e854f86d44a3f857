# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases 71 to 94 and 113 to 134: loss, attacks, malformed packets, ICMP, IPv6."""
from scapy.all import (ICMP, IP, TCP, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPOption_LSRR,
                       IPOption_NOP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, fragment, raw)

from lab import CLIENT, CLIENT6, SERVER, SERVER6, check
from peer import MAC

MSS = ('MSS', 1000)


def case_071_fast_retransmit(t):
    p = t.listen(nodelay=1).established((MSS,))
    p.writes(bytes(6000))
    for i in range(6):
        p.expect('A', 1 + 1000 * i, size=1000)
    for _ in range(3):
        p.send('A', 1, 1)
    p.expect('A', 1, size=1000, patience=0.15)


def case_083_exact_rst(t):
    p = t.listen().established((MSS,))
    p.send('R', 1)
    p.silence()
    t.remote.expect(f'recv {p.handle} 10 wait_ms=2000', 'error ECONNRESET')


def case_084_inexact_rst(t):
    p = t.listen().established((MSS,))
    p.send('R', 100)
    p.expect('A', 1, 1)
    p.state_is('ESTABLISHED')


def case_085_rst_outside(t):
    p = t.listen().established((MSS,))
    p.send('R', 0x40000000)
    p.send('R', 0)
    p.silence()
    p.state_is('ESTABLISHED')


def case_086_rst_with_bad_ack(t):
    p = t.listen().established((MSS,))
    p.send('RA', 1, 5000)
    p.silence()
    t.remote.expect(f'recv {p.handle} 10 wait_ms=2000', 'error ECONNRESET')


def case_087_syn_in_established(t):
    p = t.listen().established((MSS,))
    p.send('S', 1)
    p.expect('A', 1, 1)
    p.state_is('ESTABLISHED')


def case_088_syn_ack_in_established(t):
    p = t.listen().established((MSS,))
    p.send('SA', 0, 1)
    p.expect('A', 1, 1)
    p.state_is('ESTABLISHED')


def case_089_challenge_limit(t):
    p = t.listen().established((MSS,))
    for _ in range(30):
        p.send('S', 1)
    p.expect('A', 1, 1)
    p.silence(0.1)


def case_091_ack_above_snd_nxt(t):
    p = t.listen().established((MSS,))
    p.send('A', 1, 500, data=b'no')
    p.expect('A', 1, 1)
    p.reads_nothing()


def case_092_ack_too_old(t):
    p = t.listen().established((MSS,))
    p.send('A', 1, 2**32 - 100_000, data=b'no')
    p.expect('A', 1, 1)
    p.reads_nothing()


def case_093_ack_slightly_old(t):
    p = t.listen().established((MSS,))
    p.writes(b'answer')
    p.expect('A', 1, 1, data=b'answer')
    p.send('A', 1, 7)
    p.send('A', 1, 3, data=b'yes')
    p.expect('A', 7, 4)
    p.reads(b'yes')


def case_113_bad_checksum(t):
    p = t.listen().peer()
    p.send('S', 0, chksum=0x1234)
    if t.v4:
        p.send('S', 0, ip={'chksum': 0x1234})
    p.silence()


def case_114_bad_data_offset(t):
    p = t.listen().peer()
    p.send('S', 0, dataofs=4)
    p.send('S', 0, dataofs=15)
    p.silence()


def case_115_ip_length(t):
    p = t.listen().peer()
    p.send('S', 0, ip={'len': 100})
    p.silence()
    t.raw(raw(p.frame('S', 0)) + bytes(20))
    p.expect('SA', 0, 1)


def case_116_martian_sources(t):
    p = t.listen().peer()
    for source in ('255.255.255.255', '224.0.0.1', '0.0.0.1', SERVER, '127.0.0.1'):
        before = sum(t.engine.stats()['verdicts'].values())
        p.send('S', 0, ip={'src': source})
        answer = t.wire.get(lambda f: TCP in f, 0.03)
        check(answer is None, 'an answer to', source)
        check(sum(t.engine.stats()['verdicts'].values()) > before, 'no verdict for', source)


def case_117_class_e_source(t):
    t.listen().peer().send('S', 0, ip={'src': '240.0.0.1'})
    check(t.wire.get(lambda f: TCP in f, 0.05) is None, 'an answer')


def case_118_broadcast_destination(t):
    p = t.listen().peer()
    for destination in ('10.77.0.255', '255.255.255.255', '224.0.0.1') if t.v4 else ('ff02::1',):
        p.send('S', 0, ip={'dst': destination}, mac='ff:ff:ff:ff:ff:ff')
    p.send('S', 0, mac='ff:ff:ff:ff:ff:ff')
    check(t.wire.get(lambda f: TCP in f, 0.05) is None, 'an answer')


def case_119_ttl_1(t):
    p = t.listen().peer()
    p.send('S', 0, ip={'ttl': 1} if t.v4 else {'hlim': 1})
    p.expect('SA', 0, 1)


def case_120_fragments(t):
    """The last first; of 16 bytes, in IPv6 of 24, where the first has to hold TCP's whole header (RFC 7112)."""
    p = t.listen().peer()
    options = [('MSS', 1000), ('SAckOK', b''), ('Timestamp', (1, 0)), ('NOP', None), ('WScale', 7)]
    if t.v4:
        whole = IP(raw(p.frame('S', 0, options=options, ip={'id': 4711, 'flags': 0})[IP]))
        pieces = fragment(whole, fragsize=16)
    else:
        segment = raw(IPv6(raw(p.frame('S', 0, options=options)[IPv6]))[TCP])
        pieces = [IPv6(src=CLIENT6, dst=SERVER6, nh=44) / IPv6ExtHdrFragment(nh=6, id=4711, offset=at // 8, m=int(at + 24 < len(segment)))
                  / segment[at:at + 24] for at in range(0, len(segment), 24)]
    check(len(pieces) == (3 if t.v4 else 2), pieces)
    for piece in reversed(pieces):
        t.raw(Ether(src=MAC, dst=t.engine.mac) / piece)
    p.expect('SA', 0, 1)


def case_121_ip_options(t):
    p = t.listen().peer()
    p.send('S', 0, ip={'options': [IPOption_NOP()] * 4})
    p.expect('SA', 0, 1)
    p = t.peer()
    p.send('S', 0, ip={'options': [IPOption_LSRR(routers=[SERVER])]})
    p.silence()


def case_122_foreign_frames(t):
    p = t.listen().peer()
    inner = raw(p.frame('S', 0))[14:]
    t.raw(Ether(src=MAC, dst=t.engine.mac) / Dot1Q(vlan=99) / inner)
    t.raw(raw(Ether(src=MAC, dst=t.engine.mac, type=0x88b5)) + inner)
    p.silence()


def icmp_about(t, p, kind, seq):
    """An error about the segment of ours at that sequence number."""
    inner = raw((IP(src=SERVER, dst=CLIENT) if t.v4 else IPv6(src=SERVER6, dst=CLIENT6))
                / TCP(sport=p.local_port, dport=p.port, seq=(p.iss + seq) % 2**32, flags='A'))
    if t.v4:
        t.raw(Ether(src=MAC, dst=t.engine.mac) / IP(src=CLIENT, dst=SERVER) / ICMP(type=kind[0], code=kind[1]) / inner)
    else:
        t.raw(Ether(src=MAC, dst=t.engine.mac) / IPv6(src=CLIENT6, dst=SERVER6) / ICMPv6DestUnreach(type=1, code=kind[1] % 5) / inner)


def case_123_icmp_is_soft(t):
    p = t.listen().established((MSS,))
    p.writes(b'in flight')
    p.expect('A', 1, data=b'in flight')
    for kind in ((3, 1), (3, 3), (11, 0), (4, 0)):
        icmp_about(t, p, kind, 1)
    p.send('A', 1, 10, data=b'alive')
    p.expect('A', 10, 6)
    p.state_is('ESTABLISHED')


def case_124_icmp_out_of_window(t):
    p = t.listen().established((MSS,))
    icmp_about(t, p, (3, 3), 0x40000000)
    p.send('A', 1, 1, data=b'alive')
    p.expect('A', 1, 6)
    check(t.remote.get(p.handle, 'error') == '0', 'an error was noted')


def case_131_ipv6_extension_headers(t):
    p = t.listen().peer()
    segment = raw(IPv6(raw(p.frame('S', 0)[IPv6]))[TCP])
    t.raw(Ether(src=MAC, dst=t.engine.mac) / IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt(nh=6) / segment)
    p.expect('SA', 0, 1)


def case_133_flow_label(t):
    labels = set()
    t.listen()
    for _ in range(2):
        p = t.peer()
        p.send('S', 0, options=(MSS,))
        mine = {p.expect('SA', 0, 1)[IPv6].fl}
        p.send('A', 1, 1, data=b'x')
        mine.add(p.expect('A', 1, 2)[IPv6].fl)
        check(len(mine) == 1, 'flow labels of one flow:', mine)
        labels |= mine
    check(len(labels) == 2, 'two flows share', labels)


def case_134_neighbour_solicitation(t):
    group = 'ff02::1:ff00:1'
    t.raw(Ether(src=MAC, dst='33:33:ff:00:00:01') / IPv6(src=CLIENT6, dst=group, hlim=255) / ICMPv6ND_NS(tgt=SERVER6)
          / ICMPv6NDOptSrcLLAddr(lladdr=MAC))
    answer = t.wire.get(lambda f: ICMPv6ND_NA in f)
    check(answer is not None and answer[ICMPv6ND_NA].tgt == SERVER6 and answer[IPv6].hlim == 255, 'no advertisement')
    for spoilt in ({'hlim': 64}, {'hlim': 255, 'src': 'ff02::1'}):
        t.raw(Ether(src=MAC, dst='33:33:ff:00:00:01') / IPv6(**{'src': CLIENT6, 'dst': group} | spoilt) / ICMPv6ND_NS(tgt=SERVER6))
        check(t.wire.get(lambda f: ICMPv6ND_NA in f, 0.05) is None, 'an answer to', spoilt)


CASES = [case for name, case in sorted(globals().items()) if name.startswith('case_')]
