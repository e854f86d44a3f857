#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Through tests/support/impair: first the kernel against the kernel, so that the wire itself is known to do what it says,
then the engine as sender and receiver over a wire that loses, reorders, doubles and spoils, bytes compared by their hash."""
import hashlib
import os
import socket
import tempfile
import threading
import time

from lab import Engine, PATIENCE, SERVER, SERVER6, check, main
from wire import Wire, WireLink

PORT, SIZE = 8000, 2_000_000
ECHO = ('echo', 7, 'app = "echo"')
ADDRESSES = (SERVER, SERVER6)
GOOD = {'delay_ms': 1}
LOSS = {'delay_ms': 2, 'loss': 2}
REORDERING = {'delay_ms': 2, 'reorder': 5, 'reorder_by_ms': 3}
DOUBLES = {'delay_ms': 1, 'duplicate': 10, 'reorder_by_ms': 2}
SPOILT = {'delay_ms': 1, 'corrupt': 2}
ALL = {'delay_ms': 2, 'jitter_ms': 1, 'loss': 1, 'reorder': 2, 'reorder_by_ms': 4, 'duplicate': 1, 'corrupt': 1}
SLOW = {'delay_ms': 5, 'rate_mbit': 50, 'buffer_kb': 64}


def listener(space, address, family):
    with space.entered():
        sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, PORT))
    sock.listen(4)
    sock.settimeout(PATIENCE)
    return sock


def kernel_to_kernel(link, space, address, size, patience=4 * PATIENCE):
    """Sends from the clients' namespace to the other; Mbit/s. Every byte must be right."""
    sent, received, got = hashlib.sha256(), hashlib.sha256(), 0
    served = listener(space, address, socket.AF_INET6 if ':' in address else socket.AF_INET)
    sock = link.connect(PORT, address)
    sock.settimeout(patience)
    block = os.urandom(1 << 20)

    def send():
        left = size
        while left:
            part = block[:left]
            sock.sendall(part)
            sent.update(part)
            left -= len(part)
        sock.shutdown(socket.SHUT_WR)
    peer, _ = served.accept()
    peer.settimeout(patience)
    begin = time.monotonic()
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    while True:
        part = peer.recv(1 << 18)
        if not part:
            break
        received.update(part)
        got += len(part)
    took = time.monotonic() - begin
    sender.join()
    for each in (sock, peer, served):
        each.close()
    check(got == size and sent.digest() == received.digest(), got, 'bytes of', size, 'arrived, or others')
    return 8 * got / took / 1e6


def between_kernels(link, faults, count):
    """The named count of both directions together, after a transfer over each family."""
    with Wire(link, strict=True, **faults) as wire, link.kernel_server() as space:
        for address in ADDRESSES:
            kernel_to_kernel(link, space, address, SIZE)
    return wire.counts['ab'][count] + wire.counts['ba'][count]


def between_kernels_a_good_wire_only_delays(link):
    with Wire(link, strict=True, delay_ms=20) as wire, link.kernel_server():
        text = link.clients.sh('ping', '-c', '5', '-i', '0.2', SERVER)
        least = float(text.rpartition('=')[2].split('/')[0])
        # The upper bound only keeps a busy machine's hiccups out.
        check(40 <= least < 60, 'a round trip of twice 20 ms takes', text)
    for way in ('ab', 'ba'):
        counts = wire.counts[way]
        check(counts['in'] == counts['out'] + counts['flying'] > 0 and not counts['lost'] and not counts['reordered'], counts)


def between_kernels_a_bad_wire_does_what_it_says(link):
    for faults, count in ((LOSS, 'lost'), (REORDERING, 'reordered'), (DOUBLES, 'duplicated'), (SPOILT, 'corrupted'), (SLOW, 'overflowed')):
        check(between_kernels(link, faults, count) > 10, 'hardly any', count)


def between_kernels_the_rate_is_limited(link):
    with Wire(link, strict=True, delay_ms=1, rate_mbit=40, buffer_kb=256), link.kernel_server() as space:
        rate = kernel_to_kernel(link, space, SERVER, 6_000_000)
    # Headers take their part; the buffer lets the end seem early.
    check(10 < rate < 42, 'at 40 Mbit/s', rate, 'came through')


def between_kernels_a_great_deal_passes_at_once(link):
    """That it carries much without loss of its own; how much depends on the machine, so that is only printed."""
    with Wire(link, strict=True, delay_ms=10), link.kernel_server() as space:
        for name in ('tcp_rmem', 'tcp_wmem'):
            for each in (link.clients, space):
                each.sh('sysctl', '-qw', f'net.ipv4.{name}=4096 131072 33554432')
        rate = kernel_to_kernel(link, space, SERVER, 100_000_000)
    print(f'      {rate:.0f} Mbit/s at a round trip of 20 ms')


def send(sock, data):
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


def exchange(link, address, data):
    """Through the echo app and back: the engine receives and sends at the same time."""
    sock = link.connect(ECHO[1], address)
    sock.settimeout(4 * PATIENCE)
    sender = threading.Thread(target=send, args=(sock, data), daemon=True)
    sender.start()
    digest, size = hashlib.sha256(), 0
    while True:
        part = sock.recv(1 << 18)
        if not part:
            break
        digest.update(part)
        size += len(part)
    sender.join()
    sock.close()
    check(digest.digest() == hashlib.sha256(data).digest(), address, size, 'bytes of', len(data), 'came back, or others')


def fetch(link, address, body):
    sock = link.connect(80, address)
    sock.settimeout(4 * PATIENCE)
    sock.sendall(b'GET / HTTP/1.0\r\n\r\n')
    whole = bytearray()
    while True:
        part = sock.recv(1 << 18)
        if not part:
            break
        whole += part
    sock.close()
    head, _, got = bytes(whole).partition(b'\r\n\r\n')
    check(b' 200 ' in head and hashlib.sha256(got).digest() == hashlib.sha256(body).digest(), address, len(got), 'bytes of', len(body))


def through(faults, count):
    def test(link):
        data = os.urandom(SIZE)
        with Wire(link, strict=True, **faults) as wire, tempfile.NamedTemporaryFile() as body:
            body.write(data)
            body.flush()
            with Engine(link, [ECHO, ('web', 80, f'app = "http"\nfile = "{body.name}"')]) as engine:
                for address in ADDRESSES:
                    exchange(link, address, data)
                    fetch(link, address, data)
                tcp = engine.stats()['tcp']
                check(tcp['EstabResets'] == 0, tcp)
                if count in ('lost', 'corrupted'):
                    check(tcp['RetransSegs'] > 0, 'nothing sent again:', tcp)
        for way in ('ab', 'ba'):
            check(wire.counts[way][count] > 10, 'hardly any', count, wire.counts)
    return test


over_loss_every_byte_arrives = through(LOSS, 'lost')
over_reordering_every_byte_arrives = through(REORDERING, 'reordered')
over_doubles_every_byte_arrives = through(DOUBLES, 'duplicated')
over_spoilt_frames_every_byte_arrives = through(SPOILT, 'corrupted')
over_all_of_it_every_byte_arrives = through(ALL, 'lost')
TESTS = ('between_kernels_a_good_wire_only_delays', 'between_kernels_a_bad_wire_does_what_it_says', 'between_kernels_the_rate_is_limited',
         'between_kernels_a_great_deal_passes_at_once', 'over_loss_every_byte_arrives', 'over_reordering_every_byte_arrives',
         'over_doubles_every_byte_arrives', 'over_spoilt_frames_every_byte_arrives', 'over_all_of_it_every_byte_arrives')


def named(name):
    test = globals()[name]
    test.__name__ = name
    return test


if __name__ == '__main__':
    main(*map(named, TESTS), make_link=WireLink)
