# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases 72 to 82: loss recovery and congestion control. The peer is distant where a timer would spoil the dialogue; what is
measured in seconds is held against a bound from one side, or against the time that really passed."""
import time

from scapy.all import raw

from lab import check, wait_until
from peer import ROUND_TRIP, WAIT

MSS = ('MSS', 1000)
SACK = ('SAckOK', b'')
STAMPS = ('Timestamp', (1000, 0))
NONE_YET = 2**32 - 1


def sending(t, size, options=(MSS, SACK), **listen):
    """A distant peer, and so many bytes under way in segments of 1000; ten of them are the initial window."""
    p = t.listen(nodelay=1, **listen).established(options, round_trip=ROUND_TRIP)
    p.timeouts = timeouts(t)
    p.writes(bytes(size))
    p.run(1, min(10, size // 1000))
    return p


def timeouts(t):
    """Of all connections, but there is one at a time."""
    return sum(shard['counters']['rto_timeouts'] for shard in t.engine.stats()['shards'])


def by_retransmission(p):
    """What was sent again is no timeout's doing."""
    check(timeouts(p.table) == p.timeouts, 'a timeout')


def by_timeout(p):
    """A window of one segment is left."""
    check(p.info('cwnd') < 2000, 'no timeout, with a window of', p.info('cwnd'))


def case_072_what_is_no_duplicate_ack(t):
    """An ACK with text, and one with another window."""
    p = sending(t, 10_000, (MSS,))
    for i in range(5):
        p.send('A', 1 + i, 1, data=b'x')
        p.expect('A', 10_001, 2 + i, size=0)
    for win in range(60_000, 59_995, -1):
        p.send('A', 6, 1, win=win)
    for _ in range(2):
        p.send('A', 6, 1, win=59_996)
    p.silence()
    p.send('A', 6, 1, win=59_996)
    p.expect('A', 1, size=1000)
    by_retransmission(p)


def case_073_sack_recovery(t):
    """Only the holes, in order."""
    p = sending(t, 10_000)
    for reported in (((1001, 2001),), ((1001, 3001),), *(((4001, right), (1001, 3001)) for right in range(5001, 10_002, 1000))):
        p.send('A', 1, 1, options=p.sack(*reported))
    places = p.places()
    check(places == [(1, 1000), (3001, 1000)], 'sent again:', places)
    by_retransmission(p)
    p.send('A', 1, 3001, options=p.sack((4001, 10_001)))
    p.send('A', 1, 10_001)
    p.silence()


def case_073_recovery_keeps_the_pipe_within_the_window(t):
    """Seven are lost, and the window is halved to five."""
    p = sending(t, 30_000, congestion='newreno')
    p.send('A', 1, 1, options=p.sack((7001, 10_001)))
    places = p.places()
    check(p.info('ssthresh') == 5000, 'ssthresh', p.info('ssthresh'))
    check(1 <= len(places) <= 5, len(places), 'segments at once')
    check(places == [(1 + 1000 * i, 1000) for i in range(len(places))], 'sent:', places)
    by_retransmission(p)


def case_074_reordering_is_waited_for(t):
    p = sending(t, 3000)
    time.sleep(ROUND_TRIP)
    for bytes_ in [raw(p.frame('A', 1, 1, options=p.sack((1001, 2001)))), raw(p.frame('A', 1, 3001))]:
        t.raw(bytes_)
    p.silence(ROUND_TRIP / 2)


def case_074_what_is_missing_longer_is_sent_again(t):
    """After a quarter of a round trip."""
    p = sending(t, 3000)
    time.sleep(ROUND_TRIP)
    begin = time.monotonic()
    p.send('A', 1, 1, options=p.sack((1001, 2001)))
    p.expect('A', 1, size=1000)
    check(time.monotonic() - begin > ROUND_TRIP / 8, 'it was not waited for')
    by_retransmission(p)
    p.send('A', 1, 3001)


def case_074_tail_loss_probe(t):
    """After about two round trips the last one, and the window stays; what that shows to be lost goes again at once."""
    p = sending(t, 4000)
    time.sleep(ROUND_TRIP)
    begin = time.monotonic()
    p.send('A', 1, 2001)
    p.acked(2001)
    cwnd = p.info('cwnd')
    p.expect('A', 3001, size=1000)
    check(time.monotonic() - begin > 1.5 * ROUND_TRIP, 'the probe came early')
    check(p.info('cwnd') == cwnd, 'a window of', p.info('cwnd'), 'after one of', cwnd)
    time.sleep(ROUND_TRIP)
    p.send('A', 1, 2001, options=p.sack((3001, 4001)))
    p.expect('A', 2001, size=1000)
    by_retransmission(p)
    p.send('A', 1, 4001)
    p.silence()


def case_075_lost_retransmission(t):
    """What left after it has arrived: it is sent again without a timeout."""
    p = sending(t, 20_000)
    p.send('A', 1, 1, options=p.sack((1001, 4001)))
    p.expect('A', 1, size=1000)
    for right in range(5001, 10_002, 1000):
        p.send('A', 1, 1, options=p.sack((1001, right)))
    p.expect('A', 10_001, size=1000)
    p.heard()
    p.send('A', 1, 1, options=p.sack((1001, 11_001)))
    p.expect('A', 1, size=1000)
    by_retransmission(p)


def case_076_reneging(t):
    """After a timeout what was reported is sent again: the peer may have thrown it away (RFC 2018 8)."""
    p = sending(t, 4000)
    p.send('A', 1, 1, options=p.sack((2001, 3001)))
    while p.info('cwnd') >= 2000:
        p.expect('A')
    p.heard()
    p.send('A', 1, 1001)
    places = p.places()
    check((1001, 1000) in places and (2001, 1000) in places, 'sent again:', places)
    p.send('A', 1, 3001)
    places = p.places()
    check((3001, 1000) in places, 'sent again:', places)
    p.send('A', 1, 4001)
    p.acked(4001)


def case_077_timestamps_undo_a_spurious_timeout(t):
    p = t.listen(nodelay=1).established((MSS, STAMPS))
    p.writes(bytes(5 * 988))
    p.expect('A', 1, size=988)
    echo = p.option('Timestamp')[0]
    p.run(1 + 988, 4, 988)
    p.expect('A', 1, size=988)
    by_timeout(p)
    p.send('A', 1, 989, options=[('Timestamp', (1010, echo))])
    p.acked(989)
    check(p.info('cwnd') >= 9000, 'a window of', p.info('cwnd'))
    check(p.info('ssthresh') == NONE_YET, 'ssthresh', p.info('ssthresh'))
    p.silence()  # what is outstanding is not lost
    p.send('A', 1, 4941, options=[('Timestamp', (1011, echo))])


def case_077_frto_undoes_a_spurious_timeout(t):
    p = t.listen(nodelay=1).established((MSS, SACK))
    p.writes(bytes(30_000))
    p.run(1, 10)
    p.expect('A', 10_001, size=1000)  # the tail loss probe
    p.expect('A', 1, size=1000)
    by_timeout(p)
    p.send('A', 1, 1001)
    p.run(11_001, 2)
    p.send('A', 1, 2001)
    places = p.places()
    check(p.info('cwnd') >= 10_000, 'a window of', p.info('cwnd'))
    check(all(at >= 13_001 for at, _ in places), 'sent after it was undone:', places)
    p.send('A', 1, 13_001)
    p.expect('A', 13_001, size=1000)


def case_077_dsack_undoes_a_spurious_retransmission(t):
    """The first one was late, not lost."""
    p = sending(t, 30_000)
    time.sleep(ROUND_TRIP)  # so that the ACKs below come too early to be of what is sent again
    p.send('A', 1, 1, options=p.sack((1001, 5001)))
    p.expect('A', 1, size=1000)
    p.heard()
    p.send('A', 1, 5001)
    p.acked(5001)
    p.heard()
    check(p.info('cwnd') < 10_000, 'a window of', p.info('cwnd'))
    p.send('A', 1, 5001, options=p.sack((1, 1001)))
    wait_until(lambda: p.info('cwnd') >= 10_000, 'the reduction to be undone', WAIT)


def case_079_slow_start(t):
    """A stretch ACK counts for eight segments."""
    for algorithm in ('cubic', 'newreno'):
        p = sending(t, 10_000, (MSS,), congestion=algorithm)
        check(p.info('cwnd') == 10_000, 'a window of', p.info('cwnd'))
        p.send('A', 1, 10_001)
        p.acked(10_001)
        check(p.info('cwnd') == 18_000, algorithm, 'has a window of', p.info('cwnd'))


def case_079_ack_division(t):
    for algorithm in ('cubic', 'newreno'):
        p = sending(t, 10_000, (MSS,), congestion=algorithm)
        for ack in range(101, 1002, 100):
            p.send('A', 1, ack)
        p.acked(1001)
        check(p.info('cwnd') == 11_000, algorithm, 'has a window of', p.info('cwnd'))


def case_080_what_a_loss_leaves(t):
    """Of CUBIC seven tenths, of NewReno a half."""
    for algorithm, left in (('cubic', 7000), ('newreno', 5000)):
        p = sending(t, 10_000, (MSS,), congestion=algorithm)
        for _ in range(3):
            p.send('A', 1, 1)
        p.expect('A', 1, size=1000)
        check(p.info('ssthresh') == left, algorithm, 'left', p.info('ssthresh'))


class Reader:
    """A distant peer that reads everything, and acknowledges two segments at a time a round trip after the first was heard."""

    def __init__(self, t):
        self.p = t.listen(nodelay=1).established((MSS, ('NOP', None), ('WScale', 4)), 60_000, round_trip=ROUND_TRIP)
        self.taken = self.end = 1
        self.cwnd = self.p.info('cwnd')

    def hear(self):
        self.p.table.remote.ask(f'send {self.p.handle} fill=100000')
        self.end = max([self.end, *(at + size for at, size in self.p.places())])

    def round(self):
        begin = time.monotonic()
        self.hear()
        time.sleep(max(0.0, begin + ROUND_TRIP - time.monotonic()))
        while self.taken < self.end:
            self.taken = min(self.taken + 2000, self.end)
            self.p.send('A', 1, self.taken, win=60_000)
        self.p.acked(self.taken)
        self.cwnd = self.p.info('cwnd')


def case_080_cubic_growth(t):
    """W(t) = 0.4 (t - K)^3 + W_max, in segments and seconds; half the way to K it is far above what Reno would have."""
    r = Reader(t)
    for _ in range(12):
        if r.cwnd < 40_000:
            r.round()
    w_max = r.cwnd / 1000
    check(w_max >= 40, 'slow start led to', w_max, 'segments')
    r.hear()
    flight = (r.end - r.taken) / 1000
    for _ in range(3):
        r.p.send('A', 1, r.taken, win=60_000)
    wait_until(lambda: r.p.info('ssthresh') != NONE_YET, 'a recovery', WAIT)
    left = r.p.info('ssthresh') / 1000
    check(abs(left - 0.7 * flight) <= 1, 'of', flight, 'segments', left, 'were left')
    r.round()  # ends it
    epoch = time.monotonic()
    k = ((w_max - left) / 0.4) ** (1 / 3)

    def window(age):
        return w_max + 0.4 * (min(age, k) - k) ** 3

    while time.monotonic() - epoch < k / 2:
        r.round()
    age, cwnd = time.monotonic() - epoch, r.cwnd / 1000
    lowest, highest = window(age - 2 * ROUND_TRIP) - 1, window(age + 2 * ROUND_TRIP) + 1
    check(lowest <= cwnd <= highest, 'after', age, 'of', k, 'seconds', cwnd, 'segments, not', lowest, 'to', highest)
    check(cwnd > left + age / ROUND_TRIP + 1, 'no more than Reno would have:', cwnd)


def gaps(p, count, seq, text):
    """Seconds before each of so many retransmissions."""
    p.expect('A', seq, data=text)
    times = [time.monotonic()]
    for _ in range(count):
        p.expect('A', seq, data=text, patience=4)
        times.append(time.monotonic())
    return [after - before for before, after in zip(times, times[1:])]


def case_081_ack_resets_the_back_off(t):
    """When it gives up, after minutes, is left to the scripts."""
    p = t.listen(nodelay=1).established((MSS,))
    p.writes(b'x')
    slow = gaps(p, 3, 1, b'x')
    p.send('A', 1, 2)
    p.acked(2)
    p.writes(b'y')
    quick = gaps(p, 1, 2, b'y')
    check(slow[2] > 1.5 * slow[1], 'no back-off:', slow)
    check(quick[0] < slow[2], 'the back-off was kept:', slow, quick)


def case_081_giving_up(t):
    """After the time that the application names."""
    p = t.listen(nodelay=1, user_timeout_ms=700).established((MSS,))
    begin = time.monotonic()
    p.writes(b'x')
    t.remote.expect(f'recv {p.handle} 10 wait_ms=5000', 'error ETIMEDOUT')
    check(time.monotonic() - begin >= 0.7, 'it gave up after', time.monotonic() - begin)


def case_082_optimistic_ack(t):
    p = sending(t, 1000, (MSS,))
    cwnd = p.info('cwnd')
    p.send('A', 1, 1002)
    p.expect('A', 1001, 1, size=0)
    p.acked(1)
    check(p.info('cwnd') == cwnd, 'a window of', p.info('cwnd'), 'after one of', cwnd)
    p.send('A', 1, 1001)
    p.acked(1001)


CASES = [case for name, case in sorted(globals().items()) if name.startswith('case_')]
