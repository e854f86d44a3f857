#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Whether two senders share a bottleneck fairly: two of sluice's, sluice beside the Linux kernel, two of the kernel's.

  bench/compare/fairness.py [--build build] [--rounds 3] [--seconds 20] [--cc reno,cubic] [--rtt-ms 20] [--rate-mbit 50]
                            [--json FILE] [--tiny]

Both flows go to one kernel receiver through one wire (tests/support/impair) that carries --rate-mbit and holds one
bandwidth-delay product. They begin together; counted are the bytes that the receiver got in the last three quarters of
--seconds. Congestion control is set by name on both sides. Printed is Jain's index: 1 when both got the same, 0.5 when one
got all. Needs root, leaves nothing behind.
"""
import argparse
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests/e2e'))
import lab  # noqa: E402
from lab import Engine, SERVER, check, read_line, wait_until  # noqa: E402
from wire import OFFLOADS_OFF, Wire, WireLink  # noqa: E402
import goodput  # noqa: E402

RIVAL = '10.77.0.9'
PORT = 9000
PAIRS = (('sluice', 'sluice'), ('sluice', 'linux'), ('linux', 'linux'))


class SharedLink(WireLink):
    """WireLink with a second sender: a kernel, behind a bridge on the engine's side of the wire."""

    def make_veth(self, prefix):
        super().make_veth(prefix)
        self.rival_space = self.space(prefix + 'r')
        wire = self.wire_space
        # The engine's far end moves behind the bridge; the bridge's trunk takes its name, which the wire knows.
        wire.ip('link', 'set', 'wire-s', 'down')
        wire.ip('link', 'set', 'wire-s', 'name', 'far-s')
        self.rival_space.ip('link', 'add', 'veth-r', 'type', 'veth', 'peer', 'name', 'far-r', 'netns', wire.name)
        wire.ip('link', 'add', 'trunk', 'type', 'veth', 'peer', 'name', 'wire-s')
        wire.ip('link', 'add', 'senders', 'type', 'bridge')
        for name in ('far-s', 'far-r', 'trunk', 'wire-s', 'senders'):
            wire.sh('sysctl', '-qw', f'net.ipv6.conf.{name}.disable_ipv6=1')
            wire.sh('ethtool', '-K', name, *OFFLOADS_OFF)
        for name in ('far-s', 'far-r', 'trunk'):
            wire.ip('link', 'set', name, 'master', 'senders')
        for name in ('far-s', 'far-r', 'trunk', 'wire-s', 'senders'):
            wire.ip('link', 'set', name, 'up')
        self.rival_space.sh('ethtool', '-K', 'veth-r', *OFFLOADS_OFF)
        self.rival_space.ip('link', 'set', 'veth-r', 'up')
        self.rival_space.ip('addr', 'add', f'{RIVAL}/24', 'dev', 'veth-r')


class KernelSender:
    """A process in the rival's namespace that sends without end to whoever connects."""

    def __init__(self, link, port, control):
        self.control = control
        self.process = subprocess.Popen(link.rival_space.command(sys.executable, '-B', goodput.__file__, '--serve', f'{port},{control},{RIVAL}'),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        check(read_line(self.process) == 'ready\n', 'the kernel does not serve')

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def receive_both(socks, seconds):
    """Bytes that each got in the last three quarters of `seconds`."""
    begin, room, got = time.monotonic(), bytearray(1 << 18), [0, 0]
    while (left := begin + seconds - time.monotonic()) > 0:
        ready, _, _ = select.select(socks, [], [], left)
        counts = time.monotonic() - begin >= seconds / 4
        for i, sock in enumerate(socks):
            if sock in ready:
                n = sock.recv_into(room, len(room), socket.MSG_TRUNC)
                check(n, 'a sender ended')
                got[i] += n if counts else 0
    return got


def jain(shares):
    return sum(shares) ** 2 / (len(shares) * sum(share ** 2 for share in shares)) if any(shares) else 0.0


def measure(link, pair, cc, seed, args):
    room_kb = max(64, args.rate_mbit * 1000 / 8 * args.rtt_ms / 1000)
    options = {'delay_ms': args.rtt_ms / 2, 'rate_mbit': args.rate_mbit, 'buffer_kb': room_kb}
    service = f'app = "chargen"\ncongestion_control = "{goodput.OUR_NAME.get(cc, cc)}"\nsndbuf = {4 << 20}'
    engine = Engine(link, [('flows', PORT, service)], top='drain_s = 0') if 'sluice' in pair else None
    kernels, socks = [], []
    try:
        if engine:
            with Wire(link, seed, delay_ms=1):
                engine.start()
        for i, name in enumerate(pair):
            if name == 'linux':
                kernels.append(KernelSender(link, PORT + i, cc))
        with Wire(link, seed, strict=False, **options):
            for i, name in enumerate(pair):
                socks.append(link.connect(PORT if name == 'sluice' else PORT + i, SERVER if name == 'sluice' else RIVAL))
            got = receive_both(socks, args.seconds)
            for sender in kernels:
                check(read_line(sender.process) == cc + '\n', 'another congestion control than', cc)
            for sock in socks:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
                sock.close()
            socks.clear()
            if engine:
                wait_until(lambda: not engine.stats()['tcp']['CurrEstab'], 'the connections to end', pause=0.1)
        if engine:
            engine.stop()
    except BaseException:
        if engine:
            engine.show_log()
        raise
    finally:
        for sock in socks:
            sock.close()
        for sender in kernels:
            sender.end()
        if engine:
            engine.end()
    return {'mbit': [8 * n / (args.seconds * 0.75) / 1e6 for n in got], 'jain': jain(got)}


def run(args):
    cells = [{'cc': cc, 'pair': list(pair), 'runs': []} for cc in args.cc.split(',') for pair in PAIRS]
    link = SharedLink('veth')
    try:
        for space in (link.clients, link.rival_space):
            goodput.tune(space)
        for turn in range(args.rounds):
            for cell in cells:
                cell['runs'].append(measure(link, cell['pair'], cell['cc'], args.seed + turn, args))
    finally:
        link.remove()
    return cells


def table(cells):
    print(f'{"cc":<6} {"flows":<16} {"first Mbit/s":>24} {"second Mbit/s":>24}  Jain: median (min to max)')
    for cell in cells:
        shown = []
        for i in (0, 1):
            rates = [each['mbit'][i] for each in cell['runs']]
            shown.append(f'{statistics.median(rates):.1f} ({min(rates):.1f} to {max(rates):.1f})')
        index = [each['jain'] for each in cell['runs']]
        print(f'{cell["cc"]:<6} {" + ".join(cell["pair"]):<16} {shown[0]:>24} {shown[1]:>24}  {statistics.median(index):.3f} ({min(index):.3f} to {max(index):.3f})')


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'))
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--cc', default='reno,cubic')
    parser.add_argument('--rtt-ms', type=float, default=20)
    parser.add_argument('--rate-mbit', type=float, default=50)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--json')
    parser.add_argument('--tiny', action='store_true', help='a moment each: that it runs, not how fair')
    return parser.parse_args()


def main():
    args = parse()
    if os.geteuid() != 0:
        sys.exit('fairness.py makes network namespaces: run it as root')
    if args.tiny:
        args.rounds, args.seconds, args.cc = 1, 1, 'cubic'
    lab.OPTIONS.sluice = os.path.join(args.build, 'sluice')
    cells = run(args)
    table(cells)
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as file:
            json.dump({'when': time.strftime('%Y-%m-%d', time.gmtime()), 'rate_mbit': args.rate_mbit, 'rtt_ms': args.rtt_ms,
                       'seconds': args.seconds, 'kernel': os.uname().release, 'cells': cells}, file, indent=1)
    return 0 if all(min(each['mbit']) > 0 for cell in cells for each in cell['runs']) else 1


if __name__ == '__main__':
    sys.exit(main())
