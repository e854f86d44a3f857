#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The echo app: 100 MB of random bytes come back as they went, and a half-closed connection still carries the answer."""
import hashlib
import os
import threading

from lab import Engine, PATIENCE, SERVER, SERVER6, check, main

ECHO = ('echo', 7, 'app = "echo"')
SIZE = 100_000_000


def send_random(sock, size, digest):
    """In a thread of its own: what is echoed has to be read meanwhile."""
    block = os.urandom(1 << 20)
    while size:
        # Different bytes in every block, without making new random ones each time.
        block = hashlib.sha256(block[:64]).digest() + block[:-32]
        part = block[:size]
        sock.sendall(part)
        digest.update(part)
        size -= len(part)


def echo_whole(link, address, total=SIZE):
    sock = link.connect(7, address)
    sock.settimeout(4 * PATIENCE)
    sent, received, size = hashlib.sha256(), hashlib.sha256(), 0
    sender = threading.Thread(target=send_random, args=(sock, total, sent), daemon=True)
    sender.start()
    while size < total:
        part = sock.recv(1 << 18)
        check(part, address, 'the stream ended after', size, 'bytes of', total)
        received.update(part)
        size += len(part)
    sender.join()
    sock.close()
    check(sent.digest() == received.digest(), address, 'other bytes came back than went')


def a_hundred_mb_of_random_bytes_come_back_the_same(link):
    with Engine(link, [ECHO]):
        for address in (SERVER, SERVER6):
            echo_whole(link, address)


def after_our_clients_fin_the_rest_comes_back_then_a_fin(link):
    """socat sends its FIN at the end of its input and waits for the engine's."""
    payload = os.urandom(1_000_000)
    with Engine(link, [ECHO]):
        for target in (f'TCP4:{SERVER}:7', f'TCP6:[{SERVER6}]:7'):
            answer = link.clients.sh('socat', '-t', str(PATIENCE), '-', target, text=False, input=payload)
            check(answer == payload, target, len(answer), 'bytes of', len(payload), 'came back behind the half-close')


def whatever_options_the_kernel_uses(link):
    """Without window scaling segments of odd length come and go, of which net_tap's own checksums are wrong."""
    with Engine(link, [ECHO]):
        for name, value in (('tcp_timestamps', 0), ('tcp_sack', 0), ('tcp_window_scaling', 0), ('tcp_ecn', 1), ('tcp_mtu_probing', 2), ('tcp_timestamps', 2)):
            link.clients.sh('sysctl', '-qw', f'net.ipv4.{name}={value}')
            # One more is off, or on, each time.
            for address in (SERVER, SERVER6):
                echo_whole(link, address, 5_000_000)


if __name__ == '__main__':
    main(a_hundred_mb_of_random_bytes_come_back_the_same, after_our_clients_fin_the_rest_comes_back_then_a_fin, whatever_options_the_kernel_uses)
