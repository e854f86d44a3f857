#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""How the program ends: SIGTERM drains, the deadline resets, SIGINT is the same; and a second one on the device is refused."""
import hashlib
import os
import signal
import socket
import subprocess
import tempfile
import threading

from lab import Engine, Failure, PATIENCE, SERVER, SERVER6, check, main, receive_all, wait_until

BODY = 30_000_000
REQUEST = b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'


def web(file):
    return ('web', 80, f'app = "http"\nfile = "{file.name}"')


def random_file(size):
    file = tempfile.NamedTemporaryFile(prefix='sluice-e2e-')
    data = os.urandom(size)
    file.write(data)
    file.flush()
    return file, hashlib.sha256(data).digest()


def begin_transfer(link, address):
    """A transfer in its middle: a small receive buffer, and a client that has read the first bytes only."""
    sock = link.connect(80, address, prepare=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536))
    sock.sendall(REQUEST)
    return sock, sock.recv(20000)


def drained(link, number):
    file, digest = random_file(BODY)
    with file, Engine(link, [web(file), ('echo', 7, 'app = "echo"')], top=f'drain_s = {2 * PATIENCE}') as engine:
        transfers = [begin_transfer(link, address) for address in (SERVER, SERVER6, SERVER)]
        idle = link.connect(7)
        engine.send_signal(number)
        wait_until(lambda: refused(link), 'new connections to be refused')
        check(engine.process.poll() is None, 'it ended with transfers under way')
        for sock, got in transfers:
            got += receive_all(sock)
            head, body = got.split(b'\r\n\r\n', 1)
            check(head.startswith(b'HTTP/1.1 200'), head)
            check(len(body) == BODY and hashlib.sha256(body).digest() == digest, len(body), 'bytes of', BODY, 'arrived, or others')
            sock.close()
        idle.close()
        check(engine.wait(3 * PATIENCE) == 0, 'exit status', engine.process.returncode)


def refused(link):
    try:
        link.connect(80).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def sigterm_lets_transfers_finish(link):
    drained(link, signal.SIGTERM)


def sigint_lets_transfers_finish(link):
    drained(link, signal.SIGINT)


def at_the_deadline_a_stuck_client_is_reset(link):
    file, _ = random_file(BODY)
    with file, Engine(link, [web(file)], top='drain_s = 1') as engine:
        sock, _ = begin_transfer(link, SERVER)
        check(engine.stop() == 0, 'exit status', engine.process.returncode)
        try:
            receive_all(sock)
            raise Failure('the stream ended as if it were whole')
        except ConnectionResetError:
            sock.close()


def without_connections_it_ends_at_once(link):
    for number in (signal.SIGTERM, signal.SIGINT):
        with Engine(link, [('echo', 7, 'app = "echo"')], top='drain_s = 3600') as engine:
            check(engine.stop(number) == 0, 'exit status', engine.process.returncode)


def sigterm_while_clients_work_costs_no_half_answer(link):
    """Connections end between two answers, never in one."""
    with Engine(link, [('web', 80, 'app = "http"\nbody_bytes = 100000')], top=f'drain_s = {PATIENCE}') as engine:
        whole, problems = [], []
        workers = [threading.Thread(target=ask_until_closed, args=(link.connect(80), whole, problems), daemon=True) for _ in range(16)]
        for worker in workers:
            worker.start()
        wait_until(lambda: len(whole) > 200, 'the first 200 answers')
        check(engine.stop() == 0, 'exit status', engine.process.returncode)
        for worker in workers:
            worker.join(PATIENCE)
        check(not problems, problems)


def ask_until_closed(sock, whole, problems):
    """Requests one after the other; an end in the middle of an answer is a problem, one between two is not."""
    got = b''
    try:
        while True:
            sock.sendall(REQUEST)
            got = b''
            while b'\r\n\r\n' not in got or len(got) - got.index(b'\r\n\r\n') - 4 < 100000:
                part = sock.recv(1 << 17)
                if not part:
                    if got:
                        problems.append(f'the end after {len(got)} bytes')
                    return
                got += part
            whole.append(1)
    except (ConnectionResetError, BrokenPipeError) as error:
        if got and len(got) < 100000:
            problems.append(f'{error} after {len(got)} bytes of an answer')
    finally:
        sock.close()


def a_second_one_on_the_device_is_refused_and_harms_nothing(link):
    services = [('echo', 7, 'app = "echo"')]
    with Engine(link, services) as first:
        sock = link.connect(7)
        for instance in (None, first.instance):
            other = Engine(link, services, instance=instance)
            try:
                done = subprocess.run(link.engine_space.command(*other.arguments), capture_output=True, text=True, timeout=PATIENCE, check=False)
            finally:
                other.end()
            check(done.returncode == 1, 'exit status', done.returncode, done.stdout, done.stderr[-500:])
            check('ready' not in done.stdout, 'it said it was ready')
            name = link.device.split(',')[1].split('=')[1] if instance is None else first.instance
            check(name in done.stderr, 'the message does not name', name, ':', done.stderr[-500:])
        sock.sendall(b'still here')
        check(sock.recv(100) == b'still here')
        sock.close()


if __name__ == '__main__':
    main(sigterm_lets_transfers_finish, sigint_lets_transfers_finish, at_the_deadline_a_stuck_client_is_reset, without_connections_it_ends_at_once,
         sigterm_while_clients_work_costs_no_half_answer, a_second_one_on_the_device_is_refused_and_harms_nothing)
