# SPDX-License-Identifier: BSD-3-Clause
"""What the peers of the golden captures do. scenario(...) names one, with the arguments of its replay."""
from captures import OUR_MAC, OURS4, OURS6, PEER4, PEER6, PEER_MAC
from scapy.all import (ARP, ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ND_NA,
                       ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPOption_LSRR, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN, Raw, fragment, fragment6)

SCENARIOS = {}


def scenario(*arguments):
    def register(build):
        SCENARIOS[build.__name__] = (build, arguments)
        return build
    return register


@scenario()
def peer_closes_first(c):
    talk = c.talk(40001, 7)
    talk.open(0)
    talk.send(0.1, 'PA', 1, 1, b'hello')
    talk.send(0.2, 'A', 6, 6)
    talk.send(0.3, 'FA', 6, 6)
    talk.send(0.4, 'A', 7, 7)
    talk.send(0.5, 'A', 7, 7)  # the connection is gone: reset


@scenario()
def we_close_first(c):
    """TIME_WAIT is ours: 120 s from the last FIN, whatever the peer sends meanwhile."""
    talk = c.talk(40001, 13)
    talk.open(0)
    talk.send(0.1, 'A', 1, 42)      # 40 bytes and the FIN
    talk.send(0.2, 'FA', 1, 42)
    talk.send(60, 'FA', 1, 42)      # again: ACK, and 2MSL starts again
    talk.send(70, 'A', 2, 42)       # silence
    talk.send(80, 'PA', 2, 42, b'late')
    talk.send(90, 'R', 2)           # RFC 1337
    talk.send(179.9, 'PA', 2, 42, b'late')
    talk.send(180.1, 'A', 2, 42)    # 2MSL is over: reset


@scenario()
def time_wait_reused(c):
    """RFC 9293 3.10.7.4: a SYN above RCV.NXT opens a new connection whose ISS lies above the old SND.NXT."""
    talk = c.talk(40001, 13)
    talk.open(0)
    talk.send(0.2, 'FA', 1, 42)
    talk.send(5, 'S', 2 - 1000)     # below RCV.NXT: ACK
    talk.reuse(isn=50_000)
    talk.open(10)
    talk.send(10.2, 'FA', 1, 42)


@scenario()
def both_close(c):
    """FINs cross: FIN_WAIT_1, CLOSING, TIME_WAIT."""
    talk = c.talk(40001, 13)
    talk.open(0)
    talk.send(0.011, 'FA', 1, 1)    # sent before our FIN arrived
    talk.send(0.1, 'A', 2, 42)
    late = c.talk(40002, 13)        # FIN_WAIT_1 directly to TIME_WAIT
    late.open(1)
    late.send(1.1, 'FA', 1, 42)


@scenario()
def half_close(c):
    """Our FIN on accept; the peer goes on sending, and closes later."""
    talk = c.talk(40001, 9003)
    talk.open(0)
    talk.send(0.1, 'A', 1, 2)
    for i in range(4):
        talk.send(0.2 + i / 10, 'PA', 1 + 100 * i, 2, b'x' * 100)
    talk.send(1, 'FA', 401, 2)


@scenario()
def closed_unread(c):
    """The service closes 1 s after accept with bytes unread: RST. Nothing but its poll tells the time."""
    talk = c.talk(40001, 9005)
    talk.open(0)
    talk.send(0.5, 'PA', 1, 1, b'unread')


@scenario()
def resets(c):
    exact = c.talk(40001, 7)
    exact.open(0)
    exact.send(1, 'R', 1)
    exact.send(2, 'A', 1, 1)            # gone
    inexact = c.talk(40002, 7)
    inexact.open(0)
    inexact.send(1, 'R', 100)           # in the window: challenge ACK
    inexact.send(2, 'R', 1 << 20)       # outside: silence
    inexact.send(3, 'S', 0)             # RFC 5961: challenge ACK
    inexact.send(4, 'SA', 0, 1)
    inexact.send(5, 'PA', 1, 1, b'alive')
    inexact.send(5.1, 'A', 6, 6)
    inexact.send(6, 'RA', 6, 6)
    half_open = c.talk(40003, 7)
    half_open.send(0, 'S')
    half_open.send(0.5, 'R', 1)
    half_open.send(0.6, 'A', 1, 1)      # back to LISTEN: reset
    bad_ack = c.talk(40004, 7)
    bad_ack.send(0, 'S')
    bad_ack.send(0.5, 'A', 1, 5000)     # of what was never sent: RST, the state stays
    bad_ack.send(0.6, 'A', 1, 1)
    bad_ack.send(0.7, 'R', 1)


@scenario()
def closed_port(c):
    talk = c.talk(40001, 4)
    talk.send(0, 'S')
    talk.send(1, 'A', 1, 77)
    talk.send(2, 'F', 1, data=b'abc')
    talk.send(3, 'R', 1)
    listener = c.talk(40002, 7)
    listener.send(4, 'A', 1, 77)
    listener.send(5, 'SA', 0, 77)
    listener.send(6, 'F', 0)
    listener.send(7, 'SF', 0)
    listener.send(8, '', 0)
    v6 = c.talk(40001, 4, v6=True)
    v6.send(9, 'S')
    v6.send(10, 'A', 1, 77)


@scenario()
def unanswered(c):
    """Our SYN|ACK again after 1, 3, 7, 15 and 31 s; then the record is forgotten."""
    talk = c.talk(40001, 7)
    talk.send(0, 'S')
    talk.send(3.5, 'S')                 # again: the same SYN|ACK
    talk.send(70, 'A', 1, 1)


@scenario()
def loss(c):
    """Out of order with SACK; our data again by RTO, backing off."""
    talk = c.talk(40001, 7)
    talk.open(0, options=[('MSS', 1000), ('SAckOK', b'')])
    talk.send(0.1, 'PA', 11, 1, b'b' * 10)
    talk.send(0.2, 'PA', 31, 1, b'd' * 10)
    talk.send(0.3, 'PA', 21, 1, b'c' * 10)
    talk.send(0.4, 'PA', 21, 1, b'c' * 10)  # again: DSACK
    talk.send(0.5, 'PA', 1, 1, b'a' * 10)
    talk.send(7, 'A', 41, 41)
    talk.send(21, 'FA', 41, 41)
    talk.send(21.1, 'A', 42, 42)


@scenario()
def zero_window(c):
    """Probes with exponential back-off, answered; then the window opens."""
    talk = c.talk(40001, 80)
    talk.open(0)
    talk.send(0.1, 'PA', 1, 1, b'GET / HTTP/1.1\r\nHost: a\r\n\r\n', window=0)
    for at in (0.5, 1.5, 3.5, 7.5, 15):
        talk.send(at, 'A', 28, 1, window=0)
    talk.send(16, 'A', 28, 1)
    talk.send(16.1, 'A', 28, 2921)
    talk.send(16.2, 'A', 28, 3084)
    talk.send(17, 'FA', 28, 3084)
    talk.send(17.1, 'A', 29, 3085)


@scenario()
def web(c):
    keep = c.talk(40001, 80)
    keep.open(0)
    keep.send(0.1, 'PA', 1, 1, b'GET / HTTP/1.1\r\nHost: a\r\n\r\n' * 2)  # pipelined
    keep.send(0.2, 'A', 55, 1461)
    keep.send(0.3, 'A', 55, 5841)
    keep.send(0.4, 'A', 55, 6167)
    keep.send(0.5, 'R', 55)
    last = c.talk(40002, 80)
    last.open(1)
    last.send(1.1, 'PA', 1, 1, b'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    last.send(1.2, 'A', 47, 2921)
    last.send(1.3, 'FA', 47, 3104)
    bad = c.talk(40003, 80)
    bad.open(2)
    bad.send(2.1, 'PA', 1, 1, b'nonsense\r\n\r\n')
    bad.send(2.2, 'FA', 13, 123)


@scenario()
def options(c):
    full = c.talk(40001, 7)
    full.send(0, 'S', options=[('MSS', 1400), ('SAckOK', b''), ('Timestamp', (500, 0)), ('NOP', None), ('WScale', 7)])
    full.send(0.01, 'A', 1, 1, options=[('Timestamp', (510, 1))])
    full.send(0.1, 'PA', 1, 1, b'hello', options=[('Timestamp', (600, 1))])
    full.send(0.2, 'PA', 6, 6, b'old', options=[('Timestamp', (400, 1))])   # PAWS: ACK, dropped
    full.send(0.3, 'R', 6, options=[('Timestamp', (400, 1))])               # exempt from PAWS
    none = c.talk(40002, 19)
    none.open(1, options=[])                                                 # segments of 536 bytes
    none.send(1.1, 'R', 1)
    odd = c.talk(40003, 7)
    odd.send(2, 'S', options=[('MSS', 65535), ('WScale', 15), (77, b'\1\2'), ('MSS', 1000)])
    odd.send(2.1, 'R', 1)
    tiny = c.talk(40004, 7)
    tiny.send(3, 'S', options=[('MSS', 0)])
    tiny.send(3.1, 'R', 1)


@scenario()
def ipv6(c):
    talk = c.talk(40001, 7, v6=True)
    talk.open(0)
    talk.send(0.1, 'PA', 1, 1, b'hello over six')
    talk.send(0.2, 'A', 15, 15)
    talk.send(0.3, 'FA', 15, 15)
    talk.send(0.4, 'A', 16, 16)
    first = c.talk(40002, 13, v6=True)
    first.open(1, options=[])
    first.send(1.1, 'FA', 1, 42)
    behind = c.talk(40003, 7, v6=True)                       # extension headers before TCP
    c.add(2, behind.head() / IPv6ExtHdrHopByHop(options=[PadN(optdata=b'\0' * 4)]) /
          IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)]) / behind.segment('S'))
    behind.send(2.1, 'R', 1)


@scenario('--set', 'port.front.vlan=7')
def vlan(c):
    c.add(0, Ether(src=PEER_MAC, dst='ff:ff:ff:ff:ff:ff') / Dot1Q(vlan=7) / ARP(op=1, hwsrc=PEER_MAC, psrc=PEER4, pdst=OURS4))
    talk = c.talk(40001, 7, vlan=7)
    talk.open(0.1)
    talk.send(0.2, 'PA', 1, 1, b'tagged')
    talk.send(0.3, 'R', 7)
    for tag in (0, 8):                                       # untagged, foreign
        c.talk(40002, 7, vlan=tag).send(1, 'S')
    c.talk(40003, 7, v6=True, vlan=7).send(2, 'S')
    c.talk(40003, 7, v6=True, vlan=7).send(2.1, 'R', 1)
    c.add(3, Ether(src=PEER_MAC, dst=OUR_MAC) / Dot1Q(vlan=7) / IP(src=PEER4, dst=OURS4) / ICMP(id=1, seq=1) / Raw(b'ping'))


@scenario()
def neighbours(c):
    everybody = Ether(src=PEER_MAC, dst='ff:ff:ff:ff:ff:ff')
    c.add(0, Ether(src=PEER_MAC, dst=OUR_MAC) / IP(src=PEER4, dst=OURS4) / ICMP(id=1, seq=1) / Raw(b'odd'))
    c.add(1, everybody / ARP(op=1, hwsrc=PEER_MAC, psrc=PEER4, pdst=OURS4))
    c.add(2, everybody / ARP(op=1, hwsrc=PEER_MAC, psrc='0.0.0.0', pdst=OURS4))           # a probe, RFC 5227
    c.add(3, everybody / ARP(op=1, hwsrc=PEER_MAC, psrc=PEER4, pdst='10.77.0.9'))         # about others
    c.add(4, everybody / ARP(op=1, hwsrc=PEER_MAC, psrc=PEER4, pdst=PEER4))               # gratuitous
    c.add(5, Ether(src=PEER_MAC, dst=OUR_MAC) / IP(src=PEER4, dst=OURS4) / ICMP(id=1, seq=2) / Raw(bytes(1472)))
    c.add(6, everybody / IP(src=PEER4, dst='10.77.0.255') / ICMP(id=1, seq=3))
    c.add(7, Ether(src=PEER_MAC, dst=OUR_MAC) / IP(src=PEER4, dst=OURS4) / ICMP(type=13))  # timestamp: no answer
    group = Ether(src=PEER_MAC, dst='33:33:ff:00:00:01')
    ask = ICMPv6ND_NS(tgt=OURS6)
    c.add(8, group / IPv6(src=PEER6, dst='ff02::1:ff00:1', hlim=255) / ask / ICMPv6NDOptSrcLLAddr(lladdr=PEER_MAC))
    c.add(9, group / IPv6(src='::', dst='ff02::1:ff00:1', hlim=255) / ask)                # duplicate address detection
    c.add(10, group / IPv6(src=PEER6, dst='ff02::1:ff00:1', hlim=64) / ask)               # was forwarded: ignored
    c.add(11, Ether(src=PEER_MAC, dst=OUR_MAC) / IPv6(src=PEER6, dst=OURS6, hlim=255) / ask)
    c.add(12, Ether(src=PEER_MAC, dst=OUR_MAC) / IPv6(src=PEER6, dst=OURS6, hlim=255) /
          ICMPv6ND_NA(tgt=PEER6) / ICMPv6NDOptDstLLAddr(lladdr=PEER_MAC))
    c.add(13, Ether(src=PEER_MAC, dst=OUR_MAC) / IPv6(src=PEER6, dst=OURS6) / ICMPv6EchoRequest(id=1, seq=1, data=b'odd'))


@scenario()
def icmp_errors(c):
    """Soft errors, and those about what is not in flight, change nothing (RFC 5927); all stay unanswered."""
    for v6 in (False, True):
        talk = c.talk(40001 + v6, 80, v6=v6)
        talk.open(0)
        talk.send(0.1, 'PA', 1, 1, b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        iss = talk.synack()[0]
        for i, seq in enumerate((1, 900_000)):
            inner = TCP(sport=talk.dport, dport=talk.sport, seq=(iss + seq) & 0xffffffff)
            if v6:
                error = IPv6(src=PEER6, dst=OURS6) / ICMPv6DestUnreach(code=0) / IPv6(src=OURS6, dst=PEER6) / inner
            else:
                error = IP(src=PEER4, dst=OURS4) / ICMP(type=3, code=1) / IP(src=OURS4, dst=PEER4) / inner
            c.add(0.2 + i / 10, Ether(src=PEER_MAC, dst=OUR_MAC) / error)
        talk.send(0.5, 'A', 28, 2881 if v6 else 2921)
        talk.send(0.6, 'R', 28)


@scenario()
def malformed(c):
    """Silence to nearly all of it, ICMP errors about what is not known or cannot be, and a handshake afterwards."""
    talk = c.talk(40001, 7)
    link = Ether(src=PEER_MAC, dst=OUR_MAC)
    ip = IP(src=PEER4, dst=OURS4, id=1)
    syn = talk.segment('S')
    ping = ICMP(id=1, seq=1) / Raw(b'ping')
    from4 = [IP(src=src, dst=OURS4) / syn for src in ('0.0.0.1', '127.0.0.1', '224.0.0.1', '240.0.0.1', OURS4, '255.255.255.255')]
    to4 = [IP(src=PEER4, dst=dst) / syn for dst in ('10.77.0.255', '224.0.0.1', '255.255.255.255', '10.77.0.9')]
    bad = [
        ip / talk.segment('S', chksum=0x1234), IP(src=PEER4, dst=OURS4, chksum=0x1234) / syn, ip / ICMP(chksum=0x1234) / b'ping',
        ip / talk.segment('S', dataofs=4), ip / talk.segment('S', dataofs=15), IP(src=PEER4, dst=OURS4, proto=6) / Raw(bytes(syn)[:12]),
        IP(src=PEER4, dst=OURS4, len=400) / syn, IP(src=PEER4, dst=OURS4, len=19) / syn, IP(src=PEER4, dst=OURS4, ihl=4) / syn,
        IP(src=PEER4, dst=OURS4, version=5) / syn, IP(src=PEER4, dst=OURS4, proto=123) / Raw(b'who?'), ip / UDP(dport=7) / b'hi',
        IP(src=PEER4, dst=OURS4, options=[IPOption_LSRR(routers=['10.77.0.3'])]) / syn,
        ip / TCP(sport=0, dport=7, flags='S'),
        *from4, *to4, *fragment(ip / ping, 8)[1:],
        IPv6(src=PEER6, dst=OURS6, plen=400) / syn, IPv6(src=PEER6, dst=OURS6, plen=4) / syn, IPv6(src='::1', dst=OURS6) / syn,
        IPv6(src='ff02::1', dst=OURS6) / syn, IPv6(src='::ffff:10.77.0.2', dst=OURS6) / syn, IPv6(src=PEER6, dst='ff02::1') / syn,
        IPv6(src=PEER6, dst=OURS6, version=4) / syn, IPv6(src=PEER6, dst=OURS6, nh=59) / Raw(b'none'),
        IPv6(src=PEER6, dst=OURS6) / IPv6ExtHdrFragment(m=1) / syn, IPv6(src=PEER6, dst=OURS6, nh=0) / Raw(b'\6'),
        IPv6(src=PEER6, dst=OURS6) / talk.segment('S', chksum=0x1234),
        IPv6(src=PEER6, dst=OURS6) / ICMPv6EchoRequest(cksum=0x1234), IPv6(src=PEER6, dst=OURS6, nh=58) / Raw(b'\x80\0'),
    ]
    frames = [bytes(link / packet) for packet in bad]
    whole = bytes(link / ip / syn)
    frames += [whole[:n] for n in (1, 13, 14, 15, 33, 34, 53)]
    frames += [bytes(Ether(src=PEER_MAC, dst='02:00:00:00:00:09') / ip / syn), bytes(Ether(src=PEER_MAC, dst='ff:ff:ff:ff:ff:ff') / ip / syn),
               bytes(Ether(src='03:00:00:00:00:02', dst=OUR_MAC) / ip / syn), bytes(link / Dot1Q(vlan=7) / ip / syn),
               bytes(Ether(src=PEER_MAC, dst=OUR_MAC, type=0x88b5) / Raw(b'what?')), bytes(link / ARP(hwtype=6)), bytes(link / Raw(b'')),
               bytes(link / ARP(op=1, hwsrc=PEER_MAC, psrc=PEER4, pdst=OURS4))[:40]]
    for i, frame in enumerate(frames):
        c.add(i / 1000, frame)
    talk.open(1)
    padded = bytes(talk.head() / talk.segment('PA', 1, 1, b'padded')) + b'\xaa' * 20   # Ethernet padding is no data
    c.add(1.1, padded)
    talk.send(1.2, 'R', 7)


@scenario()
def fragments(c):
    """What scapy cuts up is put together again, in any order; overlaps and what never ends are not. Over both families."""
    for at, v6 in ((0, False), (10, True)):
        talk = c.talk(40001 + at, 7, v6)
        address = IPv6(src=PEER6, dst=OURS6) if v6 else IP(src=PEER4, dst=OURS4)

        def pieces(segment, number, talk=talk, address=address, v6=v6):
            if v6:
                return fragment6(address / IPv6ExtHdrFragment(id=number) / segment, 48 + 400)
            packet = address / segment
            packet.id = number
            return fragment(packet, 400)

        link = Ether(src=PEER_MAC, dst=OUR_MAC)
        talk.open(at)
        text = talk.segment('PA', 1, 1, bytes(range(250)) * 4)
        for i, piece in enumerate(reversed(pieces(text, 1))):
            c.add(at + 0.1 + i / 100, link / piece)
        talk.send(at + 1, 'A', 1001, 1001)
        more = talk.segment('PA', 1001, 1001, b'y' * 1000)
        first, *rest = pieces(more, 2)
        for i, piece in enumerate((first, first, *rest, *rest)):  # twice: the echo comes once
            c.add(at + 2 + i / 100, link / piece)
        talk.send(at + 3, 'A', 2001, 2001)
        evil = pieces(talk.segment('PA', 2001, 2001, b'z' * 1000), 3)
        shifted = evil[1].copy()  # 16 bytes to the front: into the first
        if v6:
            shifted[IPv6ExtHdrFragment].offset -= 2
        else:
            shifted.frag -= 2
        for i, piece in enumerate((evil[0], shifted, *evil[1:])):
            c.add(at + 4 + i / 100, link / piece)
        talk.send(at + 5, 'R', 2001)


@scenario()
def jumbo(c):
    """Frames beyond the MTU arrive whole (a capture made with receive offloads): no frame is lost, none is answered wrongly."""
    talk = c.talk(40001, 7)
    talk.open(0)
    talk.send(0.1, 'PA', 1, 1, b'j' * 9000)
    talk.send(0.2, 'A', 9001, 9001)
    talk.send(0.3, 'R', 9001)


@scenario()
def keepalive(c):
    """Two hours idle, then ten probes 75 s apart, then reset; the other peer answers its first probe and starts anew."""
    silent = c.talk(40001, 8)
    silent.open(0)
    silent.send(0.1, 'PA', 1, 1, b'x')
    silent.send(0.2, 'A', 2, 2)
    there = c.talk(40002, 8)
    there.open(1)
    there.send(7201.02, 'A', 1, 1)
