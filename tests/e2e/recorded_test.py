#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Traffic over a good wire, recorded here and replayed: where the engine does otherwise than the kernel did must be known, with the
reason. recorded_test.py --sluice PROGRAM."""
import socket
import struct
import time

import recording
from lab import wait_until
from recording import ABORT, CLOSE, DISCARD, ECHO, HALF_CLOSE, HOLD, NOBODY, SERVER6, Recording


class Recorded(Recording):
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
    recording.main(__doc__)
