# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases 126 to 130: path MTUs. Each dialogue has an address of its own, for what is learned of a path is kept."""
from scapy.all import ICMP, IP, TCP, Ether, ICMPv6PacketTooBig, IPv6, raw

from lab import SERVER, SERVER6, check
from peer import MAC, ROUND_TRIP


def sending(t, size, mss=1460):
    """One segment under way to a distant stranger."""
    p = t.listen(nodelay=1).stranger().establish((('MSS', mss),), round_trip=ROUND_TRIP)
    p.writes(bytes(size))
    p.expect('A', 1, size=size)
    return p


def headers(t):
    return 40 if t.v4 else 60


def too_big(t, p, mtu, about=1):
    """About a segment of ours, by its sequence number."""
    inner = raw((IP(src=SERVER, dst=p.address, len=1500) if t.v4 else IPv6(src=SERVER6, dst=p.address, plen=1460))
                / TCP(sport=p.local_port, dport=p.port, seq=(p.iss + about) % 2**32, flags='A'))
    if t.v4:
        t.raw(Ether(src=MAC, dst=t.engine.mac) / IP(src=p.address, dst=SERVER) / ICMP(type=3, code=4, nexthopmtu=mtu) / inner)
    else:
        t.raw(Ether(src=MAC, dst=t.engine.mac) / IPv6(src=p.address, dst=SERVER6) / ICMPv6PacketTooBig(mtu=mtu) / inner)


def cut(p, size, largest):
    """What is under way comes again, as so many segments as it takes now; a timeout would send the whole again."""
    p.expect('A', 1, size=largest)
    p.expect('A', 1 + largest, size=size - largest)
    p.send('A', 1, 1 + size)


def ignored(t, p, count, tell):
    """All that is told is nothing to go by."""
    before = t.verdict('IcmpErrorIgnored')
    tell()
    p.silence()
    check(t.verdict('IcmpErrorIgnored') == before + count, t.verdict('IcmpErrorIgnored') - before, 'were ignored, not', count)


def case_126_path_mtu(t):
    p = sending(t, 1400)
    too_big(t, p, 1300)
    cut(p, 1400, 1300 - headers(t))
    p.writes(bytes(3000))
    p.expect('A', 1401, size=1300 - headers(t))
    # Another connection on the same path, which nobody has told.
    other = t.peer(host=p.host).establish((('MSS', 1460),), round_trip=ROUND_TRIP)
    other.writes(bytes(3000))
    other.expect('A', 1, size=1300 - headers(t))


def case_127_mtu_below_the_floor(t):
    """Whatever is claimed, segments do not get smaller than those of Linux's 552 bytes."""
    for mtu in (1, 68, 551, 552):
        p = sending(t, 1000)
        too_big(t, p, mtu)
        cut(p, 1000, 512)


def case_127_message_without_an_mtu(t):
    """The next plateau (RFC 1191 5)."""
    p = sending(t, 1460)
    too_big(t, p, 0)
    cut(p, 1460, 1452)


def case_127_larger_mtu(t):
    p = sending(t, 1000, mss=1000)

    def tell():
        for mtu in (max(1000 + headers(t), 1280), 1500, 9000, 65535):
            too_big(t, p, mtu)

    ignored(t, p, 4, tell)


def case_127_mtu_of_what_is_not_in_flight(t):
    size = 1500 - headers(t)
    p = sending(t, size)

    def tell():
        for about in (0, 1 + size, 0x80000000):
            too_big(t, p, 1300, about)

    ignored(t, p, 3, tell)


def case_128_black_hole(t):
    """Large segments vanish, and nobody says why: the text arrives all the same, and what follows is sent in small ones."""
    full, base = 1500 - headers(t), 1024 if t.v4 else 1220
    p = t.listen(nodelay=1).stranger().establish((('MSS', 1460),))
    p.writes(bytes(2 * full))
    p.run(1, 2, full)
    received = 1
    while received < 1 + 2 * full:
        at, size = p.place(p.expect('A', patience=4))
        if size <= base and at <= received:
            received = max(received, at + size)
            p.send('A', 1, received)
    p.acked(received)
    p.heard()
    p.writes(bytes(3000))
    p.expect('A', received, size=base)


def case_130_packet_too_big(t):
    """RFC 8201 4: less than 1280 is discarded."""
    p = sending(t, 1440)

    def tell():
        for mtu in (0, 68, 1279):
            too_big(t, p, mtu)

    ignored(t, p, 3, tell)
    too_big(t, p, 1280)
    cut(p, 1440, 1220)


CASES = [case for name, case in sorted(globals().items()) if name.startswith('case_')]
