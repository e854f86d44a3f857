#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What an operator relies on: telemetry, signals that come twice, closed descriptors, one line for what cannot start."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading

from lab import Engine, PATIENCE, check, main, receive_all, wait_until

ECHO = [('echo', 7, 'app = "echo"')]


class Telemetry:
    """DPDK's telemetry socket of a running engine."""

    def __init__(self, engine):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(f'/var/run/dpdk/{engine.instance}/dpdk_telemetry.v2')
        self.socket.recv(1 << 16)

    def __call__(self, command):
        self.socket.send(command.encode())
        return json.loads(self.socket.recv(1 << 16))[command.split(',')[0]]


def telemetry_tells_what_stats_tells(link):
    with Engine(link, ECHO) as engine:
        with link.connect(7) as sock:
            sock.sendall(b'hello')
            check(receive_all(sock, 5) == b'hello', 'no echo')
            ask = Telemetry(engine)

            # Neighbour discovery goes on meanwhile, so both are asked again until nothing came between.
            def same():
                before, stats, verdicts, ports = engine.stats(), ask('/sluice/stats'), ask('/sluice/verdicts'), ask('/sluice/ports')
                if before != dict(engine.stats(), shards=before['shards']):
                    return False
                states = stats.pop('states')
                check(states == before['states'] and states['ESTABLISHED'] == 1, states, before['states'])
                check(stats == before['tcp'], stats, before['tcp'])
                check(verdicts == before['verdicts'], verdicts, before['verdicts'])
                front = dict(before['ports'][0], link_up=int(before['ports'][0]['link_up']))
                check(front.pop('slaac') == [], 'addresses made without being asked for')  # telemetry tells numbers
                check(ports == {'0': front}, ports, front)
                return True
            wait_until(same, 'a moment without frames')
            check(ask('/sluice/shards')['0']['rx_frames'] > 0, 'shard 0 has received nothing')
            check('counters' in ask('/sluice/shards,0'), 'no counters')


def a_query_may_come_at_any_time(link):
    """While the engine drains and takes itself apart, too; leaving the `with` checks its exit status."""
    asked = []

    def hammer():
        with contextlib.suppress(OSError, ValueError):
            while True:
                asked.append(ask('/sluice/stats'))

    with Engine(link, ECHO) as engine:
        ask = Telemetry(engine)
        thread = threading.Thread(target=hammer)
        thread.start()
        wait_until(lambda: len(asked) > 100, 'a hundred answers')
    thread.join(PATIENCE)
    check(not thread.is_alive(), 'an unanswered query')


def a_second_signal_does_not_break_the_drain(link):
    with Engine(link, ECHO, top='drain_s = 30') as engine:
        with link.connect(7) as sock:
            payload = os.urandom(3_000_000)
            sock.sendall(b'before')
            check(receive_all(sock, 6) == b'before', 'no echo')
            for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
                engine.send_signal(number)
                wait_until(lambda: refused(link), 'the listener to close')
            check(engine.process.poll() is None, 'the drain did not wait for the connection')
            answer = exchange(sock, payload)
            check(answer == payload, len(answer), 'bytes came back, or others')
        check(engine.wait() == 0, 'exit status', engine.process.returncode)


def refused(link):
    try:
        link.connect(7).close()
    except ConnectionRefusedError:
        return True
    return False


def exchange(sock, payload):
    """Sends all, and FIN, while reading what comes back."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(OSError):
            sock.sendall(payload)
            sock.shutdown(socket.SHUT_WR)
            status = 0
        os._exit(status)
    answer = receive_all(sock)
    check(os.waitpid(child, 0)[1] == 0, 'the sender failed')
    return answer


def closed_descriptors_harm_nobody(link):
    """Neither the line `ready` nor the log may end up in what the engine opened instead."""
    engine = Engine(link, ECHO)
    with contextlib.ExitStack() as stack:
        stack.callback(engine.end)
        command = link.engine_space.command('sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', *engine.arguments)
        engine.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if link.kind == 'tap':
            wait_until(lambda: 'tap0' in link.clients.sh('ip', '-o', 'link'), 'the tap')
            link.configure_clients()
        wait_until(engine.reachable, 'an answer to ARP')
        for number in (0, 1, 2):
            there = os.readlink(f'/proc/{engine.process.pid}/fd/{number}')
            check(there == '/dev/null', 'descriptor', number, 'is', there)
        with link.connect(7) as sock:
            check(exchange(sock, b'hello') == b'hello', 'no echo')
        check(engine.stop() == 0, 'exit status', engine.process.returncode)


def a_reader_that_leaves_harms_nobody(link):
    with Engine(link, ECHO) as engine:
        engine.process.stdout.close()
        with link.connect(7) as sock:
            check(exchange(sock, b'hello') == b'hello', 'no echo')


def a_service_that_cannot_start_is_one_line(link):
    """The second finds the first at its socket, which no check of the configuration can tell."""
    engine = Engine(link, [('one', 0, 'app = "remote"'), ('two', 0, 'app = "remote"')])
    try:
        done = subprocess.run(link.engine_space.command(*engine.arguments, '--set', 'log.level=off'), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
        check(done.returncode == 1, 'exit status', done.returncode, done.stderr)
        check(done.stdout == '', done.stdout)
        check(done.stderr.startswith(f'sluice: service.two: {engine.remote_path}: in use') and done.stderr.count('\n') == 1, done.stderr)
    finally:
        engine.end()


if __name__ == '__main__':
    main(telemetry_tells_what_stats_tells, a_query_may_come_at_any_time, a_second_signal_does_not_break_the_drain,
         closed_descriptors_harm_nobody, a_reader_that_leaves_harms_nobody, a_service_that_cannot_start_is_one_line)
