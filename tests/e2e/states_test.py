#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""`ss` on the kernel's side and `sluice conns` on ours agree in every state. A socket filter makes the kernel's end deaf, so
that each side can be held where it is; the remote service plays our application."""
import ctypes
import socket
import struct
import time

from lab import CLIENT, CLIENT6, Engine, Remote, SERVER, SERVER6, check, endpoint, main, wait_until

REMOTE = ('remote', 0, 'app = "remote"')
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
FAMILIES = ((SERVER, CLIENT), (SERVER6, CLIENT6))
PORT = 9000
DROP_ALL = [(0x06, 0, 0, 0)]
# Of the TCP header, byte 13: a bare ACK is dropped, everything else heard.
DROP_BARE_ACKS = [(0x30, 0, 0, 13), (0x15, 0, 1, 0x10), (0x06, 0, 0, 0), (0x06, 0, 0, 0xffffffff)]


def deafen(sock, program=DROP_ALL):
    code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *step) for step in program))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('HxxxxxxP', len(program), ctypes.addressof(code)))


def hear(sock):
    sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


class Pair:
    """A connection between the kernel and the engine, seen from both."""

    def __init__(self, link, engine, ours, kernels):
        self.link, self.engine, self.ours, self.kernels = link, engine, ours[:2], kernels[:2]

    def agree(self, ours, kernels):
        """Waits until conns says `ours` and ss says `kernels` ('' where that side has forgotten the connection)."""
        def states():
            self.seen = (self.engine.state(self.ours, self.kernels), self.link.kernel_state(self.kernels, self.ours))
            return self.seen == (ours, kernels)
        wait_until(states, lambda: f'conns to say {ours!r} and ss {kernels!r}; they say {self.seen}')


class Table:
    """An engine with a listener of the remote service, for one test."""

    def __init__(self, link, engine, remote, server):
        self.link, self.engine, self.remote, self.server = link, engine, remote, server
        self.listener = remote.ok(f'listen {endpoint((server, PORT))}')[0]

    def accepted(self):
        """(kernel's socket, our handle, Pair) of an established connection that the kernel opened."""
        sock = self.link.connect(PORT, self.server)
        handle, peer = self.remote.ok(f'accept {self.listener} wait_ms=10000')
        check(peer == endpoint(sock.getsockname()), 'accept names', peer)
        pair = Pair(self.link, self.engine, sock.getpeername(), sock.getsockname())
        pair.agree('ESTABLISHED', 'ESTAB')
        return sock, handle, pair


def on_both_families(story):
    """A test that runs `story(table)` over IPv4 and IPv6."""
    def test(link):
        with Engine(link, [REMOTE], tcp='msl_ms = 60000') as engine, Remote(engine) as remote:
            for server, _ in FAMILIES:
                story(Table(link, engine, remote, server))
            remote.ok('reset')
    test.__name__ = story.__name__
    return test


@on_both_families
def we_close_first(table):
    sock, handle, pair = table.accepted()
    deafen(sock)
    table.remote.ok(f'shutdown {handle} wr')
    pair.agree('FIN_WAIT_1', 'ESTAB')
    hear(sock)
    pair.agree('FIN_WAIT_2', 'CLOSE-WAIT')
    sock.close()
    pair.agree('TIME_WAIT', '')


@on_both_families
def the_kernel_closes_first(table):
    sock, handle, pair = table.accepted()
    deafen(sock)
    sock.shutdown(socket.SHUT_WR)
    pair.agree('CLOSE_WAIT', 'FIN-WAIT-1')
    hear(sock)
    pair.agree('CLOSE_WAIT', 'FIN-WAIT-2')
    deafen(sock)
    table.remote.ok(f'shutdown {handle} wr')
    pair.agree('LAST_ACK', 'FIN-WAIT-2')
    hear(sock)
    pair.agree('', 'TIME-WAIT')
    sock.close()


@on_both_families
def both_close_at_once(table):
    sock, handle, pair = table.accepted()
    deafen(sock)
    table.remote.ok(f'shutdown {handle} wr')
    pair.agree('FIN_WAIT_1', 'ESTAB')
    sock.shutdown(socket.SHUT_WR)
    pair.agree('CLOSING', 'FIN-WAIT-1')
    hear(sock)
    pair.agree('TIME_WAIT', 'TIME-WAIT')
    sock.close()


@on_both_families
def the_last_ack_is_lost(table):
    sock, handle, pair = table.accepted()
    table.remote.ok(f'shutdown {handle} wr')
    pair.agree('FIN_WAIT_2', 'CLOSE-WAIT')
    deafen(sock)
    sock.shutdown(socket.SHUT_WR)
    pair.agree('TIME_WAIT', 'LAST-ACK')
    # TIME_WAIT answers the FIN that the kernel sends again.
    hear(sock)
    pair.agree('TIME_WAIT', '')
    sock.close()


@on_both_families
def the_kernels_handshake_hangs(table):
    sock = table.link.socket(socket.AF_INET6 if ':' in table.server else socket.AF_INET)
    deafen(sock)
    sock.setblocking(False)
    sock.connect_ex((table.server, PORT))
    pair = Pair(table.link, table.engine, (table.server, PORT), sock.getsockname())
    pair.agree('SYN_RCVD', 'SYN-SENT')
    hear(sock)
    pair.agree('ESTABLISHED', 'ESTAB')
    handle = table.remote.ok(f'accept {table.listener} wait_ms=10000')[0]
    sock.close()
    pair.agree('CLOSE_WAIT', 'FIN-WAIT-2')
    table.remote.ok(f'close {handle}')
    pair.agree('', 'TIME-WAIT')


@on_both_families
def our_handshake_hangs(table):
    kernel = table.link.listen(dict(FAMILIES)[table.server])
    deafen(kernel)
    peer = kernel.getsockname()
    answer = table.remote.ask(f'connect {endpoint(peer)}').split()
    check(answer[:2] == ['error', 'EINPROGRESS'], answer)
    handle = answer[2]
    local = table.remote.get(handle, 'local')
    check(table.remote.get(handle, 'state') == 'SYN_SENT', 'get says', table.remote.get(handle, 'state'))
    pair = Pair(table.link, table.engine, split(local), peer)
    pair.agree('SYN_SENT', '')
    # Our ACK is not heard, our SYN is: established for us, not yet for the kernel.
    deafen(kernel, DROP_BARE_ACKS)
    pair.agree('ESTABLISHED', 'SYN-RECV')
    hear(kernel)
    pair.agree('ESTABLISHED', 'ESTAB')
    sock, _ = kernel.accept()
    table.remote.ok(f'abort {handle}')
    pair.agree('', '')
    sock.close()
    kernel.close()


@on_both_families
def both_open_at_once(table):
    """RFC 9293 figure 8: our SYN and the kernel's cross."""
    client = dict(FAMILIES)[table.server]
    sock = table.link.socket(socket.AF_INET6 if ':' in table.server else socket.AF_INET)
    sock.bind((client, 0))
    deafen(sock)
    sock.setblocking(False)
    # Nobody listens there: the engine's reset falls on deaf ears, and the kernel sends its SYN again.
    sock.connect_ex((table.server, PORT + 1))
    peer = sock.getsockname()
    answer = table.remote.ask(f'connect {endpoint(peer)} from={endpoint((table.server, PORT + 1))}').split()
    check(answer[:2] == ['error', 'EINPROGRESS'], answer)
    pair = Pair(table.link, table.engine, (table.server, PORT + 1), peer)
    pair.agree('SYN_RCVD', 'SYN-SENT')
    hear(sock)
    pair.agree('ESTABLISHED', 'ESTAB')
    table.remote.ok(f'send {answer[2]} 6f6b')
    sock.setblocking(True)
    check(sock.recv(2) == b'ok', 'no data after a simultaneous open')
    table.remote.ok(f'abort {answer[2]}')
    sock.close()


def split(text):
    address, _, port = text.rpartition(':')
    return address.strip('[]'), int(port)


def time_wait_lasts_two_msl_and_is_then_gone(link):
    msl_s = 4
    with Engine(link, [REMOTE], tcp=f'msl_ms = {1000 * msl_s}') as engine, Remote(engine) as remote:
        opened = [Table(link, engine, remote, server).accepted() for server, _ in FAMILIES]
        for _, handle, pair in opened:
            remote.ok(f'close {handle}')
            pair.agree('FIN_WAIT_2', 'CLOSE-WAIT')
        begin = time.monotonic()
        for sock, _, pair in opened:
            sock.close()
            pair.agree('TIME_WAIT', '')
        entered = time.monotonic()  # or before
        for _, _, pair in opened:
            pair.agree('', '')
            over = time.monotonic()
            check(over - begin >= 2 * msl_s, 'TIME_WAIT was over after', over - begin, 's')
            check(over - entered <= 2 * msl_s + 2, 'TIME_WAIT was over only after', over - entered, 's')
        check(engine.stats()['states']['TIME_WAIT'] == 0)


if __name__ == '__main__':
    main(we_close_first, the_kernel_closes_first, both_close_at_once, the_last_ack_is_lost, the_kernels_handshake_hangs,
         our_handshake_hangs, both_open_at_once, time_wait_lasts_two_msl_and_is_then_gone)
