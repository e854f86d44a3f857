# SPDX-License-Identifier: BSD-3-Clause
"""Wire cases 1 to 42: handshake and options."""
from lab import check
from peer import Peer

MSS = ('MSS', 1000)
STAMPS = ('Timestamp', (1000, 0))
CLOSED = 9


def case_001_handshake(t):
    t.listen().established().state_is('ESTABLISHED')


def case_002_syn_to_closed_port(t):
    p = t.peer(local_port=CLOSED)
    p.send('S', 0)
    check(p.expect('RA', ack=1).getlayer('TCP').seq == 0, 'seq is not 0')


def case_003_ack_to_closed_port(t):
    p = t.peer(local_port=CLOSED)
    p.send('A', 5, ack=1234)
    p.expect('R', seq=1234)


def case_004_fin_without_ack_to_closed_port(t):
    p = t.peer(local_port=CLOSED)
    p.send('F', 0, data=b'abc')
    p.expect('RA', ack=4)


def case_005_rst_to_no_connection(t):
    t.listen()
    for port in (CLOSED, t.port):
        p = t.peer(local_port=port)
        for flags in ('R', 'RA'):
            p.send(flags, 0, ack=77)
        p.silence()


def case_006_ack_to_listen(t):
    t.listen()
    for flags in ('A', 'SA'):
        p = t.peer()
        p.send(flags, 3, ack=4321)
        p.expect('R', seq=4321)


def case_007_nonsense_to_listen(t):
    t.listen()
    for flags in ('F', '', 'SF', 'SR'):
        p = t.peer()
        p.send(flags, 0)
        p.silence()


def case_008_syn_with_psh_and_urg(t):
    p = t.listen().peer()
    p.send('SPU', 0)
    p.expect('SA', 0, 1)


def case_009_syn_with_data(t):
    p = t.listen().peer()
    p.send('S', 0, data=b'early')
    p.expect('SA', 0, 1)
    p.send('A', 1, 1, data=b'early')
    p.expect('A', 1, 6)
    p.accept()
    p.reads(b'early')


def case_010_data_or_fin_on_third_ack(t):
    p = t.listen().peer()
    p.send('S', 0)
    p.expect('SA', 0, 1)
    p.send('FA', 1, 1, data=b'all')
    p.expect('A', 1, 5)
    p.accept()
    p.reads(b'all')
    t.remote.expect(f'recv {p.handle} 1 wait_ms=2000', 'ok eof')


def case_011_third_ack_lost(t):
    p = t.listen().peer()
    p.send('S', 0)
    iss = p.expect('SA', 0, 1).getlayer('TCP').seq
    again = p.expect('SA', 0, 1, patience=2.5)
    check(again.getlayer('TCP').seq == iss, 'another ISS')
    p.send('A', 1, 1)
    p.accept()


def case_012_duplicate_syn(t):
    p = t.listen().peer()
    p.send('S', 0)
    iss = p.expect('SA', 0, 1).getlayer('TCP').seq
    p.send('S', 0)
    check(p.expect('SA', 0, 1).getlayer('TCP').seq == iss, 'another ISS')


def half_open(t):
    p = t.listen().peer()
    p.send('S', 0)
    p.expect('SA', 0, 1)
    return p


def case_013_bad_ack_in_syn_rcvd(t):
    p = half_open(t)
    p.send('A', 1, 500)
    p.expect('R', 500)
    p.send('A', 1, 1)
    p.accept()


def case_014_ack_of_iss_in_syn_rcvd(t):
    p = half_open(t)
    p.send('A', 1, 0)
    p.expect('R', 0)


def case_015_out_of_window_in_syn_rcvd(t):
    p = half_open(t)
    p.send('A', 0x40000000, 1)
    p.expect('A', 1, 1)
    p.send('A', 1, 1)
    p.accept()


def case_016_exact_rst_in_syn_rcvd(t):
    p = half_open(t)
    p.send('R', 1)
    p.silence()
    p.send('A', 1, 1)
    p.expect('R', 1)


def case_017_inexact_rst_in_syn_rcvd(t):
    p = half_open(t)
    p.send('R', 100)
    p.expect('A', 1, 1)
    p.send('A', 1, 1)
    p.accept()


def case_018_new_syn_in_syn_rcvd(t):
    p = half_open(t)
    p.send('S', 50)
    p.silence()
    again = Peer(t, port=p.port)
    again.isn = p.isn + 50
    again.establish().state_is('ESTABLISHED')


def case_021_initial_sequence_numbers(t):
    t.listen()
    seen = set()
    for _ in range(5):
        p = t.peer()
        p.send('S', 0)
        p.expect('SA')
        seen.add(p.iss >> 8)
    check(len(seen) == 5, 'ISNs close together:', seen)


def case_022_port_zero(t):
    t.listen()
    p = t.peer(local_port=0)
    p.send('S', 0)
    p.expect('RA', ack=1)
    p = t.peer(port=0)
    p.send('S', 0)
    t.established()


def segment_sizes(t, *options):
    p = t.listen().established(options)
    p.writes(bytes(5000))
    return p, len(p.payload(p.expect('A', 1)))


def case_028_no_mss_option(t):
    _, size = segment_sizes(t)
    check(size == (536 if t.v4 else 1220), 'segments of', size)


def case_029_tiny_mss(t):
    _, size = segment_sizes(t, ('MSS', 1))
    check(size == 64, 'segments of', size)
    # None at all would be more likely than this.
    _, size = segment_sizes(t, ('MSS', 0))
    check(size == (536 if t.v4 else 1220), 'segments of', size)


def case_030_huge_mss(t):
    _, size = segment_sizes(t, ('MSS', 65535))
    check(size == (1460 if t.v4 else 1440), 'segments of', size)


def case_031_window_scale(t):
    p = t.listen().established((MSS, ('NOP', None), ('WScale', 15)))
    check(p.option('WScale') is not None, 'not answered')
    # Shift 14: a window of 1 is 16384 bytes; of shift 15 it would be 32768.
    p.gives(16384, 'A', 1, 1, win=1)
    without = t.peer()
    without.send('S', 0, options=(MSS,))
    without.expect('SA', 0, 1)
    check(without.option('WScale') is None, 'offered without being asked')


def case_032_sack_permitted(t):
    t.listen()
    for options, there in (((MSS,), False), ((MSS, ('SAckOK', b'')), True)):
        p = t.peer()
        p.send('S', 0, options=options)
        p.expect('SA', 0, 1)
        check((p.option('SAckOK') is not None) == there, 'SACK permitted', p.last.options)


def case_033_timestamps(t):
    p = t.listen().peer()
    p.send('S', 0, options=(MSS,))
    p.expect('SA', 0, 1)
    check(p.option('Timestamp') is None, 'offered without being asked')
    p = t.established((MSS, STAMPS))
    check(p.option('Timestamp')[1] == 1000, 'TSecr', p.option('Timestamp'))
    p.send('A', 1, 1, data=b'x', options=[('Timestamp', (1500, p.option('Timestamp')[0]))])
    p.expect('A', 1, 2)
    check(p.option('Timestamp')[1] == 1500, 'TSecr', p.option('Timestamp'))


def case_034_unknown_option(t):
    p = t.listen().established([(253, b'abcd'), ('MSS', 600), ('MSS', 700)])
    p.writes(bytes(3000))
    check(len(p.payload(p.expect('A', 1))) in (600, 700), 'the MSS was lost')


def case_035_broken_options(t):
    t.listen()
    for broken in (b'\x02\x00\x00\x00', b'\x02\x01\x05\xb4', b'\x02\x28\x05\xb4', b'\x01\x01\x01\x02', b'\x08\x0a\x00\x00'):
        p = t.peer()
        p.send('S', 0, dataofs=6, data=broken)
        p.expect('SA', 0, 1)


def case_036_syn_options_elsewhere(t):
    p = t.listen().established((MSS,))
    p.send('A', 1, 1, data=b'x', win=5000, options=[('WScale', 7), ('SAckOK', b''), ('MSS', 300)])
    p.expect('A', 1, 2)
    check(t.remote.get(p.handle, 'snd_wnd') == '5000', 'a window of', t.remote.get(p.handle, 'snd_wnd'))
    p.writes(bytes(1000))
    p.expect('A', 1, size=1000)


def case_037_data_without_timestamps(t):
    p = t.listen().established((MSS, STAMPS))
    p.send('A', 1, 1, data=b'bare')
    p.expect('A', 1, 5)
    p.reads(b'bare')


def case_038_paws(t):
    p = t.listen().established((MSS, STAMPS))
    p.send('A', 1, 1, data=b'old', options=[('Timestamp', (500, 0))])
    p.expect('A', 1, 1)
    p.reads_nothing()


def case_039_rst_and_paws(t):
    p = t.listen().established((MSS, STAMPS))
    p.send('R', 1, options=[('Timestamp', (500, 0))])
    p.silence()
    t.remote.expect(f'recv {p.handle} 10 wait_ms=2000', 'error ECONNRESET')


def case_040_timestamp_wrap(t):
    p = t.listen().established((MSS, ('Timestamp', (0xfffffff0, 0))))
    for seq, stamp, text in ((1, 0xfffffff8, b'before'), (7, 3, b'after')):
        p.send('A', seq, 1, data=text, options=[('Timestamp', (stamp, p.option('Timestamp')[0]))])
        p.expect('A', 1, seq + len(text))
        check(p.option('Timestamp')[1] == stamp, 'TSecr', p.option('Timestamp'))
    p.send('A', 12, 1, data=b'old', options=[('Timestamp', (0xffffffff, 0))])
    p.expect('A', 1, 12)
    p.reads(b'beforeafter')
    p.reads_nothing()


def case_041_ts_recent(t):
    p = t.listen().established((MSS, STAMPS))
    ours = p.option('Timestamp')[0]

    def answered(seq, stamp, ack, echoed):
        p.send('A', seq, 1, data=bytes(10), options=[('Timestamp', (stamp, ours))])
        p.expect('A', 1, ack)
        check(p.option('Timestamp')[1] == echoed, 'TSecr', p.option('Timestamp'), 'instead of', echoed)

    answered(11, 1010, 1, 1001)
    p.send('A', 1, 1, options=[('Timestamp', (1005, ours))])  # a pure ACK counts
    answered(21, 1020, 1, 1005)
    answered(1, 1030, 31, 1030)


CASES = [case for name, case in sorted(globals().items()) if name.startswith('case_')]
