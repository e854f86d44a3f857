# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases that want an engine configured in another way: 19 without cookies, 20 with nothing else, 42 to 44 with ECN, 135 with Fast
Open; and the same segments where none of it is configured."""
import struct

from scapy.all import IP, IPv6, raw

from lab import check
from peer import ROUND_TRIP

MSS = ('MSS', 1000)
STAMPS = ('Timestamp', (1000, 0))
NOT_ECT, ECT, CE = 0, 2, 3
ECHO = 7


def full_backlog(t):
    """One connection, and as many half-open ones as the listener may have: of the remote service eight at least."""
    p = t.listen(backlog=1).established((MSS,))
    half_open = [t.peer() for _ in range(8)]
    for each in half_open:
        each.send('S', 0, options=(MSS,))
        each.expect('SA', 0, 1)
    return p, half_open[0], t.peer()


def still_works(p):
    p.send('A', 1, 1, data=b'still here')
    p.expect('A', 1, 11)
    p.reads(b'still here')


def case_019_backlog_full_drops(t):
    p, half_open, late = full_backlog(t)
    before = t.verdict('ListenBacklogFull')
    late.send('S', 0, options=(MSS,))
    late.silence()
    check(t.verdict('ListenBacklogFull') == before + 1, 'dropped for another reason')
    still_works(p)
    half_open.send('A', 1, 1)
    half_open.accept()
    half_open.state_is('ESTABLISHED')
    late.send('S', 0, options=(MSS,))  # there is room again
    late.expect('SA', 0, 1)


def case_019_backlog_full_sends_cookies(t):
    p, half_open, late = full_backlog(t)
    before = t.verdict('ListenCookieSent')
    late.send('S', 0, options=(MSS,))
    late.expect('SA', 0, 1)
    check(t.verdict('ListenCookieSent') == before + 1, 'it was no cookie')
    still_works(p)
    late.send('A', 1, 1, data=b'hello')
    late.expect('A', 1, 6)
    late.accept()
    late.reads(b'hello')
    half_open.send('A', 1, 1)
    half_open.accept()
    still_works(half_open)


def by_cookie(t, offered, restored, shift=None, sack=False, stamps=False):
    """After a handshake of which nothing was held the connection does what the SYN offered."""
    options = [('MSS', offered)] + [('SAckOK', b'')] * sack + [STAMPS] * stamps + [('WScale', shift)] * (shift is not None)
    p = t.peer()
    p.send('S', 0, options=options)
    p.expect('SA', 0, 1)
    answered = [p.option(name) is not None for name in ('SAckOK', 'Timestamp', 'WScale')]
    check(answered == [sack, stamps, shift is not None], 'offered:', options, 'answered:', p.last.options)
    stamp = p.timestamps(options)
    p.send('A', 1, 1, win=3, options=stamp)
    p.accept()
    check(p.info('mss') == restored, 'an MSS of', p.info('mss'), 'instead of', restored)
    check(p.info('snd_wnd') == 3 << (shift or 0), 'a window of', p.info('snd_wnd'))
    size = restored - 12 * stamps
    p.gives(60_000 << (shift or 0), 'A', 1, 1, win=60_000, options=stamp)
    p.writes(bytes(2 * size))
    p.run(1, 2, size)
    p.send('A', 1, 1 + 2 * size, win=60_000, options=stamp)
    p.acked(1 + 2 * size)
    p.heard(0.01)
    p.send('A', 101, 1 + 2 * size, data=bytes(50), options=stamp)
    p.expect('A', 1 + 2 * size, 1)
    check(p.blocks() == ([(101, 151)] if sack else []), 'SACK blocks', p.blocks())


def case_020_cookie_restores_the_options(t):
    """Without timestamps the nearest of a few MSSs, with them exactly."""
    t.listen(nodelay=1)
    full = 1460 if t.v4 else 1440
    before = t.verdict('ListenCookieAccepted')
    by_cookie(t, full, full, 7, sack=True)
    by_cookie(t, 65535, full, 14)
    by_cookie(t, 1400 if t.v4 else 1380, 1400 if t.v4 else 1380, sack=True)
    by_cookie(t, 1000, 536 if t.v4 else 516)
    by_cookie(t, 1000, 1000, 7, sack=True, stamps=True)
    by_cookie(t, 1301, 1301, stamps=True)
    check(t.verdict('ListenCookieAccepted') == before + 6, 'they were no cookies')


def case_020_bad_cookies(t):
    p = t.listen().peer()
    p.send('S', 0, options=(MSS,))
    p.expect('SA', 0, 1)
    other_port, other_address = t.peer(), t.peer(port=p.port, host=3)
    for other in (other_port, other_address):
        other.isn, other.iss = p.isn, p.iss
    for who, seq, ack in ((p, 1, 0x101), (p, 1, 0x80000001), (p, 2, 1), (p, 0, 1), (other_port, 1, 1), (other_address, 1, 1)):
        who.send('A', seq, ack)
        who.expect('R', ack)
    t.remote.expect(f'accept {t.listener}', 'error EAGAIN')
    p.send('A', 1, 1)  # the right one is good all the same
    p.accept()
    p.state_is('ESTABLISHED')


def case_020_cookie_without_its_timestamps(t):
    p = t.listen().peer()
    p.send('S', 0, options=(MSS, STAMPS))
    p.expect('SA', 0, 1)
    right = p.timestamps((STAMPS,))
    for options in ((), [('Timestamp', (1001, 12345))]):
        p.send('A', 1, 1, options=options)
        p.expect('R', 1)
    p.send('A', 1, 1, options=right)
    p.accept()
    p.state_is('ESTABLISHED')


def case_020_syn_flood(t):
    """Far more SYNs than there is room for leave nothing behind, and a client gets through between them."""
    t.listen(backlog=1)
    flood = [raw(t.peer(host=4).frame('S', 0, options=(MSS,))) for _ in range(200)]
    for syn in flood:
        t.raw(syn)
    still_works(t.established((MSS,)))
    for syn in flood:
        t.raw(syn)
    still_works(t.established((MSS,)))
    states = t.engine.stats()['states']
    check(states.get('SYN_RCVD', 0) == 0, states)


def ecn_of(frame):
    return (frame[IP].tos if IP in frame else frame[IPv6].tc) & 3


def marked(t):
    """Congestion experienced on the way."""
    return {'tos': CE} if t.v4 else {'tc': CE}


def with_ecn(t, round_trip=0.0, **listen):
    p = t.listen(nodelay=1, **listen).peer()
    p.send('SEC', 0, options=(MSS,))
    check(ecn_of(p.expect('SAE', 0, 1)) == NOT_ECT, 'ECT on a SYN|ACK')
    return p.finish((MSS,), round_trip=round_trip)


def says(p, size, is_ect, flags='A', seq=1):
    p.writes(bytes(size))
    check(ecn_of(p.expect(flags, seq, size=size)) == (ECT if is_ect else NOT_ECT), 'ECT or not')


def case_042_ecn_setup(t):
    says(with_ecn(t), 10, True)
    for flags in ('S', 'SE', 'SC'):  # one flag alone is no offer
        p = t.peer()
        p.send(flags, 0, options=(MSS,))
        p.expect('SA', 0, 1)
        says(p.finish((MSS,)), 10, False)


def case_042_no_ecn_unless_enabled(t):
    """Nor is a mark or an echo heeded then."""
    p = t.listen(nodelay=1).peer()
    p.send('SEC', 0, options=(MSS,))
    p.expect('SA', 0, 1)
    p.finish((MSS,))
    says(p, 10, False)
    p.send('A', 1, 11, data=b'x', ip=marked(t))
    p.expect('A', 11, 2)
    p.send('AE', 2, 11)
    p.silence()
    check(p.info('ssthresh') == 2**32 - 1, 'ssthresh', p.info('ssthresh'))


def case_043_congestion_experienced(t):
    """ECE until CWR; ECT on new text only."""
    p = with_ecn(t)

    def answered(seq, ack, flags, said='A', ip=None):
        p.send(said, seq, ack, data=bytes(100), ip=ip)
        check(ecn_of(p.expect(flags, ack, seq + 100, size=0)) == NOT_ECT, 'ECT on a pure ACK')

    p.send('A', 1, 1, ip=marked(t))  # a mark on a pure ACK means nothing
    answered(1, 1, 'A')
    answered(101, 1, 'AE', ip=marked(t))
    answered(201, 1, 'AE')
    says(p, 50, True, 'AE')
    answered(301, 51, 'A', said='AC')
    answered(401, 51, 'AE', said='AC', ip=marked(t))


def case_043_no_ect_on_what_is_sent_again(t):
    p = with_ecn(t)
    says(p, 500, True)
    check(ecn_of(p.expect('A', 1, size=500)) == NOT_ECT, 'ECT on a retransmission')
    p.gives(0, 'A', 1, 501, win=0)
    p.writes(bytes(500))
    check(ecn_of(p.expect('A')) == NOT_ECT, 'ECT on a window probe')


def case_044_ecn_echo(t):
    """The window is halved once a round trip, and CWR goes with the next new text."""
    p = with_ecn(t, ROUND_TRIP, congestion='newreno')
    p.writes(bytes(60_000))
    check({ecn_of(frame) for frame in p.run(1, 10)} == {ECT}, 'text that is not ECT')
    for ack in range(1001, 5002, 1000):
        p.send('AE', 1, ack)
        p.acked(ack)
        check((p.info('ssthresh'), p.info('cwnd')) == (5000, 5000), 'ssthresh and window:', p.info('ssthresh'), p.info('cwnd'))
    p.silence()
    p.send('AE', 1, 6001)
    p.expect('AC', 10_001, size=1000)
    p.send('A', 1, 7001)
    p.expect('A', 11_001, size=1000)
    p.send('A', 1, 10_001)
    p.acked(10_001)
    p.heard()
    cwnd = p.info('cwnd')
    p.send('AE', 1, 11_001)  # a new round trip
    p.acked(11_001)
    check(p.info('cwnd') < cwnd, 'a window of', p.info('cwnd'), 'after one of', cwnd)


def request(cookie=b''):
    """The option of RFC 7413; without a cookie it asks for one."""
    return MSS, (34, cookie)


def granted(p):
    return struct.pack('!II', *p.option('TFO')) if p.option('TFO') else b''


def ask(p):
    p.send('S', 0, options=request(), data=b'not yet')
    p.expect('SA', 0, 1)
    p.send('R', 1)
    check(len(granted(p)) == 8, 'a cookie', granted(p))
    return granted(p)


def case_135_fast_open_cookies(t):
    """Each client has one of its own."""
    t.listen()
    mine, again, other = ask(t.peer()), ask(t.peer()), ask(t.peer(host=3))
    check(mine == again != other, 'cookies:', mine, again, other)


def case_135_text_before_the_ack(t):
    cookie = ask(t.listen().peer())
    p = t.peer()
    p.send('S', 0, options=request(cookie), data=b'hello')
    p.expect('SA', 0, 6)
    check(not granted(p), 'another cookie')
    p.accept()
    p.state_is('SYN_RCVD')
    p.reads(b'hello')
    for _ in range(2):  # delivered once
        p.send('S', 0, options=request(cookie), data=b'hello')
        p.expect('SA', 0, 6)
    p.send('S', 0, options=(MSS,))  # as after a timeout
    p.expect('SA', 0, 6)
    p.send('A', 1, 1, data=b'hello')
    p.expect('A', 1, 6)
    p.state_is('ESTABLISHED')
    p.reads_nothing()
    t.remote.expect(f'accept {t.listener}', 'error EAGAIN')
    p.send('A', 6, 1, data=b'!')
    p.expect('A', 1, 7)
    p.reads(b'!')


def case_135_answer_before_the_ack(t):
    cookie = ask(t.peer(local_port=ECHO))
    p = t.peer(local_port=ECHO)
    p.send('S', 0, options=request(cookie), data=b'hello')
    p.expect('SA', 0, 6)
    p.expect('A', 1, 6, data=b'hello')
    p.send('A', 6, 6)
    p.silence()
    p.send('R', 6)


def case_135_bad_fast_open_cookie(t):
    """Cut short, spoilt, another's: an ordinary handshake and a better cookie, and the text comes again."""
    cookie = ask(t.listen().peer())
    for host, bad in ((2, cookie[:6]), (2, cookie[:7] + bytes([cookie[7] ^ 1])), (3, cookie)):
        p = t.peer(host=host)
        p.send('S', 0, options=request(bad), data=b'hello')
        p.expect('SA', 0, 1)
        check(len(granted(p)) == 8 and granted(p) != bad, 'a cookie', granted(p))
        t.remote.expect(f'accept {t.listener}', 'error EAGAIN')
        p.send('A', 1, 1, data=b'hello')
        p.expect('A', 1, 6)
        p.accept()
        p.reads(b'hello')


def case_135_no_fast_open_unless_enabled(t):
    p = t.listen().peer()
    p.send('S', 0, options=request(), data=b'hello')
    p.expect('SA', 0, 1)
    check(p.option('TFO') is None, 'a cookie:', p.option('TFO'))


# What is added to [tcp], and the cases that want it.
CONFIGURED = [
    ('', [case_019_backlog_full_sends_cookies, case_042_no_ecn_unless_enabled, case_135_no_fast_open_unless_enabled]),
    ('syn_cookies = "never"\necn = true',
     [case_019_backlog_full_drops, case_042_ecn_setup, case_043_congestion_experienced, case_043_no_ect_on_what_is_sent_again,
      case_044_ecn_echo]),
    ('syn_cookies = "always"',
     [case_020_cookie_restores_the_options, case_020_bad_cookies, case_020_cookie_without_its_timestamps, case_020_syn_flood]),
    ('fastopen = true',
     [case_135_fast_open_cookies, case_135_text_before_the_ack, case_135_answer_before_the_ack, case_135_bad_fast_open_cookie]),
]
