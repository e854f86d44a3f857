#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The remote service: active opens to servers of the kernel, and each operation of its protocol with its errors."""
import os
import socket

from lab import CLIENT, CLIENT6, Engine, Failure, Remote, SERVER, SERVER6, check, endpoint, main, wait_until

REMOTE = ('remote', 0, 'app = "remote"')
FAMILIES = ((SERVER, CLIENT), (SERVER6, CLIENT6))
# A port that no test listens on.
CLOSED = 9


def conversation(story):
    """A test that runs story(link, remote, server, client) over IPv4 and IPv6."""
    def test(link):
        with Engine(link, [REMOTE], tcp='msl_ms = 5000') as engine, Remote(engine) as remote:
            remote.engine = engine
            for server, client in FAMILIES:
                story(link, remote, server, client)
            remote.ok('reset')
    test.__name__ = story.__name__
    return test


def opened(link, remote, client):
    """(kernel's socket, our handle) of a connection that we opened."""
    kernel = link.listen(client)
    handle = remote.ok(f'connect {endpoint(kernel.getsockname())} wait_ms=10000')[0]
    sock, peer = kernel.accept()
    kernel.close()
    check(remote.get(handle, 'local') == endpoint(peer), 'local is', remote.get(handle, 'local'), 'not', peer)
    check(remote.get(handle, 'peer') == endpoint(sock.getsockname()), 'another peer')
    return sock, handle


def accepted(link, remote, server, **options):
    """(kernel's socket, our handle) of a connection that the kernel opened to a listener of its own."""
    listener = remote.ok(f'listen {endpoint((server, 0))}' + ''.join(f' {name}={value}' for name, value in options.items()))[0]
    local = remote.get(listener, 'local')
    sock = link.connect(int(local.rpartition(':')[2]), server)
    handle, peer = remote.ok(f'accept {listener} wait_ms=10000')
    check(peer == endpoint(sock.getsockname()), 'accept names', peer)
    remote.ok(f'close {listener}')
    return sock, handle


def receive(remote, handle, size):
    got = b''
    while len(got) < size:
        answer = remote.ok(f'recv {handle} {size - len(got)} wait_ms=10000')
        check(answer != ['eof'], 'the end after', len(got), 'bytes of', size)
        got += bytes.fromhex(answer[0])
    return got


def send(remote, handle, data):
    while data:
        answer = remote.ask(f'send {handle} {data[:500000].hex()}').split()
        if answer == ['error', 'EAGAIN']:
            remote.ok(f'poll {handle} out wait_ms=10000')
            continue
        check(answer[0] == 'ok', 'send was answered', answer)
        data = data[int(answer[1]):]


@conversation
def an_active_open_carries_data_both_ways(link, remote, _, client):
    sock, handle = opened(link, remote, client)
    check(remote.get(handle, 'state') == 'ESTABLISHED')
    payload = os.urandom(150_000)
    sock.sendall(payload)
    check(receive(remote, handle, len(payload)) == payload, 'other bytes arrived than the kernel sent')
    send(remote, handle, payload)
    got = b''
    while len(got) < len(payload):
        got += sock.recv(1 << 16)
    check(got == payload, 'other bytes arrived than we sent')
    wait_until(lambda: remote.get(handle, 'snd_una') == remote.get(handle, 'snd_nxt'), 'the acknowledgment of all that the kernel has read')
    sock.shutdown(socket.SHUT_WR)
    remote.expect(f'recv {handle} 10 wait_ms=10000', 'ok eof')
    remote.expect(f'recv {handle} 10 wait_ms=10000', 'ok eof')
    remote.ok(f'close {handle}')
    check(sock.recv(10) == b'', 'no FIN of ours')
    sock.close()


@conversation
def a_source_that_is_asked_for_is_used(link, remote, server, client):
    kernel = link.listen(client)
    handle = remote.ok(f'connect {endpoint(kernel.getsockname())} from={endpoint((server, 12345))} wait_ms=10000')[0]
    sock, peer = kernel.accept()
    check(peer[:2] == (server, 12345), 'the kernel sees', peer)
    remote.expect(f'connect {endpoint(kernel.getsockname())} from={endpoint((server, 12345))}', 'error EADDRINUSE')
    remote.ok(f'abort {handle}')
    sock.close()
    kernel.close()


@conversation
def opens_that_cannot_be_say_why(link, remote, server, client):
    answer = remote.ask(f'connect {endpoint((client, CLOSED))} wait_ms=10000').split()
    check(answer[:2] == ['error', 'ECONNREFUSED'] and len(answer) == 3, answer)
    remote.expect(f'recv {answer[2]} 10', 'ok eof')
    remote.ok(f'close {answer[2]}')
    other = ('10.77.0.99', 0) if ':' not in server else ('fd77::99', 0)
    remote.expect(f'connect {endpoint((client, CLOSED))} from={endpoint(other)}', 'error EADDRNOTAVAIL')
    remote.expect(f'listen {endpoint((other[0], 1))}', 'error EADDRNOTAVAIL')
    listener = remote.ok(f'listen {endpoint((server, 7001))}')[0]
    remote.expect(f'listen {endpoint((server, 7001))}', 'error EADDRINUSE')
    remote.ok(f'close {listener}')
    listener = remote.ok(f'listen {endpoint((server, 7001))}')[0]
    remote.ok(f'close {listener}')
    left = remote.engine.conns('service=remote')
    check(not left, 'opens that failed and listeners that were closed left', left)


@conversation
def lines_that_are_not_understood_say_why(link, remote, server, _):
    sock, handle = accepted(link, remote, server)
    for line, answer in (('', 'EINVAL'), ('sing', 'EINVAL'), ('connect nowhere', 'EINVAL'), (f'send {handle} xyz', 'EINVAL'),
                         (f'send {handle} abc', 'EINVAL'), (f'recv {handle}', 'EINVAL'), ('recv C999999 1', 'EBADF'), ('close L999999', 'EBADF'),
                         (f'set {handle} colour 1', 'ENOPROTOOPT'), (f'get {handle} colour', 'ENOPROTOOPT'),
                         (f'set {handle} nodelay 2', 'EINVAL')):
        remote.expect(line, f'error {answer}')
    sock.close()
    remote.expect(f'recv {handle} 1 wait_ms=10000', 'ok eof')
    remote.ok(f'close {handle}')
    remote.expect(f'close {handle}', 'error EBADF')


@conversation
def reading_waits_peeks_and_ends(link, remote, server, _):
    sock, handle = accepted(link, remote, server)
    remote.expect(f'recv {handle} 10', 'error EAGAIN')
    remote.expect(f'recv {handle} 10 wait_ms=50', 'error EAGAIN')
    remote.expect(f'poll {handle} in', 'ok')
    remote.expect(f'poll {handle} in out', 'ok out')
    sock.sendall(b'abcdef')
    remote.expect(f'poll {handle} in wait_ms=10000', 'ok in')
    remote.expect(f'recv {handle} 3 peek', 'ok ' + b'abc'.hex())
    remote.expect(f'recv {handle} 3', 'ok ' + b'abc'.hex())
    remote.expect(f'recv {handle} 100', 'ok ' + b'def'.hex())
    sock.shutdown(socket.SHUT_WR)
    remote.expect(f'poll {handle} in wait_ms=10000', 'ok in')
    remote.expect(f'recv {handle} 10', 'ok eof')
    remote.expect(f'send {handle} 6869', 'ok 2')
    check(sock.recv(10) == b'hi')
    remote.ok(f'shutdown {handle} wr')
    remote.expect(f'send {handle} 6869', 'error EPIPE')
    check(sock.recv(10) == b'')
    check('hup' in remote.ok(f'poll {handle} wait_ms=10000'))
    remote.ok(f'close {handle}')
    sock.close()


@conversation
def resets_are_seen_on_both_sides(link, remote, server, _):
    # The kernel's: what arrived before is read first, then the error once, then the end.
    sock, handle = accepted(link, remote, server)
    sock.sendall(b'last words')
    remote.expect(f'poll {handle} in wait_ms=10000', 'ok in')
    reset_by_kernel(sock)
    wait_until(lambda: 'err' in remote.ok(f'poll {handle} wait_ms=1000'), 'poll to say err')
    remote.expect(f'recv {handle} 100', 'ok ' + b'last words'.hex())
    remote.expect(f'recv {handle} 100', 'error ECONNRESET')
    remote.expect(f'recv {handle} 100', 'ok eof')
    remote.ok(f'close {handle}')
    # Ours, three ways: abort, close with bytes unread, close with linger_s 0.
    for way in ('abort', 'unread', 'linger'):
        sock, handle = accepted(link, remote, server)
        if way == 'unread':
            sock.sendall(b'x')
            remote.expect(f'poll {handle} in wait_ms=10000', 'ok in')
        if way == 'linger':
            remote.ok(f'set {handle} linger_s 0')
        remote.ok(f'abort {handle}' if way == 'abort' else f'close {handle}')
        try:
            check(False, way, 'gave', sock.recv(10))
        except ConnectionResetError:
            sock.close()
    # reset: all at once, those on their own in FIN_WAIT_2 as well.
    many = [accepted(link, remote, server) for _ in range(20)]
    ends = {(endpoint(sock.getsockname()), endpoint(sock.getpeername())) for sock, _ in many}
    for _, handle in many[10:]:
        remote.ok(f'close {handle}')
    check(ends <= link.kernel_states().keys(), 'the kernel has forgotten connections before the reset')
    remote.ok('reset')
    wait_until(lambda: not ends & link.kernel_states().keys(), 'the kernel to hear of the reset')
    for sock, handle in many:
        remote.expect(f'get {handle} state', 'error EBADF')
        sock.close()
    check(not remote.engine.conns('service=remote'), 'reset left', remote.engine.conns('service=remote'))


def reset_by_kernel(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\x01\0\0\0\0\0\0\0')
    sock.close()


@conversation
def options_are_kept_and_in_force(link, remote, server, _):
    sock, handle = accepted(link, remote, server, mss=1000, rcvbuf=65536, nodelay=1)
    for name, value in (('nodelay', '1'), ('rcvbuf', '65536'), ('mss', '1000')):
        check(remote.get(handle, name) == value, name, 'is', remote.get(handle, name))
    advertised = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    check(advertised <= 1000, 'the kernel was told an mss of', advertised)
    for name, value in (('nodelay', '0'), ('cork', '1'), ('cork', '0'), ('keepalive', '1'), ('keepidle_s', '77'), ('keepintvl_s', '5'),
                        ('keepcnt', '3'), ('user_timeout_ms', '5000'), ('linger_s', '3'), ('linger_s', 'off'), ('quickack', '1'),
                        ('sndbuf', '100000'), ('congestion', 'newreno'), ('congestion', 'cubic')):
        remote.ok(f'set {handle} {name} {value}')
        check(remote.get(handle, name) == value, name, 'is', remote.get(handle, name), 'not', value)
    for name in ('snd_una', 'snd_nxt', 'snd_wnd', 'rcv_nxt', 'rcv_wnd', 'cwnd', 'ssthresh', 'srtt_us', 'rto_us', 'retransmits', 'error'):
        check(remote.get(handle, name).isdigit(), name, 'is', remote.get(handle, name))
    # An option that was not asked for is what it is, not 0; the end leaves it as it was.
    listener = remote.ok(f'listen {endpoint((server, 0))}')[0]
    for name in ('rcvbuf', 'sndbuf', 'ttl'):
        check(int(remote.get(listener, name)) > 0, name, 'of a listener is', remote.get(listener, name))
    remote.ok(f'close {listener}')
    ended, gone = accepted(link, remote, server, ttl=33, dscp=12)
    reset_by_kernel(ended)
    wait_until(lambda: remote.get(gone, 'state') == 'CLOSED', 'the end of a connection that the kernel reset')
    check([remote.get(gone, name) for name in ('ttl', 'dscp')] == ['33', '12'], 'other ttl and dscp after the end')
    remote.ok(f'close {gone}')
    # The other side's buffers end where ours do: a reader that never reads stops the sender.
    sent = 0
    while True:
        answer = remote.ask(f'send {handle} fill={10 ** 9}').split()
        if answer == ['error', 'EAGAIN']:
            break
        sent += int(answer[1])
        check(sent < 100_000_000, 'sndbuf takes everything')
    remote.ok(f'abort {handle}')
    sock.close()


@conversation
def handles_belong_to_the_service_not_to_a_client(link, remote, server, _):
    sock, handle = accepted(link, remote, server)
    with Remote(remote.engine) as other:
        sock.sendall(b'both')
        other.expect(f'recv {handle} 2 wait_ms=10000', 'ok ' + b'bo'.hex())
    remote.expect(f'recv {handle} 2 wait_ms=10000', 'ok ' + b'th'.hex())
    # One who leaves while waiting takes nothing with him.
    leaver = Remote(remote.engine)
    leaver.socket.sendall(f'recv {handle} 10 wait_ms=60000\n'.encode())
    leaver.__exit__()
    remote.ok(f'get {handle} state')
    sock.sendall(b'mine')
    remote.expect(f'recv {handle} 10 wait_ms=10000', 'ok ' + b'mine'.hex())
    remote.ok(f'close {handle}')
    sock.close()


@conversation
def a_listener_takes_only_what_its_backlog_holds(link, remote, server, _):
    listener = remote.ok(f'listen {endpoint((server, 7002))} backlog=2')[0]
    remote.expect(f'accept {listener}', 'error EAGAIN')
    remote.expect(f'accept {listener} wait_ms=20', 'error EAGAIN')
    # As with sockets, three wait for a backlog of two.
    socks = [link.connect(7002, server) for _ in range(3)]
    remote.expect(f'poll {listener} in wait_ms=10000', 'ok in')
    wait_until(lambda: len(remote.engine.conns('service=remote', 'state=ESTABLISHED')) == 3, 'three connections in the queue')
    dropped = held_verdicts(remote)
    surplus = link.socket(socket.AF_INET6 if ':' in server else socket.AF_INET)
    surplus.setblocking(False)
    surplus.connect_ex((server, 7002))
    # Its SYN and the first repetition of it, which Linux sends a second later.
    wait_until(lambda: held_verdicts(remote) >= dropped + 2, 'the surplus SYN to be dropped twice')
    check(link.kernel_state(surplus.getsockname(), (server, 7002)) == 'SYN-SENT', 'a fourth connection for a backlog of two')
    handles = [remote.ok(f'accept {listener} wait_ms=10000')[0]]
    # There is room again: the SYN after that is taken.
    wait_until(lambda: link.kernel_state(surplus.getsockname(), (server, 7002)) == 'ESTAB', 'the fourth connection once there is room')
    socks.append(surplus)
    handles += [remote.ok(f'accept {listener} wait_ms=10000')[0] for _ in socks[1:]]
    check(len(set(handles)) == 4, handles)
    remote.expect(f'accept {listener}', 'error EAGAIN')
    remote.ok(f'close {listener}')
    try:
        link.connect(7002, server)
        raise Failure('a closed listener accepted')
    except ConnectionRefusedError:
        pass
    for sock, handle in zip(socks, handles):
        remote.ok(f'close {handle}')
        sock.close()


def held_verdicts(remote):
    return remote.engine.stats()['verdicts']['ListenHeld']


@conversation
def time_wait_does_not_hinder_listen(link, remote, server, _):
    """As SO_REUSEADDR: the port of connections in our TIME_WAIT may be listened on again, and serves."""
    listener = remote.ok(f'listen {endpoint((server, 7003))}')[0]
    sock = link.connect(7003, server)
    handle = remote.ok(f'accept {listener} wait_ms=10000')[0]
    remote.ok(f'close {listener}')
    remote.ok(f'close {handle}')
    check(sock.recv(10) == b'', 'no FIN of ours')
    here = sock.getsockname()
    sock.close()
    wait_until(lambda: remote.engine.state((server, 7003), here) == 'TIME_WAIT', 'TIME_WAIT on our side')
    anybody = ('::', 7003) if ':' in server else ('0.0.0.0', 7003)
    for local in ((server, 7003), anybody):
        listener = remote.ok(f'listen {endpoint(local)}')[0]
        check(remote.engine.state((server, 7003), here) == 'TIME_WAIT', 'listen ended a TIME_WAIT')
        sock = link.connect(7003, server)
        handle = remote.ok(f'accept {listener} wait_ms=10000')[0]
        sock.sendall(b'new')
        remote.expect(f'recv {handle} 3 wait_ms=10000', 'ok ' + b'new'.hex())
        remote.ok(f'abort {handle}')
        sock.close()
        remote.ok(f'close {listener}')


if __name__ == '__main__':
    main(an_active_open_carries_data_both_ways, a_source_that_is_asked_for_is_used, opens_that_cannot_be_say_why,
         lines_that_are_not_understood_say_why, reading_waits_peeks_and_ends, resets_are_seen_on_both_sides, options_are_kept_and_in_force,
         handles_belong_to_the_service_not_to_a_client, a_listener_takes_only_what_its_backlog_holds,
         time_wait_does_not_hinder_listen)
