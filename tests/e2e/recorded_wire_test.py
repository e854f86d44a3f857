#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Traffic over a bad wire, recorded at the server and replayed: loss, reordering, duplicates, delay, and what only happens where a
round trip takes its time. recorded_wire_test.py --sluice PROGRAM."""
import socket
import time

import recording
from recording import BODY, BULK, CHARGEN, CLOSE, DISCARD, ECHO, HTTP, SERVER, Recording

# A pair of a wire's options is from the server, to the server.
TO_SERVER, FROM_SERVER = (lambda x: (0, x)), (lambda x: (x, 0))


class RecordedOverAWire(Recording):
    wired = True

    def bulk_to(self, **wire):
        with self.recording(delay_ms=5, **wire):
            talk = self.connect(DISCARD)
            talk.sendall(bytes(BULK))
            talk.shutdown(socket.SHUT_WR)
            self.assertEqual(b'', talk.recv(1))
            talk.close()
        return self.replay()

    def bulk_from(self, **wire):
        with self.recording(delay_ms=5, **wire):
            talk = self.connect(CHARGEN)
            self.assertEqual(BULK, self.hear_all(talk))
            talk.close()
        # When a program was late to send more, the tail loss probe that the engine sent meanwhile passes for a loss repaired (RFC 8985 7.4),
        # for the recorded receiver reported no duplicate: the window is less from then on.
        return self.replay(may_fall_behind=True)

    def test_bulk_to_the_server_with_loss(self):
        self.bulk_to(loss=TO_SERVER(2))

    def test_bulk_to_the_server_reordered(self):
        self.bulk_to(reorder=TO_SERVER(10), reorder_by_ms=3)

    def test_bulk_to_the_server_duplicated(self):
        self.bulk_to(duplicate=TO_SERVER(5))

    def test_bulk_to_the_server_whose_acks_are_lost(self):
        self.bulk_to(loss=FROM_SERVER(20))

    def test_bulk_from_the_server(self):
        self.bulk_from()

    def test_bulk_from_the_server_with_loss(self):
        self.bulk_from(loss=FROM_SERVER(2))

    def test_bulk_from_the_server_reordered(self):
        self.bulk_from(reorder=FROM_SERVER(10), reorder_by_ms=3)

    def test_bulk_from_the_server_whose_acks_are_lost(self):
        self.bulk_from(loss=TO_SERVER(20))

    def test_echo_with_loss_both_ways(self):
        with self.recording(delay_ms=5, loss=3):
            talk = self.connect(ECHO)
            for _ in range(30):
                talk.sendall(bytes(3000))
                self.hear(talk, 3000)
            talk.close()
        self.replay()

    def test_pages_by_a_browser(self):
        with self.recording(delay_ms=5):
            pages = [f'http://{SERVER}/{name}' for name in ('', 'style.css', 'logo.svg', 'app.js', 'photo.jpg', 'font.woff')]
            arguments = [word for page in pages for word in ('-o', '/dev/null', page)]
            self.client.sh('curl', '-sS', '--max-time', '20', *arguments)
            self.client.sh('curl', '-sS', '--max-time', '20', '--parallel', '--parallel-immediate', *arguments)
        # An ACK of more than eight segments opens the kernel's window by all of them, ours by eight (RFC 9406).
        self.assertLess(3, len(self.replay(may_fall_behind=True)))

    def test_both_close_at_once(self):
        with self.recording(delay_ms=40):
            talk = self.connect(CLOSE)
            time.sleep(0.06)  # the server closed 20 ms ago; its FIN is under way
            talk.close()
            time.sleep(0.2)
        self.replay()

    def test_window_shut_and_opened_again(self):
        with self.recording(delay_ms=5):
            talk = self.connect(HTTP, prepare=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 25_000))
            talk.sendall(b'GET / HTTP/1.1\r\nHost: it\r\n\r\n')
            time.sleep(0.7)
            self.hear(talk, BODY)
            talk.close()
        self.replay()


if __name__ == '__main__':
    recording.main(__doc__)
