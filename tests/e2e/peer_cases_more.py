# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases of which the engine is the one that opens, of keepalive and time, of every state, and of IPv6."""
import time

from scapy.all import ICMP, IP, TCP, Ether, ICMPv6DestUnreach, ICMPv6ParamProblem, IPv6, IPv6ExtHdrFragment, raw

from lab import CLIENT, CLIENT6, SERVER, SERVER6, check, wait_until
from peer import MAC, Peer
from peer_cases_data import fin_sent
from peer_cases_open import CLOSED, half_open

MSS = ('MSS', 1000)


def opened(t):
    """A connection of ours in SYN_SENT, and its SYN heard."""
    p = t.peer(local_port=0)
    address = CLIENT if t.v4 else f'[{CLIENT6}]'
    answer = t.remote.ask(f'connect {address}:{p.port}').split()
    check(answer[:2] == ['error', 'EINPROGRESS'], answer)
    p.handle = answer[2]
    p.local_port = int(t.remote.get(p.handle, 'local').rpartition(':')[2])
    p.expect('S', 0)
    return p


def established_by_us(p):
    p.send('SA', 0, 1, options=(MSS,))
    p.expect('A', 1, 1)
    p.state_is('ESTABLISHED')
    return p


def case_023_simultaneous_open(t):
    p = opened(t)
    p.send('S', 0, options=(MSS,))
    p.expect('SA', 0, 1)
    p.state_is('SYN_RCVD')
    p.send('A', 1, 1)
    p.silence()
    p.state_is('ESTABLISHED')


def case_024_bad_ack_in_syn_sent(t):
    p = opened(t)
    p.send('A', 9, 0)
    p.expect('R', 0)
    p.expect('S', 0)  # who answers so has a connection of before, which the RST ended: once, and soon, as Linux does
    p.send('A', 9, 2)
    p.expect('R', 2)
    p.send('RA', 9, 2)
    p.silence()
    established_by_us(p)


def case_025_refused(t):
    p = opened(t)
    p.send('R', 0)
    p.silence()
    p.state_is('SYN_SENT')
    p.send('RA', 0, 1)
    words = p.app('poll', 'wait_ms=2000')
    check('err' in words, words)
    check(t.remote.get(p.handle, 'error') == 'ECONNREFUSED')


def case_026_syn_ack_with_bad_ack(t):
    p = opened(t)
    p.send('SA', 0, 5)
    p.expect('R', 5)
    p.state_is('SYN_SENT')
    established_by_us(p)


def case_027_simultaneous_open_with_loss(t):
    """The crossing SYN comes twice, and our SYN|ACK was lost the first time."""
    p = opened(t)
    for _ in range(2):
        p.send('S', 0, options=(MSS,))
        p.expect('SA', 0, 1)
    p.send('SA', 0, 1, options=(MSS,))
    p.expect('A', 1, 1)
    p.state_is('ESTABLISHED')


def case_125_hard_icmp_in_syn_sent(t):
    p = opened(t)
    inner = (IP(src=SERVER, dst=CLIENT) if t.v4 else IPv6(src=SERVER6, dst=CLIENT6)) / TCP(sport=p.local_port, dport=p.port, seq=p.iss, flags='S')
    if t.v4:
        t.raw(Ether(src=MAC, dst=t.engine.mac) / IP(src=CLIENT, dst=SERVER) / ICMP(type=3, code=3) / raw(inner))
    else:
        t.raw(Ether(src=MAC, dst=t.engine.mac) / IPv6(src=CLIENT6, dst=SERVER6) / ICMPv6DestUnreach(code=4) / raw(inner))
    words = p.app('poll', 'wait_ms=2000')
    check('err' in words, words)


def case_048_conflicting_overlap(t):
    p = t.listen().established((MSS,))
    p.send('A', 5, 1, data=b'BBBB')
    p.expect('A', 1, 1)
    p.send('A', 1, 1, data=b'aaaaaa')
    p.expect('A', 1, 9)
    p.reads(b'aaaaaaBB')


def case_067_old_window_update(t):
    p = t.listen().established((MSS,))
    p.send('A', 1, 1, data=b'abc')
    p.expect('A', 1, 4)
    p.send('A', 4, 1, win=1000)
    p.send('A', 1, 1, data=b'abc', win=100)
    p.expect('A', 1, 4)
    check(t.remote.get(p.handle, 'snd_wnd') == '1000', 'an old segment set the window')
    p.send('A', 4, 1, win=2000)
    p.silence()
    check(t.remote.get(p.handle, 'snd_wnd') == '2000', 'a new one did not')


def case_068_fin_into_zero_window(t):
    p = t.listen().established((MSS,))
    p.send('A', 1, 1, win=0)
    p.silence()
    p.app('shutdown', 'wr')
    p.expect('FA', 1, 1)
    p.send('A', 1, 2, win=0)
    p.silence()
    p.state_is('FIN_WAIT_2')


def case_070_rto(t):
    p = t.listen(nodelay=1).established((MSS,))
    p.writes(b'x')
    gaps = []
    for _ in range(4):
        begin = time.monotonic()
        p.expect('A', 1, data=b'x')
        gaps.append(time.monotonic() - begin)
    # The first is the transmission, the next perhaps a tail loss probe.
    check(gaps[3] > 1.5 * gaps[2] > 0.1, 'no back-off:', gaps)


def case_078_initial_window(t):
    p = t.listen(nodelay=1).established((('MSS', 1440),))
    p.writes(bytes(60_000))
    end = 1
    while (frame := t.wire.get(p.mine, 0.1)) is not None:
        end = (frame[TCP].seq - p.iss) % 2**32 + len(p.payload(frame))
        check(end <= 1 + 10 * 1440, 'more than ten segments:', end)
    check(end == 1 + 10 * 1440, 'less than ten segments:', end)


def in_fin_wait_2(t):
    p = fin_sent(t)
    p.send('A', 1, 2)
    return p


def in_close_wait(t):
    p = t.listen().established((MSS,))
    p.send('FA', 1, 1)
    p.expect('A', 1, 2)
    return p


def in_last_ack(t):
    p = in_close_wait(t)
    p.app('shutdown', 'wr')
    p.expect('FA', 1, 2)
    return p


def in_closing(t):
    p = fin_sent(t)
    p.send('FA', 1, 1)
    p.expect('A', 2, 2)
    return p


def in_time_wait(t):
    p = fin_sent(t)
    p.send('FA', 1, 2)
    p.expect('A', 2, 2)
    return p


EVERY_STATE = {
    'CLOSED': lambda t: t.peer(local_port=CLOSED),
    'LISTEN': lambda t: t.listen().peer(),
    'SYN_SENT': opened,
    'SYN_RCVD': half_open,
    'ESTABLISHED': lambda t: t.listen().established((MSS,)),
    'FIN_WAIT_1': fin_sent,
    'FIN_WAIT_2': in_fin_wait_2,
    'CLOSE_WAIT': in_close_wait,
    'CLOSING': in_closing,
    'LAST_ACK': in_last_ack,
    'TIME_WAIT': in_time_wait,
}


def case_094_no_rst_for_rst(t):
    """The ones that end a connection come last."""
    for state, reach in EVERY_STATE.items():
        for flags in ('R', 'RA'):
            p = reach(t)
            for at in (1_000_000, 1000, 3, 0, 2, 1):
                p.send(flags, at, 1)
            answers = [p.describe(frame) for frame in p.heard() if 'R' in str(frame[TCP].flags)]
            check(not answers, state, flags, 'was answered', answers)


def time_wait(t, stamp):
    p = t.listen().established((MSS, ('Timestamp', (stamp - 1, 0))))
    p.app('close')
    p.expect('FA', 1, 1)
    p.send('FA', 1, 2, options=[('Timestamp', (stamp, p.option('Timestamp')[0]))])
    p.expect('A', 2, 2)
    return p


def case_108_time_wait_timestamps(t):
    p = time_wait(t, 5000)
    p.send('S', 5000, options=(MSS, ('Timestamp', (4000, 0))))
    p.expect('A', 2, 2)
    p.send('S', 0, options=(MSS, ('Timestamp', (5000, 0))))
    p.expect('A', 2, 2)
    again = Peer(t, port=p.port)
    again.isn = (p.isn - 5000) % 2**32
    again.send('S', 0, options=(MSS, ('Timestamp', (5001, 0))))
    again.expect('SA', 0, 1)
    check(again.option('Timestamp')[1] == 5001, 'TSecr', again.option('Timestamp'))


def case_112_keepalive(t):
    p = t.listen(keepalive=1, keepidle_s=1, keepintvl_s=1, keepcnt=1).established((MSS,))
    p.expect('A', 0, 1, patience=1.5)
    p.send('A', 1, 1)
    p.expect('A', 0, 1, patience=1.5)
    p.expect('RA', 1, 1, patience=1.5)
    t.remote.expect(f'recv {p.handle} 10 wait_ms=2000', 'error ETIMEDOUT')


def case_131_parameter_problem(t):
    t.raw(Ether(src=MAC, dst=t.engine.mac) / IPv6(src=CLIENT6, dst=SERVER6, nh=200) / b'unknown header')
    problem = t.wire.get(lambda f: ICMPv6ParamProblem in f)
    check(problem is not None, 'no Parameter Problem')
    check((problem[ICMPv6ParamProblem].code, problem[ICMPv6ParamProblem].ptr) == (1, 6), problem.summary())


def case_132_atomic_and_overlapping_fragments(t):
    p = t.listen().peer()
    segment = raw(IPv6(raw(p.frame('S', 0, options=[MSS])[IPv6]))[TCP])
    head = Ether(src=MAC, dst=t.engine.mac) / IPv6(src=CLIENT6, dst=SERVER6, nh=44)
    t.raw(head / IPv6ExtHdrFragment(nh=6, id=1, offset=0, m=0) / segment)
    p.expect('SA', 0, 1)
    q = t.peer()
    segment = raw(IPv6(raw(q.frame('S', 0, options=[MSS], data=bytes(24))[IPv6]))[TCP])
    check(len(segment) == 48, len(segment))
    for begin, end in ((0, 24), (24, 40), (32, 48), (40, 48)):
        t.raw(head / IPv6ExtHdrFragment(nh=6, id=2, offset=begin // 8, m=int(end < 48)) / segment[begin:end])
    q.silence()
    # The last one waits for the others, for a minute: another that contradicts it ends that.
    t.raw(head / IPv6ExtHdrFragment(nh=6, id=2, offset=5, m=0) / (b'other' * 2)[:8])
    wait_until(lambda: t.engine.stats()['verdicts']['FragmentOverlap'] >= 2, 'the overlaps to be noticed')


CASES = [case for name, case in sorted(globals().items()) if name.startswith('case_')]
