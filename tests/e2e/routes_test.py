#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Where frames go: through a gateway, one that makes itself known too, over two ports, and away from a peer that no longer answers."""
import pathlib
import socket

from echo_test import ECHO, echo_whole
from lab import CLIENT, CLIENT6, CORES, Engine, Remote, SERVER, SERVER6, check, endpoint, main, wait_until
from peer import Wire
from scapy.all import Ether, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6NDOptDstLLAddr, ICMPv6NDOptPrefixInfo, IPv6  # noqa: E402
from states_test import deafen

REMOTE = ('remote', 0, 'app = "remote"')
FAR, FAR6 = '10.88.0.2', 'fd88::2'
BACK = '''[[port]]
name = "back"
device = "net_af_packet1,iface=veth-t"
addresses = ["10.78.0.1/24"]
[[service]]
name = "everywhere"
listen = ["0.0.0.0:99"]
app = "echo"
'''


def clients_behind_a_gateway_are_reached(link):
    """The clients' machine is the gateway, and has addresses of another network behind it."""
    link.clients.ip('addr', 'add', f'{FAR}/32', 'dev', 'lo')
    link.clients.ip('addr', 'add', f'{FAR6}/128', 'dev', 'lo', 'nodad')
    with Engine(link, [ECHO, REMOTE], port=f'gateway = ["{CLIENT}", "{CLIENT6}"]') as engine, Remote(engine) as remote:
        for server, far in ((SERVER, FAR), (SERVER6, FAR6)):
            with link.connect(7, server, source=far) as sock:
                sock.sendall(b'far away')
                check(sock.recv(100) == b'far away')
            kernel = link.listen(far)
            handle = remote.ok(f'connect {endpoint(kernel.getsockname())} wait_ms=20000')[0]
            sock, _ = kernel.accept()
            remote.ok(f'abort {handle}')
            sock.close()
            kernel.close()


def an_advertised_router_is_the_gateway(link):
    """The clients' kernel forwards; scapy lends it the advertisements of a router's daemon."""
    link.clients.ip('addr', 'add', f'{FAR6}/128', 'dev', 'lo', 'nodad')
    link.clients.sh('sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1')
    device = link.client_device
    own = link.clients.ip('-6', '-o', 'addr', 'show', 'dev', device, 'scope', 'link').split()
    mac = link.clients.sh('cat', f'/sys/class/net/{device}/address').strip()

    def advertise(wire, lifetime):
        frame = (Ether(src=mac, dst='33:33:00:00:00:01') / IPv6(src=own[own.index('inet6') + 1].split('/')[0], dst='ff02::1', hlim=255)
                 / ICMPv6ND_RA(routerlifetime=lifetime) / ICMPv6NDOptPrefixInfo(prefix='fd99::', prefixlen=64, L=1, A=1))
        wire.put(frame)

    with Engine(link, [ECHO]) as engine, Wire(link) as wire:
        counter = lambda name: sum(shard['counters'][name] for shard in engine.stats()['shards'])
        wait_until(lambda: counter('router_solicitations'), 'the engine to ask for routers')
        for _ in range(2):
            advertise(wire, 1800)
            wait_until(lambda: counter('routers') == 1, 'the router to be believed')
            with link.connect(7, SERVER6, source=FAR6) as sock:
                sock.sendall(b'far away')
                check(sock.recv(100) == b'far away')
                # It takes itself back: nothing reaches the far client any more, until it is there again.
                advertise(wire, 0)
                wait_until(lambda: counter('routers') == 0, 'the router to be forgotten')
                before = counter('no_route')
                sock.sendall(b'still there?')
                wait_until(lambda: counter('no_route') > before, 'an answer without a way')
                sock.settimeout(0.05)
                try:
                    check(False, 'without a router came', sock.recv(100))
                except socket.timeout:
                    pass
                advertise(wire, 1800)
                sock.settimeout(30)
                check(sock.recv(100) == b'still there?')


def an_address_of_an_advertised_prefix_serves(link):
    """scapy is the router, and once another host that has the address; the kernel is the client."""
    router, rival = '02:00:00:00:77:fe', '02:00:00:00:77:66'
    link.clients.ip('addr', 'add', 'fd99::2/64', 'dev', link.client_device, 'nodad')

    def advertise(wire, preferred):
        wire.put(Ether(src=router, dst='33:33:00:00:00:01') / IPv6(src='fe80::fe', dst='ff02::1', hlim=255)
                 / ICMPv6ND_RA(routerlifetime=0)
                 / ICMPv6NDOptPrefixInfo(prefix='fd99::', prefixlen=64, L=1, A=1, validlifetime=86400, preferredlifetime=preferred))

    def probed(wire):
        frame = wire.get(lambda each: ICMPv6ND_NS in each and each[IPv6].src == '::' and each[ICMPv6ND_NS].tgt.startswith('fd99:'), 10)
        check(frame, 'no address was tried for duplicates')
        return frame[ICMPv6ND_NS].tgt

    six = 'slaac = true\n[[service]]\nname = "six"\nlisten = ["[::]:99"]\napp = "echo"\n'
    with Engine(link, [ECHO], port=six) as engine, Wire(link) as wire:
        ours = lambda: {each['address']: each['deprecated'] for each in engine.stats()['ports'][0]['slaac']}
        advertise(wire, 3600)
        first = probed(wire)
        check(first not in ours(), 'used before it was tried')
        wire.put(Ether(src=rival, dst='33:33:00:00:00:01') / IPv6(src=first, dst='ff02::1', hlim=255)
                 / ICMPv6ND_NA(tgt=first, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=rival))
        address = probed(wire)
        check(address != first, 'the same address again')
        wait_until(lambda: ours().get(address) is False, 'the second address')
        check(first not in ours(), 'an address that another host has')
        with link.connect(99, address) as sock:
            sock.sendall(b'at home')
            check(sock.recv(100) == b'at home')
            check(engine.state((address, 99), sock.getsockname()) == 'ESTABLISHED')
            advertise(wire, 0)
            wait_until(lambda: ours()[address], 'the address to be deprecated')
            sock.sendall(b'still here')
            check(sock.recv(100) == b'still here')
        with link.connect(99, address) as sock:
            sock.sendall(b'and again')
            check(sock.recv(100) == b'and again')
    with Engine(link, [ECHO], port=six, lcores=f'0@{CORES[0]},1@{CORES[-1]}') as engine, Wire(link) as wire:
        advertise(wire, 3600)
        address = probed(wire)
        check(address == first or not pathlib.Path('/etc/machine-id').exists(), 'another address after another start')
        shards = lambda: engine.stats()['shards']
        wait_until(lambda: all(shard['counters']['slaac_addresses'] == 2 for shard in shards()), 'both shards to have it')
        for _ in range(20):
            with link.connect(99, address) as sock:
                sock.sendall(b'from either')
                check(sock.recv(100) == b'from either')


def two_ports_answer_each_on_its_own_wire(link):
    link.engine_space.ip('link', 'add', 'veth-t', 'type', 'veth', 'peer', 'name', 'veth-d', 'netns', link.clients.name)
    link.engine_space.sh('sysctl', '-qw', 'net.ipv6.conf.veth-t.disable_ipv6=1')
    link.engine_space.ip('link', 'set', 'veth-t', 'up')
    link.clients.sh('ethtool', '-K', 'veth-d', 'tx', 'off')
    link.clients.ip('addr', 'add', '10.78.0.2/24', 'dev', 'veth-d')
    link.clients.ip('link', 'set', 'veth-d', 'up')
    with Engine(link, [ECHO], port=BACK) as engine:
        echo_whole(link, SERVER, 1_000_000)
        for address in (SERVER, '10.78.0.1'):
            with link.connect(99, address) as sock:
                sock.sendall(b'here')
                check(sock.recv(100) == b'here')
        ports = {port['name']: port for port in engine.stats()['ports']}
        check(ports['front']['rx_frames'] > 100 and ports['back']['rx_frames'] >= 4, ports)


def keepalive_drops_a_peer_that_is_gone_and_no_other(link):
    with Engine(link, [REMOTE], tcp='keepalive = { enabled = true, idle_s = 1, interval_s = 1, probes = 2 }') as engine, Remote(engine) as remote:
        for server in (SERVER, SERVER6):
            listener = remote.ok(f'listen {endpoint((server, 9000))}')[0]
            there, gone = link.connect(9000, server), link.connect(9000, server)
            handles = dict(reversed(remote.ok(f'accept {listener} wait_ms=20000')) for _ in range(2))
            deafen(gone)
            remote.expect(f'recv {handles[endpoint(gone.getsockname())]} 1 wait_ms=25000', 'error ETIMEDOUT')
            check(remote.get(handles[endpoint(there.getsockname())], 'state') == 'ESTABLISHED', 'the living one was dropped too')
            there.close()
            gone.close()
        remote.ok('reset')


if __name__ == '__main__':
    main(clients_behind_a_gateway_are_reached, an_advertised_router_is_the_gateway, an_address_of_an_advertised_prefix_serves,
         two_ports_answer_each_on_its_own_wire, keepalive_drops_a_peer_that_is_gone_and_no_other)
