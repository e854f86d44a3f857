# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases 71 to 94 and 113 to 134: loss, attacks, malformed packets, ICMP, IPv6."""
from scapy.all import (ICMP, IP, TCP, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPOption_LSRR,
                       ICMPv6TimeExceeded, IPOption_NOP, IPOption_SSRR, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                       IPv6ExtHdrRouting, fragment, raw)

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


def case_090_no_side_channel(t):
    """One connection has used up its limit by far: another does not feel it (CVE-2016-5696)."""
    p, other = t.listen().established((MSS,)), t.established((MSS,))
    syn = raw(p.frame('S', 0, options=(MSS,)))
    for _ in range(300):
        t.raw(syn)
    p.expect('A', 1, 1)
    other.send('R', 5)
    other.expect('A', 1, 1)
    other.state_is('ESTABLISHED')


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


def long_syn(p):
    """40 bytes of TCP, and the packet that they would be whole."""
    options = [('MSS', 1000), ('SAckOK', b''), ('Timestamp', (1, 0)), ('NOP', None), ('WScale', 7)]
    frame = p.frame('S', 0, options=options, ip={'id': 4711, 'flags': 0} if p.v4 else {})
    packet = IP(raw(frame[IP])) if p.v4 else IPv6(raw(frame[IPv6]))
    check(len(raw(packet[TCP])) == 40, packet.summary())
    return raw(packet[TCP]), packet


def piece(t, p, segment, begin, end, number):
    """So much of the segment as a fragment of that datagram."""
    last = end == len(segment)
    if p.v4:
        ip = IP(src=p.address, dst=SERVER, proto=6, id=number, frag=begin // 8, flags=0 if last else 'MF')
    else:
        ip = IPv6(src=p.address, dst=SERVER6, nh=44) / IPv6ExtHdrFragment(nh=6, id=number, offset=begin // 8, m=int(not last))
    t.raw(Ether(src=MAC, dst=t.engine.mac) / ip / segment[begin:end])


def case_120_fragments(t):
    """The last first; of 16 bytes, in IPv6 of 24, where the first has to hold TCP's whole header (RFC 7112)."""
    p = t.listen().peer()
    segment, packet = long_syn(p)
    held = 'Ipv4Fragment' if t.v4 else 'Ipv6Fragment'
    before = t.verdict(held)
    if t.v4:
        pieces = fragment(packet, fragsize=16)
        check(len(pieces) == 3, pieces)
        for each in reversed(pieces):
            t.raw(Ether(src=MAC, dst=t.engine.mac) / each)
    else:
        for begin, end in ((24, 40), (0, 24)):
            piece(t, p, segment, begin, end, 4711)
    p.expect('SA', 0, 1)
    check(t.verdict(held) == before + (2 if t.v4 else 1), 'somebody else put them together')


def case_120_tiny_fragments(t):
    """RFC 1858: a first one with 8 bytes of TCP, a second one at offset 8. RFC 7112: in IPv6 the first has the whole header."""
    p = t.listen().peer()
    segment, _ = long_syn(p)
    pieces = [(0, 8), (8, 40)] if t.v4 else [(0, 8), (0, 16)]
    before = t.verdict('FragmentTiny')
    for number, (begin, end) in enumerate(pieces):
        piece(t, p, segment, begin, end, 4800 + number)
    p.silence()
    check(t.verdict('FragmentTiny') == before + 2, t.verdict('FragmentTiny') - before, 'of two were tiny')


def case_120_overlapping_fragments(t):
    """All of the datagram is given up, whichever of the two said otherwise; what is left of it makes no SYN."""
    p = t.listen().peer()
    segment, _ = long_syn(p)
    other = segment[:30] + bytes([segment[30] ^ 1]) + segment[31:]
    before = t.verdict('FragmentOverlap')
    overlaps = [(segment, 24, 32), (other, 24, 40), (segment, 16, 32) if t.v4 else (segment, 32, 40)]
    for number, (text, begin, end) in enumerate(overlaps, 4900):
        piece(t, p, segment, 24, 40, number)
        piece(t, p, text, begin, end, number)
        piece(t, p, segment, 0, 24, number)
    p.silence()
    check(t.verdict('FragmentOverlap') >= before + 3, t.verdict('FragmentOverlap') - before, 'overlaps')
    if t.v4:
        # Of IPv4 the first ones wait for others: what overlaps them ends that.
        for number in range(4900, 4903):
            piece(t, p, segment, 16, 32, number)
        p.silence()


def case_121_ip_options(t):
    p = t.listen().peer()
    p.send('S', 0, ip={'options': [IPOption_NOP()] * 4})
    p.expect('SA', 0, 1)
    for route in (IPOption_LSRR, IPOption_SSRR):
        p = t.peer()
        p.send('S', 0, ip={'options': [route(routers=[SERVER])]})
        p.silence()


def case_122_foreign_frames(t):
    p = t.listen().peer()
    inner = raw(p.frame('S', 0))[14:]
    t.raw(Ether(src=MAC, dst=t.engine.mac) / Dot1Q(vlan=99) / inner)
    t.raw(raw(Ether(src=MAC, dst=t.engine.mac, type=0x88b5)) + inner)
    p.silence()


def icmp_about(t, p, kind, seq):
    """An error about the segment of ours at that sequence number; `kind` is type and code of the family's ICMP."""
    inner = raw((IP(src=SERVER, dst=CLIENT) if t.v4 else IPv6(src=SERVER6, dst=CLIENT6))
                / TCP(sport=p.local_port, dport=p.port, seq=(p.iss + seq) % 2**32, flags='A'))
    if t.v4:
        message = IP(src=CLIENT, dst=SERVER) / ICMP(type=kind[0], code=kind[1])
    else:
        message = IPv6(src=CLIENT6, dst=SERVER6) / {1: ICMPv6DestUnreach, 3: ICMPv6TimeExceeded}[kind[0]](code=kind[1])
    t.raw(Ether(src=MAC, dst=t.engine.mac) / message / inner)


def case_123_icmp_is_soft(t):
    """Unreachable for whatever reason, Time Exceeded, and of IPv4 the source quench, to which nobody listens (RFC 6633)."""
    p = t.listen().established((MSS,))
    p.writes(b'in flight')
    p.expect('A', 1, data=b'in flight')
    errors = [(3, 0), (3, 1), (3, 2), (3, 3), (3, 13), (11, 0)] if t.v4 else [(1, 0), (1, 1), (1, 3), (1, 4), (3, 0)]
    before = t.verdict('IcmpErrorHandled')
    for kind in errors + [(4, 0)] * t.v4:
        icmp_about(t, p, kind, 1)
    p.send('A', 1, 10, data=b'alive')
    p.expect('A', 10, 6)
    handled = t.verdict('IcmpErrorHandled') - before
    check(handled == len(errors), handled, 'of', len(errors), 'were found to be about this connection')
    p.state_is('ESTABLISHED')
    p.writes(b'still')
    p.expect('A', 10, 6, data=b'still')


def case_124_icmp_out_of_window(t):
    p = t.listen().established((MSS,))
    before = t.verdict('IcmpErrorIgnored')
    icmp_about(t, p, (3, 3) if t.v4 else (1, 4), 0x40000000)
    p.send('A', 1, 1, data=b'alive')
    p.expect('A', 1, 6)
    check(t.remote.get(p.handle, 'error') == '0', 'an error was noted')
    check(t.verdict('IcmpErrorIgnored') == before + 1, 'it was not ignored')


def case_131_ipv6_extension_headers(t):
    p = t.listen().peer()
    segment = raw(IPv6(raw(p.frame('S', 0)[IPv6]))[TCP])
    t.raw(Ether(src=MAC, dst=t.engine.mac) / IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt(nh=6) / segment)
    p.expect('SA', 0, 1)
    p = t.peer()
    segment = raw(IPv6(raw(p.frame('S', 0)[IPv6]))[TCP])
    t.raw(Ether(src=MAC, dst=t.engine.mac) / IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrRouting(nh=6, segleft=0) / segment)
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
