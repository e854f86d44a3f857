#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The real clients of flood.py: the Linux kernel's connections, in a process of their own.

  flood_peers.py new ADDRESS PORT RATE SECONDS    opens RATE connections a second, a request each; one JSON object at the end
  flood_peers.py hold ADDRESS PORT COUNT          holds COUNT connections and has a byte echoed over each every second; answers
                                                  `report` and `settle` on its input with a JSON object; the end of the input ends it
"""
import collections
import errno
import json
import os
import select
import socket
import sys
import time

# Success is the whole answer within this time of connect().
WITHIN_S = 2.0
REQUEST = b'GET / HTTP/1.0\r\n\r\n'
LINGER_0 = b'\1\0\0\0\0\0\0\0'


def start(address, port):
    sock = socket.socket(socket.AF_INET)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    error = sock.connect_ex((address, port))
    if error not in (0, errno.EINPROGRESS):
        sock.close()
        raise OSError(error, os.strerror(error))
    return sock


class New:
    """Connections of a request each, opened at a steady rate whatever becomes of the earlier ones."""

    def __init__(self, address, port, rate, seconds):
        self.peer, self.rate, self.seconds = (address, port), rate, seconds
        self.poller, self.open, self.queue = select.epoll(), {}, collections.deque()
        self.tried, self.took, self.failed = 0, [], collections.Counter()

    def end(self, number, why=None):
        sock, began, _ = self.open.pop(number)
        self.poller.unregister(number)
        if why:
            self.failed[why] += 1
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        else:
            self.took.append(time.monotonic() - began)
        sock.close()

    def begin(self):
        self.tried += 1
        try:
            sock = start(*self.peer)
        except OSError as error:
            self.failed[errno.errorcode[error.errno]] += 1
            return
        self.open[sock.fileno()] = [sock, time.monotonic(), None]
        self.queue.append((sock.fileno(), sock))
        self.poller.register(sock.fileno(), select.EPOLLOUT)

    def step(self, number):
        entry = self.open[number]
        sock = entry[0]
        try:
            if entry[2] is None:
                error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    return self.end(number, errno.errorcode[error])
                sock.send(REQUEST)
                entry[2] = b''
                self.poller.modify(number, select.EPOLLIN)
                return None
            got = sock.recv(65536)
        except BlockingIOError:
            return None
        except OSError as error:
            return self.end(number, errno.errorcode[error.errno])
        entry[2] += got
        head, blank, body = entry[2].partition(b'\r\n\r\n')
        if blank and len(body) >= int(head.lower().partition(b'content-length:')[2].split()[0]):
            return self.end(number)
        return None if got else self.end(number, 'closed')

    def expire(self, now):
        while self.queue:
            number, sock = self.queue[0]
            entry = self.open.get(number)
            if entry is not None and entry[0] is sock:
                if now - entry[1] < WITHIN_S:
                    return
                self.end(number, 'no connection in time' if entry[2] is None else 'no answer in time')
            self.queue.popleft()

    def run(self):
        begin = time.monotonic()
        while True:
            now = time.monotonic()
            if now - begin < self.seconds:
                while self.tried < (now - begin) * self.rate:
                    self.begin()
            elif not self.open:
                break
            for number, _ in self.poller.poll(0.5 / self.rate, 64):
                self.step(number)
            self.expire(time.monotonic())
        took = sorted(1000 * each for each in self.took)
        at = lambda share: round(took[min(len(took) - 1, int(share * len(took)))], 3) if took else None
        print(json.dumps({'tried': self.tried, 'succeeded': len(took), 'failed': self.failed, 'p50_ms': at(0.5), 'p99_ms': at(0.99), 'max_ms': at(1)}))


class Hold:
    """Connections that stay, and prove it: a byte each a second, the next only after the last one's echo."""

    def __init__(self, address, port, count):
        self.poller, self.socks, self.sent_at = select.epoll(), {}, {}
        self.lost, self.echoed, self.worst, self.count = collections.Counter(), 0, 0.0, count
        for _ in range(count):
            sock = socket.create_connection((address, port), timeout=10)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socks[sock.fileno()] = sock
            self.poller.register(sock.fileno(), select.EPOLLIN)
        self.round = {number: 0.0 for number in self.socks}

    def lose(self, number, why):
        self.lost[why] += 1
        self.poller.unregister(number)
        self.socks.pop(number).close()
        self.sent_at.pop(number, None)
        self.round.pop(number)

    def hear(self, number):
        try:
            got = self.socks[number].recv(64)
        except BlockingIOError:
            return
        except OSError as error:
            self.lose(number, errno.errorcode[error.errno])
            return
        if not got:
            self.lose(number, 'closed')
        elif number in self.sent_at:
            self.echoed += 1
            self.worst = max(self.worst, time.monotonic() - self.sent_at.pop(number))

    def speak(self, now, pause, done=()):
        for number in [n for n, at in self.round.items() if now - at >= pause and n not in self.sent_at and n not in done]:
            try:
                self.socks[number].send(b'x')
            except OSError as error:
                self.lose(number, errno.errorcode[error.errno])
                continue
            self.round[number] = self.sent_at[number] = now

    def report(self):
        waiting = [time.monotonic() - at for at in self.sent_at.values()]
        print(json.dumps({'held': len(self.socks), 'lost': self.lost, 'echoed': self.echoed, 'unanswered': len(waiting),
                          'worst_ms': round(1000 * max([self.worst, *waiting]), 1)}), flush=True)
        self.echoed, self.worst = 0, 0.0

    def settle(self, patience=150.0):
        """One echo more over each of them; TCP's retransmission timers may have backed off far."""
        deadline = time.monotonic() + patience
        fresh = set()
        while time.monotonic() < deadline and len(fresh) < len(self.socks):
            self.speak(time.monotonic(), 0.0, fresh)
            for number, _ in self.poller.poll(0.05):
                self.hear(number)
                if number in self.socks and number not in self.sent_at:
                    fresh.add(number)
            fresh &= set(self.socks)
        for number in set(self.socks) - fresh:
            self.lose(number, 'silent')

    def run(self):
        print('ready', flush=True)
        self.poller.register(0, select.EPOLLIN)
        pending = b''
        while True:
            for number, _ in self.poller.poll(0.02):
                if number != 0:
                    self.hear(number)
                    continue
                text = os.read(0, 4096)
                if not text:
                    return
                *lines, pending = (pending + text).split(b'\n')
                for line in lines:
                    if line == b'settle':
                        self.poller.unregister(0)
                        self.settle()
                        self.poller.register(0, select.EPOLLIN)
                    self.report()
            # Spread over the second.
            self.speak(time.monotonic(), 1.0)


def main():
    role, address, port, *numbers = sys.argv[1:]
    if role == 'new':
        New(address, int(port), float(numbers[0]), float(numbers[1])).run()
    else:
        Hold(address, int(port), int(numbers[0])).run()


if __name__ == '__main__':
    main()
