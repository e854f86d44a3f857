# SPDX-License-Identifier: BSD-3-Clause
"""Real traffic between two of Linux's stacks, recorded at the server's interface, and replayed with `sluice replay --learn-isn` in
the server's place. What the recorded server's programs do, the services of CONFIG do."""
import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from lab import OPTIONS, Namespace
from wire import OFFLOADS_OFF, Wire, lead_to_wire

SERVER, CLIENT, SERVER6, CLIENT6 = '10.77.0.1', '10.77.0.2', 'fd77::1', 'fd77::2'
ECHO, DISCARD, CLOSE, HOLD, HALF_CLOSE, ABORT, NOBODY = 7, 9, 9001, 9002, 9003, 9004, 9999
HTTP, CHARGEN, BODY = 80, 19, 60_000
BULK = 400_000  # what chargen says before it closes

CHARGEN_TEXT = b''.join(bytes(32 + (line + column) % 95 for column in range(72)) + b'\r\n' for line in range(BULK // 74 + 1))[:BULK]
BODY_TEXT = (b'0123456789' * 6 + b'012\n') * (BODY // 64 + 1)

CONFIG = '''
[tcp]
max_connections = 1000
[[port]]
name = "front"
device = "net_pcap0,rx_pcap=in.pcap"
addresses = ["10.77.0.1/24", "fd77::1/64"]
[[service]]
name = "echo"
listen = ["10.77.0.1:7", "[fd77::1]:7"]
app = "echo"
nodelay = true   # whether the kernel's echo said two things at once depended on when its program ran
[[service]]
name = "discard"
listen = ["10.77.0.1:9"]
app = "discard"
[[service]]
name = "http"
listen = ["10.77.0.1:80"]
app = "http"
body_bytes = ''' + str(BODY) + '''
[[service]]
name = "chargen"
listen = ["10.77.0.1:19"]
app = "chargen"
bytes = ''' + str(BULK) + '''
''' + ''.join(f'''[[service]]
name = "{does}"
listen = ["10.77.0.1:{port}"]
app = "behave"
does = "{does}"
''' for does, port in (('close', CLOSE), ('hold', HOLD), ('half-close', HALF_CLOSE), ('abort', ABORT)))


# --- the kernel's server: each does what the service of its port does ---

def echo(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    while data := peer.recv(65536):
        peer.sendall(data)


def discard(peer):
    while peer.recv(65536):
        pass


def hold(_):
    time.sleep(1.5)


def half_close(peer):
    peer.shutdown(socket.SHUT_WR)
    discard(peer)


def abort(peer):
    peer.recv(1)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def http(peer):
    head = f'HTTP/1.1 200 OK\r\nServer: sluice\r\nContent-Type: text/plain\r\nContent-Length: {BODY}\r\n\r\n'.encode()
    heard = b''
    while data := peer.recv(65536):
        heard += data
        while b'\r\n\r\n' in heard:
            heard = heard.split(b'\r\n\r\n', 1)[1]
            peer.sendall(head + BODY_TEXT[:BODY])


def chargen(peer):
    peer.sendall(CHARGEN_TEXT)
    peer.shutdown(socket.SHUT_WR)
    discard(peer)


def serve(space, family, address, port, behaviour):
    with space.entered():
        listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic')  # as the engine's default
    listener.bind((address, port))
    listener.listen(64)

    def talk(peer):
        with contextlib.suppress(OSError), peer:
            behaviour(peer)

    def accept():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


class Recording(unittest.TestCase):
    """The two machines, joined directly or, if `wired`, by a Wire that each recording names."""
    wired = False

    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix='sluice-recorded-'))
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        (cls.dir / 'replay.toml').write_text(CONFIG)
        cls.client, cls.server = cls.space('c'), cls.space('s')
        if cls.wired:
            cls.wire_space, cls.spoils = cls.space('w'), False  # what a Wire looks for
            lead_to_wire(cls.wire_space, cls.server, cls.client)
        else:
            cls.server.ip('link', 'add', 'veth-s', 'type', 'veth', 'peer', 'name', 'veth-c', 'netns', cls.client.name)
        for space, device, addresses in ((cls.server, 'veth-s', (SERVER, SERVER6)), (cls.client, 'veth-c', (CLIENT, CLIENT6))):
            space.sh('ethtool', '-K', device, *OFFLOADS_OFF)
            space.sh('sysctl', '-qw', 'net.ipv4.tcp_no_metrics_save=1')
            space.ip('addr', 'add', f'{addresses[0]}/24', 'dev', device)
            space.ip('addr', 'add', f'{addresses[1]}/64', 'dev', device, 'nodad')
            space.ip('link', 'set', device, 'up')
        services = [(socket.AF_INET, SERVER, port, behaviour) for port, behaviour in
                    ((ECHO, echo), (DISCARD, discard), (CLOSE, lambda _: None), (HOLD, hold), (HALF_CLOSE, half_close), (ABORT, abort),
                     (HTTP, http), (CHARGEN, chargen))]
        for service in [*services, (socket.AF_INET6, SERVER6, ECHO, echo)]:
            cls.addClassCleanup(serve(cls.server, *service).close)

    @classmethod
    def space(cls, letter):
        made = Namespace(f'rec{os.getpid()}{letter}')
        cls.addClassCleanup(made.remove)
        return made

    def connect(self, port, address=SERVER, source=None, prepare=None):
        with self.client.entered():
            made = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
        self.addCleanup(made.close)
        made.settimeout(10)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if prepare:
            prepare(made)
        if source:
            made.bind(('', source))
        made.connect((address, port))
        return made

    @contextlib.contextmanager
    def recording(self, **wire):
        """What passes meanwhile is in self.dir/in.pcap; `wire` is what the wire does."""
        capture = subprocess.Popen(self.server.command('dumpcap', '-q', '-P', '-i', 'veth-s', '-f', 'tcp', '-w', str(self.dir / 'in.pcap')),
                                   stderr=subprocess.PIPE, text=True)
        for line in capture.stderr:
            if line.startswith('File:'):
                break
        try:
            with Wire(self, **wire) if self.wired else contextlib.nullcontext():
                yield
                time.sleep(0.3)  # for what still passes: last ACKs, delayed ones
        finally:
            capture.send_signal(signal.SIGINT)
            capture.wait(10)
            capture.stderr.close()

    def replay(self, may_fall_behind=False):
        """Replays; every connection must have been answered as recorded, but for what depends on when an application reads:
        windows, how many segments carry the same acknowledgments and text, and whether a tail loss probe was among them. An engine
        that was slower than the recorded server is left behind by the recorded client, whose ACKs are then of what was never sent:
        if it `may_fall_behind`, what it did say must still have been right."""
        done = subprocess.run([OPTIONS.sluice, 'replay', '--in', self.dir / 'in.pcap', '--out', self.dir / 'out.pcap', '-c', self.dir / 'replay.toml',
                               '--learn-isn'], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        report = done.stdout[done.stdout.index('learn-isn: '):].splitlines()
        lines = [line for line in report[1:] if ' -> ' in line]
        self.assertTrue(lines, done.stdout)
        for line in lines:
            found = [] if line.endswith('as recorded') else line.split(': ', 1)[1].split('; ')
            kinds = {re.match(r'[A-Za-z| ]*[A-Za-z]', phrase)[0].split(' yes')[0].split(' no')[0] for phrase in found}
            known = {'window of the SYN|ACK', 'window scale', 'pure ACKs', 'segments', 'segments sent again'}
            if may_fall_behind and 'AckTooHigh' in done.stdout:
                known |= {'bytes sent', 'acknowledged', 'FIN'}
            self.assertEqual(set(), kinds - known, f'{line}\n{done.stdout}')
        return lines

    def say_and_hear(self, *args, size=1000, **kwargs):
        talk = self.connect(*args, **kwargs)
        talk.sendall(bytes(size))
        self.hear(talk, size)
        return talk

    def hear(self, talk, size):
        while size > 0:
            data = talk.recv(min(size, 65536))
            self.assertTrue(data)
            size -= len(data)

    def hear_all(self, talk):
        size = 0
        while data := talk.recv(65536):
            size += len(data)
        return size


def main(text):
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument('--sluice', required=True)
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    if os.getuid() != 0:
        sys.exit('recording makes network namespaces and needs root')
    unittest.main(argv=[sys.argv[0], *rest])
