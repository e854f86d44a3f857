#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What every device must do, tagged ports and AF_XDP included: echo requests, one page, one echo, a book that balances."""
import ipaddress
import os
import re
import socket

from lab import Engine, SERVER, SERVER6, check, main, receive_all

SERVICES = [('web', 80, 'app = "http"\nbody_bytes = 5000'), ('echo', 7, 'app = "echo"')]
ECHOED = 3_000_000


def the_kernel_pings_curls_and_echoes(link):
    with Engine(link, SERVICES) as engine:
        for address, host in ((SERVER, SERVER), (SERVER6, f'[{SERVER6}]')):
            for size in ('0', '56', '1400'):
                # -w: until three are answered; -W would wait two round trips and no more.
                answer = link.clients.sh('ping', '-c', '3', '-i', '0.01', '-s', size, '-w', '20', address)
                check(int(re.search(r'(\d+) received', answer).group(1)) >= 3, answer)
            got = link.clients.sh('curl', '-sS', '-g', '--noproxy', '*', '--max-time', '30', '-w', '%{http_code}', '-o', '/dev/null', f'http://{host}/')
            check(got == '200', host, got)
            echo(link, address)
        verdicts = engine.stats()['verdicts']
        check(verdicts['IcmpEchoAnswered'] >= 18, verdicts)


def echo(link, address):
    payload = os.urandom(ECHOED)
    answer = link.clients.sh('socat', '-t', '30', '-', f'TCP:{address}:7' if ':' not in address else f'TCP6:[{address}]:7', text=False, input=payload)
    check(answer == payload, address, len(answer), 'bytes came back, or others')


def a_closed_port_refuses(link):
    with Engine(link, SERVICES):
        for address in (SERVER, SERVER6):
            try:
                link.connect(81, address).close()
                check(False, 'port 81 accepted')
            except ConnectionRefusedError:
                pass


def segments_carry_ttl_and_dscp(link):
    """Of their service, of [tcp] where it says nothing; the reset of a port where nobody listens, too."""
    services = [('web', 80, 'app = "http"\nbody_bytes = 5000\nttl = 33\ndscp = 46'), ('echo', 7, 'app = "echo"')]
    with Engine(link, services, tcp='ttl = 200\ndscp = 10'):
        with link.clients.entered():
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))  # ETH_P_ALL
            wire.bind((link.client_device, 3))
        with wire:
            for address, host in ((SERVER, SERVER), (SERVER6, f'[{SERVER6}]')):
                link.clients.sh('curl', '-sS', '-g', '--noproxy', '*', '--max-time', '30', '-o', '/dev/null', f'http://{host}/')
                with link.connect(7, address) as sock:
                    sock.sendall(b'hello')
                    check(sock.recv(100) == b'hello')
                try:
                    link.connect(81, address).close()
                except ConnectionRefusedError:
                    pass
            seen = fields_seen(wire)
    expected = {80: (33, 46), 7: (200, 10), 81: (200, 10)}
    for address in (SERVER, SERVER6):
        for port, fields in expected.items():
            check(seen.get((address, port)) == {fields}, address, port, seen)


def fields_seen(wire):
    """(TTL, DSCP) of the TCP segments that wait in a packet socket, by the address and port that they came from."""
    seen = {}
    wire.setblocking(False)
    while True:
        try:
            packet = wire.recv(65535)
        except BlockingIOError:
            return seen
        if packet[0] >> 4 == 4 and packet[9] == 6:
            source, port, fields = packet[12:16], packet[20:22], (packet[8], packet[1] >> 2)
        elif packet[0] >> 4 == 6 and packet[6] == 6:
            source, port, fields = packet[8:24], packet[40:42], (packet[7], (packet[0] << 4 | packet[1] >> 4) >> 2 & 63)
        else:
            continue
        seen.setdefault((str(ipaddress.ip_address(source)), int.from_bytes(port, 'big')), set()).add(fields)


def misbehaving_services_end_as_they_should(link):
    """The behave app and daytime, as the kernel's sockets see them."""
    behave = [(name, number, f'app = "behave"\ndoes = "{name}"') for number, name in enumerate(('close', 'half-close', 'abort', 'close-unread'), 9001)]
    with Engine(link, [*behave, ('daytime', 13, 'app = "daytime"'), ('chargen', 19, 'app = "chargen"\nbytes = 5000000')]):
        for address in (SERVER, SERVER6):
            with link.connect(9001, address) as sock:
                check(sock.recv(10) == b'', 'close: not the end of the stream')
            with link.connect(9002, address) as sock:
                check(sock.recv(10) == b'', 'half-close: not the end of the stream')
                sock.sendall(b'still read' * 1000)
            with link.connect(9003, address) as sock:
                sock.sendall(b'x')
                expect_reset(sock, 'abort')
            with link.connect(9004, address) as sock:
                sock.sendall(b'never read')
                expect_reset(sock, 'close-unread')
            with link.connect(13, address) as sock:
                line = receive_all(sock)
                check(line.endswith(b'\r\n') and len(line) > 10, 'daytime said', line)
            with link.connect(19, address) as sock:
                check(len(receive_all(sock)) == 5000000, 'chargen sent another number of bytes')


def expect_reset(sock, what):
    try:
        got = sock.recv(10)
    except ConnectionResetError:
        return
    check(False, what, 'gave', got, 'instead of a reset')


if __name__ == '__main__':
    main(the_kernel_pings_curls_and_echoes, a_closed_port_refuses, segments_carry_ttl_and_dscp,
         misbehaving_services_end_as_they_should)
