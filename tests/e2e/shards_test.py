#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two shards over a device of one queue: software RSS spreads what comes in, and an active open's answer finds its own.

The remote service opens on shard 0, unless a port is given: what is shown here is that of the source ports only those are taken whose
answers the hash leads back there, and that a given port finds the shard that it leads to."""
import time

from lab import CLIENT, CLIENT6, CORES, Engine, Remote, SERVER, SERVER6, check, endpoint, main, receive_all, wait_until

SERVICES = [('web', 80, 'app = "http"\nbody_bytes = 2000'), ('echo', 7, 'app = "echo"'), ('remote', 0, 'app = "remote"')]
OPENS = 32


def exercise(link, lcores):
    with Engine(link, SERVICES, lcores=lcores) as engine, Remote(engine) as remote:
        for host in (SERVER, f'[{SERVER6}]'):
            got = link.clients.sh('curl', '-sS', '-g', '--noproxy', '*', '--max-time', '30', '-o', '/dev/null', '-w', '%{size_download}', f'http://{host}/')
            check(got == '2000', got)
        text = link.clients.sh('wrk', '-t', '1', '-c', '64', '-d', '3s', '--timeout', '30s', f'http://{SERVER}/', patience=60)
        check('Socket errors' not in text and 'Non-2xx' not in text, text)
        passive_spread(link, engine)
        active_opens_come_back(link, engine, remote)
        given_ports(link, engine, remote)
        shards = engine.stats()['shards']
        check(len(shards) == 2 and shards[0]['counters']['handed_over'] > 0, 'one queue, and nothing went to the other shard:', shards)
        wait_until(lambda: not engine.stats()['tcp']['CurrEstab'], 'the connections to go')


def passive_spread(link, engine):
    socks = [link.connect(7, address) for address in (SERVER, SERVER6) for _ in range(OPENS)]
    where = {conn['peer']: conn['shard'] for conn in engine.conns('service=echo')}
    check(len(where) == len(socks) and set(where.values()) == {0, 1}, 'connections on shards', sorted(where.values()))
    for i, sock in enumerate(socks):
        sock.sendall(b'%d' % i * 1000)
        sock.shutdown(1)
    for i, sock in enumerate(socks):
        check(receive_all(sock) == b'%d' % i * 1000, 'another echo')
        sock.close()


def active_opens_come_back(link, engine, remote):
    for client in (CLIENT, CLIENT6):
        kernel = link.listen(client, backlog=OPENS)
        handles = [remote.ok(f'connect {endpoint(kernel.getsockname())} wait_ms=20000')[0] for _ in range(OPENS)]
        socks = dict((endpoint(peer), sock) for sock, peer in (kernel.accept() for _ in handles))
        for i, handle in enumerate(handles):
            sock = socks[remote.get(handle, 'local')]
            remote.ok(f'send {handle} {i:08x}')
            check(sock.recv(4) == i.to_bytes(4, 'big'), 'other bytes than were sent')
            sock.sendall(b'answer')
            remote.expect(f'recv {handle} 6 wait_ms=20000', 'ok ' + b'answer'.hex())
        shards = [conn['shard'] for conn in engine.conns('service=remote', 'state=ESTABLISHED')]
        check(shards == [0] * OPENS, 'active opens on shards', shards)
        for sock in socks.values():
            sock.close()
        for handle in handles:
            remote.expect(f'recv {handle} 6 wait_ms=20000', 'ok eof')
            remote.ok(f'close {handle}')
        kernel.close()


def given_ports(link, engine, remote):
    """Ports of the client's choice belong to one shard or the other: that one opens the connection."""
    for client, server in ((CLIENT, SERVER), (CLIENT6, SERVER6)):
        kernel = link.listen(client, backlog=OPENS)
        begun = time.monotonic()
        handles = [remote.ok(f'connect {endpoint(kernel.getsockname())} from={endpoint((server, 6000 + i))} wait_ms=20000')[0]
                   for i in range(OPENS)]
        check(time.monotonic() - begun < 10, 'opens from given ports took', time.monotonic() - begun)
        socks = dict((endpoint(peer), sock) for sock, peer in (kernel.accept() for _ in handles))
        for i, handle in enumerate(handles):
            remote.expect(f'get {handle} local', 'ok ' + endpoint((server, 6000 + i)))
            remote.ok(f'send {handle} {i:08x}')
            check(socks[endpoint((server, 6000 + i))].recv(4) == i.to_bytes(4, 'big'), 'other bytes than were sent')
        shards = {conn['shard'] for conn in engine.conns('service=remote', 'state=ESTABLISHED')}
        check(shards == {0, 1}, 'opens from given ports on shards', shards)
        for sock in socks.values():
            sock.close()
        for handle in handles:
            remote.expect(f'recv {handle} 6 wait_ms=20000', 'ok eof')
            remote.ok(f'close {handle}')
        kernel.close()


def two_shards_on_two_cores(link):
    exercise(link, f'0@{CORES[0]},1@{CORES[-1]}' if CORES[:2] != [0, 1] else '0-1')


def two_shards_on_one_core(link):
    exercise(link, f'0@{CORES[0]},1@{CORES[0]}')


if __name__ == '__main__':
    main(two_shards_on_two_cores, two_shards_on_one_core)
