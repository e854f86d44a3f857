#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Many at once: wrk with 64 connections, and 10,000 connections open at the same time."""
import contextlib
import os
import re
import resource
import select
import socket

from lab import CLIENT, CLIENT6, Engine, MORE_CLIENTS, SERVER, SERVER6, check, main, wait_until

WEB = ('web', 80, 'app = "http"\nbody_bytes = 1024')
ECHO = ('echo', 7, 'app = "echo"')
CROWD = 10_000
AT_ONCE = 500


def wrk(link, host, seconds):
    text = link.clients.sh('wrk', '-t', '2', '-c', '64', '-d', f'{seconds}s', '--timeout', '30s', f'http://{host}/', patience=seconds + 60)
    check('Socket errors' not in text and 'Non-2xx' not in text, text)
    requests = int(re.search(r'(\d+) requests in', text).group(1))
    check(requests > 64, text)
    return requests


def wrk_with_64_connections_sees_no_error(link):
    with Engine(link, [WEB]) as engine:
        answered = wrk(link, SERVER, 10) + wrk(link, f'[{SERVER6}]', 3)
        print(f'{answered} requests')
        wait_until(lambda: not engine.stats()['tcp']['CurrEstab'], 'wrk\'s connections to go')
        check(engine.stats()['tcp']['PassiveOpens'] >= 128, engine.stats()['tcp'])


def ten_thousand_connections_are_open_at_once(link):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CROWD + 200:
        hard = CROWD + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, CROWD + 200), hard))
    with Engine(link, [ECHO]) as engine, contextlib.ExitStack() as stack:
        ways = [(SERVER, CLIENT), (SERVER6, CLIENT6), *((SERVER, source) for source in MORE_CLIENTS)]
        crowd = [stack.enter_context(sock) for sock in open_all(link, ways)]
        check(len(crowd) == CROWD)
        wait_until(lambda: engine.stats()['states']['ESTABLISHED'] == CROWD, 'the engine to count them all')
        check(len(engine.conns('state=ESTABLISHED')) == CROWD, 'conns lists another number')
        # Every one of them works.
        echo_over_all(crowd)
        check(engine.stats()['tcp']['EstabResets'] == 0)
        for sock in crowd:
            sock.close()
        wait_until(lambda: engine.stats()['states']['ESTABLISHED'] == 0, 'the engine to see them go')


def open_all(link, ways):
    """AT_ONCE handshakes in flight, until CROWD are done."""
    poller, waiting, done, made = select.epoll(), {}, [], 0
    while len(done) < CROWD:
        while made < CROWD and len(waiting) < AT_ONCE:
            server, source = ways[made % len(ways)]
            sock = link.socket(socket.AF_INET6 if ':' in server else socket.AF_INET)
            sock.setblocking(False)
            sock.bind((source, 0))
            sock.connect_ex((server, 7))
            waiting[sock.fileno()] = sock
            poller.register(sock, select.EPOLLOUT)
            made += 1
        ready = poller.poll(30)
        check(ready, 'no handshake ended in 30 s;', len(done), 'done,', len(waiting), 'waiting')
        for number, _ in ready:
            sock = waiting.pop(number)
            poller.unregister(sock)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            check(not error, 'connection', len(done), os.strerror(error))
            done.append(sock)
    poller.close()
    return done


def echo_over_all(crowd):
    poller = select.epoll()
    waiting = {}
    for i, sock in enumerate(crowd):
        sock.send(b'%08d' % i)
        waiting[sock.fileno()] = (sock, b'%08d' % i)
        poller.register(sock, select.EPOLLIN)
    while waiting:
        ready = poller.poll(30)
        check(ready, len(waiting), 'connections got no echo in 30 s')
        for number, _ in ready:
            sock, sent = waiting.pop(number)
            check(sock.recv(100) == sent, 'another echo')
            poller.unregister(sock)
    poller.close()


if __name__ == '__main__':
    main(wrk_with_64_connections_sees_no_error, ten_thousand_connections_are_open_at_once)
