#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Real traffic, recorded here and replayed: the kernel's clients talk to the kernel's server, and `sluice replay --learn-isn` takes
the server's part. Where it does otherwise than the kernel did must be known, with the reason. recorded_test.py --sluice PROGRAM."""
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

from lab import Namespace, sh, wait_until

SERVER, CLIENT, SERVER6, CLIENT6 = '10.77.0.1', '10.77.0.2', 'fd77::1', 'fd77::2'
ECHO, DISCARD, CLOSE, HOLD, HALF_CLOSE, ABORT, NOBODY = 7, 9, 9001, 9002, 9003, 9004, 9999
options = None

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


def serve(space, family, address, port, behaviour):
    with space.entered():
        listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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


class Recorded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix='sluice-recorded-'))
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        (cls.dir / 'replay.toml').write_text(CONFIG)
        cls.client, cls.server = Namespace(f'rec{os.getpid()}c'), Namespace(f'rec{os.getpid()}s')
        cls.addClassCleanup(cls.client.remove)
        cls.addClassCleanup(cls.server.remove)
        cls.server.ip('link', 'add', 'veth-s', 'type', 'veth', 'peer', 'name', 'veth-c', 'netns', cls.client.name)
        for space, device, addresses in ((cls.server, 'veth-s', (SERVER, SERVER6)), (cls.client, 'veth-c', (CLIENT, CLIENT6))):
            space.sh('ethtool', '-K', device, 'tx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off')
            space.ip('addr', 'add', f'{addresses[0]}/24', 'dev', device)
            space.ip('addr', 'add', f'{addresses[1]}/64', 'dev', device, 'nodad')
            space.ip('link', 'set', device, 'up')
        services = [(socket.AF_INET, SERVER, port, behaviour) for port, behaviour in
                    ((ECHO, echo), (DISCARD, discard), (CLOSE, lambda _: None), (HOLD, hold), (HALF_CLOSE, half_close), (ABORT, abort))]
        for service in [*services, (socket.AF_INET6, SERVER6, ECHO, echo)]:
            cls.addClassCleanup(serve(cls.server, *service).close)

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
    def recording(self):
        """What passes meanwhile is in self.dir/in.pcap."""
        capture = subprocess.Popen(self.client.command('dumpcap', '-q', '-P', '-i', 'veth-c', '-f', 'tcp', '-w', str(self.dir / 'in.pcap')),
                                   stderr=subprocess.PIPE, text=True)
        for line in capture.stderr:
            if line.startswith('File:'):
                break
        try:
            yield
            time.sleep(0.3)  # for what still passes: last ACKs, delayed ones
        finally:
            capture.send_signal(signal.SIGINT)
            capture.wait(10)
            capture.stderr.close()

    def replay(self):
        """Replays; every connection must have been answered as recorded, but for what depends on when an application reads:
        windows, how many segments carry the same acknowledgments and text, and whether a tail loss probe was among them."""
        done = subprocess.run([options.sluice, 'replay', '--in', self.dir / 'in.pcap', '--out', self.dir / 'out.pcap', '-c', self.dir / 'replay.toml',
                               '--learn-isn'], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        report = done.stdout[done.stdout.index('learn-isn: '):].splitlines()
        lines = [line for line in report[1:] if ' -> ' in line]
        self.assertTrue(lines, done.stdout)
        for line in lines:
            found = [] if line.endswith('as recorded') else line.split(': ', 1)[1].split('; ')
            kinds = {re.match(r'[A-Za-z| ]*[A-Za-z]', phrase)[0].split(' yes')[0].split(' no')[0] for phrase in found}
            loose = {'window of the SYN|ACK', 'window scale', 'pure ACKs', 'segments', 'segments sent again'}
            self.assertEqual(set(), kinds - loose, f'{line}\n{done.stdout}')
        return lines

    # --- the kinds of traffic ---

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

    def test_echo_client_closes(self):
        with self.recording():
            self.say_and_hear(ECHO).close()
        self.replay()

    def test_echo_over_ipv6(self):
        with self.recording():
            self.say_and_hear(ECHO, SERVER6).close()
        self.replay()

    def test_echo_in_turns(self):
        with self.recording():
            talk = self.connect(ECHO)
            talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for size in (1, 10, 100, 1000, 1448, 1449, 5000):
                talk.sendall(bytes(size))
                self.hear(talk, size)
            talk.close()
        self.replay()

    def test_bulk_to_the_server(self):
        with self.recording():
            talk = self.connect(DISCARD)
            talk.sendall(bytes(1_000_000))
            talk.close()
        self.replay()

    def test_half_close_by_the_client(self):
        with self.recording():
            talk = self.connect(ECHO)
            talk.sendall(bytes(3000))
            talk.shutdown(socket.SHUT_WR)
            self.hear(talk, 3000)
            self.assertEqual(b'', talk.recv(1))
        self.replay()

    def test_half_close_by_the_server(self):
        with self.recording():
            talk = self.connect(HALF_CLOSE)
            self.assertEqual(b'', talk.recv(1))
            talk.sendall(bytes(5000))
            talk.close()
        self.replay()

    def test_server_closes(self):
        with self.recording():
            talk = self.connect(CLOSE)
            self.assertEqual(b'', talk.recv(1))
            talk.close()
        self.replay()

    def test_client_resets(self):
        with self.recording():
            talk = self.say_and_hear(ECHO)
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            talk.close()
        self.replay()

    def test_server_resets(self):
        with self.recording():
            talk = self.connect(ABORT)
            talk.sendall(b'x')
            with self.assertRaises(ConnectionResetError):
                talk.recv(1)
        self.replay()

    def test_refused(self):
        with self.recording(), self.assertRaises(ConnectionRefusedError):
            self.connect(NOBODY)
        self.replay()

    def without(self, name, run):
        self.client.sh('sysctl', '-qw', f'net.ipv4.{name}=0')
        try:
            with self.recording():
                run()
        finally:
            self.client.sh('sysctl', '-qw', f'net.ipv4.{name}=1')
        self.replay()

    def test_without_timestamps(self):
        self.without('tcp_timestamps', lambda: self.say_and_hear(ECHO, size=5000).close())

    def test_without_sack(self):
        self.without('tcp_sack', lambda: self.say_and_hear(ECHO, size=5000).close())

    def test_without_window_scale(self):
        self.without('tcp_window_scaling', lambda: self.say_and_hear(ECHO, size=5000).close())

    def test_small_segments(self):
        with self.recording():
            self.say_and_hear(ECHO, size=5000, prepare=lambda s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 400)).close()
        self.replay()

    def test_single_bytes(self):
        with self.recording():
            talk = self.connect(DISCARD, prepare=lambda s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))
            for _ in range(200):
                talk.sendall(b'x')
            talk.close()
        self.replay()

    def test_urgent_data(self):
        with self.recording():
            talk = self.connect(ECHO)
            talk.sendall(b'before')
            talk.send(b'urgent!', socket.MSG_OOB)
            self.hear(talk, 13)
            talk.close()
        self.replay()

    def test_keepalives(self):
        def alive(talk):
            for name, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)):
                talk.setsockopt(socket.IPPROTO_TCP, name, value)
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        with self.recording():
            talk = self.say_and_hear(ECHO, prepare=alive)
            time.sleep(2.5)
            talk.close()
        self.replay()

    def test_time_wait_is_reused(self):
        with self.recording():
            for _ in range(3):
                talk = self.connect(CLOSE, source=45000)
                self.assertEqual(b'', talk.recv(1))
                talk.close()
                wait_until(lambda: ':45000' not in self.client.sh('ss', '-Htn', 'state', 'last-ack'), 'the last ACK')
        self.assertEqual(3, len(self.replay()))

    def test_twenty_at_once(self):
        with self.recording():
            talks = [self.connect(ECHO) for _ in range(20)]
            for talk in talks:
                talk.sendall(bytes(2000))
            for talk in talks:
                self.hear(talk, 2000)
                talk.close()
        self.assertEqual(20, len(self.replay()))

    def test_reader_that_never_reads(self):
        with self.recording():
            talk = self.connect(HOLD)
            talk.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                while True:
                    talk.sendall(bytes(65536))
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            talk.close()
        self.replay()


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--sluice', required=True)
    options, rest = parser.parse_known_args()
    if os.getuid() != 0:
        sys.exit('recorded_test.py makes network namespaces and needs root')
    unittest.main(argv=[sys.argv[0], *rest])
