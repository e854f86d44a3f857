#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Goodput of one sender to the Linux kernel's receiver through a bad wire: sluice beside Linux, in one run.

  bench/compare/goodput.py [--build build] [--rounds 5] [--seconds 4] [--cc reno,cubic] [--loss 0,0.1,1,3] [--rtt-ms 1,20,100]
                           [--reorder 0,1] [--rate-mbit 400] [--flows 8] [--json FILE] [--svg FILE] [--tiny]

Each cell is a loss, a round trip, a reordering and a congestion control, set by name on both sides. In every round each cell
is measured for Linux and for sluice, one after the other (who is first alternates), with the same receiver, the same wire
and the same seed. A measurement counts the bytes that the receiving application got within --seconds, at least 60 round trips,
of the connection's beginning, slow start included. Where losses by chance decide what NewReno and CUBIC get, one connection says little: there up to
--flows connections go at once, each with a bottleneck of its own, and what they got in the mean is the measurement.

The wire (tests/support/impair) loses and reorders in the direction of the data only. Its bottleneck has room for one
bandwidth-delay product, at least 256 kB; a reordered frame is up to a quarter of a round trip late, at least 0.3 ms.
Buffers: 32 MiB for either sender (tcp_wmem's maximum; sndbuf) and 32 MiB tcp_rmem's maximum for the receiver; no metrics are
kept from earlier connections; no offloads on any side. Needs root, leaves nothing behind. Only the ratios mean anything.
"""
import argparse
import concurrent.futures
import itertools
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests/e2e'))
import lab  # noqa: E402
from lab import CLIENT, Engine, SERVER, check, read_line, wait_until  # noqa: E402
from wire import Wire, WireLink  # noqa: E402
import goodput_plot  # noqa: E402
import goodput_table  # noqa: E402

BUFFER = 32 << 20
PORT = 9000
SENDERS = ('linux', 'sluice')
MOST_TOGETHER = 100e6  # bit/s
ROUND_TRIPS = 60  # that a measurement takes at least
FIRST_PORT = 20000  # of the receivers; consecutive ones take different lanes of the wire
# Where our name is not the kernel's.
OUR_NAME = {'reno': 'newreno'}


def numbers(text):
    return [float(word) for word in text.split(',')]


def wire_options(cell, args):
    rtt_ms = cell['rtt_ms']
    room_kb = max(256, args.rate_mbit * 1000 / 8 * rtt_ms / 1000)
    options = {'delay_ms': rtt_ms / 2, 'lanes': flows_of(cell, args), 'loss': (cell['loss'], 0), 'reorder': (cell['reorder'], 0), 'reorder_by_ms': max(0.3, rtt_ms / 4)}
    if args.rate_mbit:
        options.update(rate_mbit=args.rate_mbit, buffer_kb=room_kb)
    return options


def tune(space):
    space.sh('sysctl', '-qw', 'net.ipv4.tcp_no_metrics_save=1', f'net.ipv4.tcp_rmem=4096 131072 {BUFFER}', f'net.ipv4.tcp_wmem=4096 131072 {BUFFER}')


def flows_of(cell, args):
    """How many connections at once: such that all together are no work for this machine, by the formula of Mathis et al."""
    if not cell['loss'] or cell['cc'] not in ('reno', 'cubic'):
        return 1
    one = 1.22 * 8 * 1448 / (cell['rtt_ms'] / 1000) / math.sqrt(cell['loss'] / 100)  # bit/s
    return max(1, min(args.flows, int(MOST_TOGETHER / one)))


def seconds_of(cell, args):
    return max(args.seconds, ROUND_TRIPS * cell['rtt_ms'] / 1000)


def receive_for(link, port, flows, seconds):
    """Mbit/s of payload that arrived on a connection, in the mean, within `seconds` of its beginning; then resets them."""
    with concurrent.futures.ThreadPoolExecutor(flows) as threads:
        got = []
        for i in range(flows):
            begin = time.monotonic()
            sock = link.connect(port, prepare=lambda made, at=FIRST_PORT + i: made.bind((CLIENT, at)))
            got.append(threads.submit(receive_until, sock, begin + seconds))
        return 8 * statistics.mean(each.result() for each in got) / seconds / 1e6


def receive_until(sock, end):
    """Bytes that arrived; resets the connection."""
    got, room = 0, bytearray(1 << 18)
    try:
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                # The kernel drops the bytes itself: what is compared is the sender, not Python's copying.
                n = sock.recv_into(room, len(room), socket.MSG_TRUNC)
            except socket.timeout:
                break
            check(n, 'the sender ended')
            got += n
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    finally:
        sock.close()
    return got


def send_for_ever(sock):
    used = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b'\0').decode()
    sys.stdout.write(used + '\n')
    sys.stdout.flush()
    block = bytes(1 << 20)
    try:
        while True:
            sock.sendall(block)
    except OSError:
        return


def serve_kernel(port, control, address=SERVER, flows='1'):
    """In a process of its own: sends without end to so many that connect, with the named congestion control; says which each has."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
    listener.bind((address, port))
    listener.listen(int(flows))
    print('ready', flush=True)
    with concurrent.futures.ThreadPoolExecutor(int(flows)) as threads:
        sending = [threads.submit(send_for_ever, listener.accept()[0]) for _ in range(int(flows))]
    for each in sending:
        each.result()


def kernel_retransmissions(space):
    rows = [line.split() for line in space.sh('cat', '/proc/net/snmp').splitlines() if line.startswith('Tcp:')]
    return int(rows[1][rows[0].index('RetransSegs')])


def measure_linux(link, cells, seed, args):
    """Mbit/s and retransmitted segments of each of the cells, which differ in their congestion control only."""
    rows = []
    with link.kernel_server() as space:
        for cell in cells:
            before = kernel_retransmissions(space)
            sender = subprocess.Popen(space.command(sys.executable, '-B', __file__, '--serve', f'{PORT},{cell["cc"]},{SERVER},{flows_of(cell, args)}'),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            try:
                check(read_line(sender) == 'ready\n', 'the kernel does not serve')
                with Wire(link, seed, strict=False, **wire_options(cell, args)) as wire:
                    rate = receive_for(link, PORT, flows_of(cell, args), seconds_of(cell, args))
                    for _ in range(flows_of(cell, args)):
                        check(read_line(sender) == cell['cc'] + '\n', 'another congestion control than', cell['cc'])
                rows.append(row(rate, wire, kernel_retransmissions(space) - before))
            finally:
                sender.kill()
                sender.wait()
                sender.stdout.close()
    return rows


def row(rate, wire, again):
    ours = {name: wire.counts['ab'][name] + wire.counts['ba'][name] for name in ('no_slot', 'ring_full', 'send_failed', 'late')}
    return {'mbit': rate, 'retransmitted': again, 'wire_dropped': wire.counts['ab']['lost'], 'overflowed': wire.counts['ab']['overflowed'],
            'wire_faults': ours['no_slot'] + ours['ring_full'] + ours['send_failed'], 'wire_late': ours['late']}


def measure_sluice(link, cells, seed, args):
    services = [(cell['cc'], PORT + i, f'app = "chargen"\ncongestion_control = "{OUR_NAME.get(cell["cc"], cell["cc"])}"\nsndbuf = {BUFFER}') for i, cell in enumerate(cells)]
    most = max(flows_of(cell, args) for cell in cells)
    engine = Engine(link, services, tcp=f'buffers = {32768 * (1 + most)}', top='drain_s = 0')  # so that no send buffer lacks any
    rows = []
    try:
        with Wire(link, seed, delay_ms=1):
            engine.start()
        for i, cell in enumerate(cells):
            before = engine.stats()['tcp']['RetransSegs']
            with Wire(link, seed, strict=False, **wire_options(cell, args)) as wire:
                rate = receive_for(link, PORT + i, flows_of(cell, args), seconds_of(cell, args))
                again = engine.stats()['tcp']['RetransSegs'] - before
                wait_until(lambda: not engine.stats()['tcp']['CurrEstab'], 'the connection to end', pause=0.1)
            rows.append(row(rate, wire, again))
        engine.stop()
    except BaseException:
        engine.show_log()
        raise
    finally:
        engine.end()
    return rows


def run(args):
    results = {}
    places = list(itertools.product(numbers(args.loss), numbers(args.rtt_ms), numbers(args.reorder)))
    controls = args.cc.split(',')
    link = WireLink('veth')
    try:
        for space in (link.clients, link.engine_space):
            tune(space)
        for turn in range(args.rounds):
            for loss, rtt_ms, reorder in places:
                cells = [{'cc': cc, 'loss': loss, 'rtt_ms': rtt_ms, 'reorder': reorder} for cc in controls]
                for sender in SENDERS if turn % 2 == 0 else reversed(SENDERS):
                    measured = (measure_linux if sender == 'linux' else measure_sluice)(link, cells, args.seed + turn, args)
                    for cell, each in zip(cells, measured):
                        results.setdefault(tuple(cell.items()), {name: [] for name in SENDERS})[sender].append(each)
            print(f'round {turn + 1} of {args.rounds} is done', file=sys.stderr, flush=True)
            if args.json:  # so that a long run that breaks off is not lost
                save(args, report(args, as_cells(results)))
    finally:
        link.remove()
    return as_cells(results)


def as_cells(results):
    return [dict(cell) | {name: runs[name] for name in SENDERS} for cell, runs in results.items()]


def report(args, cells):
    mean, worst = summary(cells)
    return {'when': time.strftime('%Y-%m-%d', time.gmtime()), 'rate_mbit': args.rate_mbit, 'rounds': args.rounds, 'seconds': args.seconds, 'flows': args.flows,
            'seed': args.seed, 'kernel': os.uname().release, 'buffers': BUFFER, 'mean_ratio': mean, 'worst_ratio': worst, 'cells': cells}


def save(args, result):
    with open(args.json, 'w', encoding='utf-8') as file:
        json.dump(result, file, indent=1)


def summary(cells):
    """Adds each cell's ratio of medians; returns their mean and the worst."""
    for cell in cells:
        medians = {name: statistics.median(each['mbit'] for each in cell[name]) for name in SENDERS}
        cell['median'] = medians
        cell['ratio'] = medians['sluice'] / medians['linux'] if medians['linux'] else float('inf')
    ratios = [cell['ratio'] for cell in cells]
    return statistics.mean(ratios), min(ratios)


def table(cells):
    print(f'{"cc":<6} {"loss %":>6} {"rtt ms":>6} {"reord %":>7}  {"Linux Mbit/s":>26}  {"sluice Mbit/s":>26} {"ratio":>6}   '
          'sent again/lost on the wire: Linux, sluice')
    for cell in sorted(cells, key=lambda c: (c['cc'], c['reorder'], c['rtt_ms'], c['loss'])):
        shown = []
        for name in SENDERS:
            rates = [each['mbit'] for each in cell[name]]
            shown.append(f'{statistics.median(rates):.1f} ({min(rates):.1f} to {max(rates):.1f})')
        again = [f'{sum(e["retransmitted"] for e in cell[n])}/{sum(e["wire_dropped"] + e["overflowed"] for e in cell[n])}' for n in SENDERS]
        print(f'{cell["cc"]:<6} {cell["loss"]:>6g} {cell["rtt_ms"]:>6g} {cell["reorder"]:>7g}  {shown[0]:>26}  {shown[1]:>26} {cell["ratio"]:>6.2f}   '
              f'{again[0]}  {again[1]}')


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'))
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=4)
    parser.add_argument('--cc', default='reno')
    parser.add_argument('--loss', default='0,0.1,1,3', help='per cent')
    parser.add_argument('--rtt-ms', default='1,20,100')
    parser.add_argument('--reorder', default='0,1', help='per cent')
    parser.add_argument('--rate-mbit', type=float, default=400, help='the bottleneck; 0: none')
    parser.add_argument('--flows', type=int, default=8, help='connections at once where chance decides, at most')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--json')
    parser.add_argument('--svg')
    parser.add_argument('--tiny', action='store_true', help='a moment each: that it runs, not how fast')
    parser.add_argument('--serve', help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    args = parse()
    if args.serve:
        port, control, *address = args.serve.split(',')
        serve_kernel(int(port), control, *address)
        return 0
    if os.geteuid() != 0:
        sys.exit('goodput.py makes network namespaces: run it as root')
    if args.tiny:
        args.rounds, args.seconds, args.loss, args.rtt_ms, args.reorder = 1, 1, '1', '20', '1'
    lab.OPTIONS.sluice = os.path.join(args.build, 'sluice')
    cells = run(args)
    result = report(args, cells)
    table(cells)
    faults = sum(each['wire_faults'] for cell in cells for name in SENDERS for each in cell[name])
    print(f'mean ratio {result["mean_ratio"]:.3f}, worst {result["worst_ratio"]:.3f}; {args.rate_mbit:g} Mbit/s, {args.rounds} rounds of '
          f'{args.seconds:g} s, {ROUND_TRIPS} round trips at least; frames that the wire lost of its own accord: {faults}')
    if args.json:
        save(args, result)
    if args.svg:
        goodput_plot.write(result, args.svg)
    if args.tiny:
        with tempfile.NamedTemporaryFile() as plot:
            goodput_plot.write(result, plot.name)
            ElementTree.parse(plot.name)
        check(all(row.count('|') == 5 for row in goodput_table.table(cells)), 'one column of cells, beside three that name them')
    moved = all(each['mbit'] > 0 for cell in cells for name in SENDERS for each in cell[name])
    return 0 if moved else 1


if __name__ == '__main__':
    sys.exit(main())
