# SPDX-License-Identifier: BSD-3-Clause
"""A link with a bad wire in its middle: the engine's veth and the clients' veth end in a third namespace, where
tests/support/impair joins them. Nothing passes but while a Wire runs."""
import contextlib
import json
import os
import signal
import subprocess

from lab import Link, OPTIONS, SERVER, SERVER6, check, read_line

OFFLOADS_OFF = ('tx', 'off', 'rx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off')
# What a wire may not do on its own; `late` is a matter of how busy the machine is.
OWN_FAULTS = ('no_slot', 'too_long', 'ring_full', 'send_failed')


def lead_to_wire(wire_space, server_space, client_space):
    """veth-s and veth-c, whose far ends are where a Wire looks for them; the near ones are not up yet."""
    for space, near, far in ((server_space, 'veth-s', 'wire-s'), (client_space, 'veth-c', 'wire-c')):
        space.ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', wire_space.name)
        # The wire has no addresses, so that the kernel says nothing there.
        wire_space.sh('sysctl', '-qw', f'net.ipv6.conf.{far}.disable_ipv6=1')
        space.sh('ethtool', '-K', near, *OFFLOADS_OFF)
        wire_space.sh('ethtool', '-K', far, *OFFLOADS_OFF)
        wire_space.ip('link', 'set', far, 'up')


class WireLink(Link):
    """engine - wire - clients. kind is lab's, and ignored: it is a veth."""

    def make_veth(self, prefix):
        self.engine_space = self.space(prefix + 's')
        self.wire_space = self.space(prefix + 'w')
        lead_to_wire(self.wire_space, self.engine_space, self.clients)
        # The engine's end has no addresses of the kernel's.
        self.engine_space.sh('sysctl', '-qw', 'net.ipv6.conf.veth-s.disable_ipv6=1')
        self.engine_space.ip('link', 'set', 'veth-s', 'up')
        self.client_device = 'veth-c'
        self.device = 'net_af_packet0,iface=veth-s,framesz=2048,framecnt=1024,blocksz=4096'
        self.configure_clients()

    def configure_clients(self):
        super().configure_clients()
        # As many as there are addresses, with room to spare; the kernel otherwise asks again and again over a slow wire.
        for name in ('ipv4', 'ipv6'):
            self.clients.sh('sysctl', '-qw', f'net.{name}.neigh.{self.client_device}.ucast_solicit=10')

    @contextlib.contextmanager
    def kernel_server(self):
        """While it lasts the kernel has the engine's addresses; enters its namespace for this thread's new sockets."""
        self.engine_space.sh('sysctl', '-qw', 'net.ipv6.conf.veth-s.disable_ipv6=0')
        self.engine_space.ip('addr', 'add', f'{SERVER}/24', 'dev', 'veth-s')
        self.engine_space.ip('addr', 'add', f'{SERVER6}/64', 'dev', 'veth-s', 'nodad')
        try:
            yield self.engine_space
        finally:
            self.engine_space.ip('addr', 'flush', 'dev', 'veth-s')
            self.engine_space.sh('sysctl', '-qw', 'net.ipv6.conf.veth-s.disable_ipv6=1')
            self.clients.ip('neigh', 'flush', 'all')


class Wire:
    """One run of the impairing program: options as its own, `Wire(link, loss=1, delay_ms=10)`; a pair for each direction,
    from the engine and to it. Leaving the `with` ends it; `counts` has what it did then: counts['ab'] from the engine."""

    def __init__(self, link, seed=1, strict=False, **options):
        self.link, self.strict, self.counts, self.spoils = link, strict, None, 'corrupt' in options
        program = os.path.join(os.path.dirname(os.path.abspath(OPTIONS.sluice)), 'tests/support/impair/impair')
        words = ['--a', 'wire-s', '--b', 'wire-c', '--seed', str(seed)]
        for name, value in options.items():
            words += ['--' + name.replace('_', '-'), ','.join(map(str, value)) if isinstance(value, tuple) else str(value)]
        self.command = link.wire_space.command(program, *words)

    def __enter__(self):
        self.link.spoils = self.link.spoils or self.spoils
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        line = read_line(self.process)
        if line != 'ready\n':
            self.stop()
            check(False, 'the wire said', repr(line), 'instead of being ready')
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if kind is not None:
            print('the wire:', json.dumps(self.counts), flush=True)
            return
        check(self.process.returncode == 0 and self.counts, 'the wire ended with status', self.process.returncode)
        if self.strict:
            for way in ('ab', 'ba'):
                faults = {name: self.counts[way][name] for name in OWN_FAULTS if self.counts[way][name]}
                check(not faults, 'the wire lost frames of its own accord:', way, faults)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            text, _ = self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            text, _ = self.process.communicate()
        lines = [line for line in text.splitlines() if line.startswith('{')]
        self.counts = json.loads(lines[-1]) if lines else None


