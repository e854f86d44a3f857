# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases 45 to 69 and 95 to 111: data and reassembly, flow control, teardown."""
import itertools
import time

from lab import check
from peer import Peer

MSS = ('MSS', 1000)
SACK = ('SAckOK', b'')


def sacking(t):
    return t.listen().established((MSS, SACK))


def case_045_all_orders(t):
    """A sixth of them; the script tests have all 120."""
    t.listen()
    for order in list(itertools.permutations(range(5)))[::6]:
        p = t.established((MSS, SACK))
        for i in order:
            p.send('A', 1 + 10 * i, 1, data=bytes([65 + i]) * 10)
        p.reads(b''.join(bytes([65 + i]) * 10 for i in range(5)))


def case_046_sack_block_count(t):
    p = sacking(t)
    for i in range(5):
        p.send('A', 101 + 200 * i, 1, data=bytes(100))
        p.expect('A', 1, 1)
    check(len(p.blocks()) == 4, p.blocks())
    check(p.blocks()[0] == (901, 1001), 'not the newest first:', p.blocks())


def case_047_old_and_new(t):
    p = sacking(t)
    p.send('A', 1, 1, data=b'abcdef')
    p.expect('A', 1, 7)
    p.send('A', 4, 1, data=b'defghi')
    p.expect('A', 1, 10)
    p.reads(b'abcdefghi')


def case_049_full_duplicate(t):
    p = sacking(t)
    p.send('A', 1, 1, data=b'abcdef')
    p.expect('A', 1, 7)
    p.send('A', 1, 1, data=b'abcdef')
    p.expect('A', 1, 7)
    check(p.blocks() == [(1, 7)], 'no D-SACK:', p.blocks())


def case_050_partial_duplicate(t):
    p = sacking(t)
    p.send('A', 1, 1, data=b'abcdef')
    p.expect('A', 1, 7)
    p.send('A', 4, 1, data=b'defghi')
    p.expect('A', 1, 10)
    check(p.blocks() == [(4, 7)], 'no D-SACK:', p.blocks())


def case_051_immediate_acks(t):
    p = sacking(t)
    p.send('A', 11, 1, data=bytes(10))
    p.expect('A', 1, 1, patience=0.1)
    check(p.blocks() == [(11, 21)], p.blocks())
    p.send('A', 1, 1, data=bytes(10))
    p.expect('A', 1, 21, patience=0.1)
    check(p.blocks() == [], p.blocks())


def case_052_delayed_ack(t):
    p = t.listen(quickack=0).established((MSS,))
    p.send('A', 1, 1, data=b'x')
    p.expect('A', 1, 2, patience=0.6)
    p.send('A', 2, 1, data=bytes(1000))
    p.send('A', 1002, 1, data=bytes(1000))
    p.expect('A', 1, 2002, patience=0.6)


def case_053_sequence_wrap(t):
    t.listen()
    p = t.peer()
    p.isn = 0xfffffff0
    p.establish((MSS,))
    p.send('A', 1, 1, data=b'over the edge of 32 bits')
    p.expect('A', 1, 25)
    p.send('FA', 25, 1)
    p.expect('A', 1, 26)
    p.reads(b'over the edge of 32 bits')


def case_054_beyond_the_window(t):
    p = t.listen(rcvbuf=2000).established((MSS,))
    p.send('A', 100_000, 1, data=b'beyond')
    p.expect('A', 1, 1)
    p.send('A', 1, 1, data=bytes(1000))
    p.expect('A', 1, 1001)
    p.send('A', 1001, 1, data=bytes(1400))
    # Trimmed to the window, or dropped whole.
    p.expect('A', 1)
    check((p.last.ack - p.isn) % 2**32 in (1001, 2001), 'ack', (p.last.ack - p.isn) % 2**32)


def case_055_fin_with_data_out_of_order(t):
    p = sacking(t)
    p.send('FA', 4, 1, data=b'def')
    p.expect('A', 1, 1)
    p.reads_nothing()
    p.send('A', 1, 1, data=b'abc')
    p.expect('A', 1, 8)
    p.reads(b'abcdef')
    t.remote.expect(f'recv {p.handle} 10 wait_ms=2000', 'ok eof')


def case_056_bare_fin_out_of_order(t):
    p = sacking(t)
    p.send('FA', 4, 1)
    p.expect('A', 1, 1)
    p.send('A', 1, 1, data=b'abc')
    p.expect('A', 1, 5)


def case_057_data_after_fin(t):
    p = t.listen().established((MSS,))
    p.send('FA', 1, 1)
    p.expect('A', 1, 2)
    p.send('A', 2, 1, data=b'too late')
    p.silence()
    t.remote.expect(f'recv {p.handle} 10', 'ok eof')


def case_058_urgent(t):
    p = t.listen().established((MSS,))
    p.send('UA', 1, 1, data=b'abc', urgptr=2)
    p.expect('A', 1, 4)
    p.send('UA', 4, 1, data=b'def', urgptr=65535)
    p.expect('A', 1, 7)
    p.reads(b'abcdef')


def case_059_no_ack_flag(t):
    p = t.listen().established((MSS,))
    for flags in ('', 'P', 'F'):
        p.send(flags, 1, data=b'abc')
    p.silence()
    p.reads_nothing()


def buffers(t):
    return sum(shard['buffers_in_use'] for shard in t.engine.stats()['shards'])


def case_060_tiny_segments(t):
    """Nobody reads: what is held goes by the bytes, not by the segments."""
    p = t.listen().established((MSS,))
    for i in range(300):
        p.send('A', 1 + i, 1, data=b'x')
        if i % 50 == 49:
            p.heard(0.01)
    p.send('A', 300, 1, data=b'x')
    p.expect('A', 1, 301)
    check(buffers(t) < 16, buffers(t), 'buffers for 300 bytes')
    p.reads(b'x' * 300)


def case_060_tiny_segments_ahead_of_gaps(t):
    p = t.listen(rcvbuf=65536).established((MSS, SACK))
    for i in range(300):
        p.send('A', 2 + 2 * i, 1, data=b'x')
        if i % 50 == 49:
            p.heard(0.01)
    check(buffers(t) < 65536 // 512 + 64 + 16, buffers(t), 'buffers for 300 bytes')
    p.send('A', 1, 1, data=b'y' * 600)
    p.expect('A', 1, 601)
    check(len(p.app('recv', 1000)[0]) == 2 * 600, 'not every byte once')


def filled(t):
    """The application does not read, and the window is closed."""
    p = t.listen(rcvbuf=2000).established((MSS,))
    p.send('A', 1, 1, data=bytes(1000))
    p.expect('A', 1, 1001)
    p.send('A', 1001, 1, data=bytes(1000))
    p.expect('A', 1, 2001)
    check(p.last.window == 0, 'a window of', p.last.window)
    return p


def case_061_window_closes(t):
    filled(t)


def case_062_byte_into_zero_window(t):
    p = filled(t)
    p.send('A', 2001, 1, data=b'x')
    p.expect('A', 1, 2001)
    check(p.last.window == 0, 'a window of', p.last.window)


def case_063_window_reopens(t):
    p = filled(t)
    p.app('recv', 100)
    p.silence()
    p.app('recv', 1900)
    p.expect('A', 1, 2001)
    check(p.last.window >= 1000, 'a window of', p.last.window)


def case_064_zero_window_probes(t):
    p = t.listen().established((MSS,), win=0)
    p.writes(b'waiting')
    begin = time.monotonic()
    gaps = []
    for _ in range(3):
        p.expect('A')
        gaps.append(time.monotonic() - begin)
        begin = time.monotonic()
        p.send('A', 1, 1, win=0)
    check(gaps[2] > 1.5 * gaps[1], 'no back-off:', gaps)
    p.send('A', 1, 1, win=1000)
    p.expect('A', data=b'waiting')


def case_065_no_silly_segment(t):
    p = t.listen().established((MSS,))
    p.gives(0, 'A', 1, 1, win=0)
    p.writes(bytes(3000))
    p.send('A', 1, 1, win=1)
    p.silence()
    p.send('A', 1, 1, win=1000)
    p.expect('A', 1, size=1000)


def case_066_window_shrinks(t):
    """The right edge goes back from 65536 to 1501 with 5000 bytes outstanding; nothing is sent beyond it, and all arrives in the end."""
    p = t.listen(nodelay=1).established((MSS,))
    p.writes(bytes(5000))
    p.run(1, 5)
    p.send('A', 1, 1001, win=500)
    p.expect('A', 1001, size=500)
    p.send('A', 1, 1501, win=0)
    at, size = p.place(p.expect('A', patience=4))
    check(at <= 1501 and size <= 1, 'said into a closed window:', at, size)
    received = 1501
    p.send('A', 1, received, win=20_000)
    while received < 5001:
        at, size = p.place(p.expect('A', patience=4))
        if at <= received:
            received = max(received, at + size)
        p.send('A', 1, received, win=20_000)
    p.acked(5001)
    p.state_is('ESTABLISHED')


def case_069_large_windows(t):
    """A gigabyte both ways."""
    p = t.listen(rcvbuf=2**30).established((MSS, ('NOP', None), ('WScale', 14)))
    check(p.option('WScale') == 14, 'a scale of', p.option('WScale'))
    p.send('A', 1, 1, data=b'x')
    p.expect('A', 1, 2)
    check(p.last.window == 65535, 'a window of', p.last.window << 14)
    check(p.info('snd_wnd') == 65535 << 14, 'a window of', p.info('snd_wnd'))


def fin_sent(t):
    p = t.listen().established((MSS,))
    p.app('shutdown', 'wr')
    p.expect('FA', 1, 1)
    return p


def case_095_fin_wait_1_ack_then_fin(t):
    p = fin_sent(t)
    p.send('A', 1, 2)
    p.send('FA', 1, 2)
    p.expect('A', 2, 2)
    p.state_is('TIME_WAIT')


def case_096_closing(t):
    p = fin_sent(t)
    p.send('FA', 1, 1)
    p.expect('A', 2, 2)
    p.state_is('CLOSING')
    p.send('A', 2, 2)
    p.silence()
    p.state_is('TIME_WAIT')


def case_097_fin_acking_ours(t):
    p = fin_sent(t)
    p.send('FA', 1, 2)
    p.expect('A', 2, 2)
    p.state_is('TIME_WAIT')


def case_098_half_close(t):
    p = fin_sent(t)
    p.send('A', 1, 2, data=b'still')
    p.expect('A', 2, 6)
    p.reads(b'still')
    p.send('S', 6)
    p.expect('A', 2, 6)


def case_099_data_after_close(t):
    p = t.listen().established((MSS,))
    p.app('close')
    p.expect('FA', 1, 1)
    p.send('A', 1, 2)
    p.send('A', 1, 2, data=b'anyone?')
    p.expect('R', 2)


def case_100_close_wait_sends(t):
    p = t.listen().established((MSS,))
    p.send('FA', 1, 1)
    p.expect('A', 1, 2)
    p.writes(b'answer')
    p.expect('A', 1, 2, data=b'answer')
    p.state_is('CLOSE_WAIT')


def case_101_last_ack(t):
    p = t.listen().established((MSS,))
    p.send('FA', 1, 1)
    p.expect('A', 1, 2)
    p.app('close')
    p.expect('FA', 1, 2)
    p.expect('FA', 1, 2)
    p.send('FA', 1, 1)
    p.expect('A', 2, 2)
    p.send('S', 2, options=(MSS,))
    p.expect('A', 2, 2)
    p.send('A', 2, 2)
    p.silence()
    p.send('A', 2, 2)
    p.expect('R', 2)


def case_102_fin_lost(t):
    p = fin_sent(t)
    p.expect('FA', 1, 1)
    p.send('A', 1, 2)
    p.acked(2)
    p.state_is('FIN_WAIT_2')


def case_102_fin_goes_with_the_last_text(t):
    """What Nagle holds back; when it is lost, it is sent again with all that fits."""
    p = t.listen().established((MSS,))
    p.writes(b'a')
    p.expect('A', 1, data=b'a')
    p.writes(b'bc')
    p.app('shutdown', 'wr')
    p.expect('FA', 2, data=b'bc')
    p.expect('FA', 1, data=b'abc')
    p.send('A', 1, 5)
    p.acked(5)
    p.state_is('FIN_WAIT_2')


def case_103_close_with_unread_data(t):
    p = t.listen().established((MSS,))
    p.send('A', 1, 1, data=b'unread')
    p.expect('A', 1, 7)
    p.app('close')
    p.expect('RA', 1, 7)
    p = t.established((MSS,))
    p.app('abort')
    p.expect('RA', 1, 1)


def time_wait(t, options=(MSS,)):
    p = t.listen().established(options)
    p.app('close')
    p.expect('FA', 1, 1)
    p.send('FA', 1, 2, options=p.timestamps(options))
    p.expect('A', 2, 2)
    return p


def case_104_time_wait(t):
    p = time_wait(t)
    p.send('FA', 1, 2)
    p.expect('A', 2, 2)
    p.send('A', 2, 2)
    p.silence()
    p.send('A', 2, 2, data=b'old')
    p.expect('A', 2, 2)


def case_105_rst_in_time_wait(t):
    p = time_wait(t)
    for at in (2, 3, 1000, 1_000_000, 1):
        p.send('R', at)
    p.silence()
    p.send('FA', 1, 2)
    p.expect('A', 2, 2)


def case_106_time_wait_reuse(t):
    p = time_wait(t)
    again = Peer(t, port=p.port)
    again.isn = (p.isn + 100_000) % 2**32
    again.send('S', 0, options=(MSS,))
    again.expect('SA', 0, 1)
    check(0 < (again.iss - p.iss) % 2**32 < 2**31, 'ISS', again.iss, 'is not above', p.iss)


def case_107_old_syn_in_time_wait(t):
    p = time_wait(t)
    p.send('S', 0)
    p.expect('A', 2, 2)


def case_109_syn_ack_in_time_wait(t):
    p = time_wait(t)
    p.send('SA', 100, 2)
    p.expect('A', 2, 2)


def case_110_after_2msl(t):
    p = time_wait(t)
    time.sleep(0.75)
    p.send('A', 2, 2)
    p.expect('R', 2)


def case_111_keepalive_probe(t):
    p = t.listen().established((MSS,))
    p.send('A', 0, 1)
    p.expect('A', 1, 1)
    p.send('A', 0, 1, data=b'\0')
    p.expect('A', 1, 1)
    p.reads_nothing()


CASES = [case for name, case in sorted(globals().items()) if name.startswith('case_')]
