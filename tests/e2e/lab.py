# SPDX-License-Identifier: BSD-3-Clause
"""What every end-to-end test stands on: a link with the Linux kernel on its other end, and a `sluice serve` on ours.

A Link is one or two network namespaces of our own with a device between them; an Engine is one run of the program, whose
books must balance before it may stop. Everything made is removed again, whatever happens. The test files call main(), which
gives each of their functions a fresh Link. Nothing here decides by time: the timeouts only bound how long a failure takes.
"""
import argparse
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from relay import Relay

SERVER, CLIENT = '10.77.0.1', '10.77.0.2'
SERVER6, CLIENT6 = 'fd77::1', 'fd77::2'
MORE_CLIENTS = ['10.77.0.3', '10.77.0.4', '10.77.0.5']
PATIENCE = 30
# The processors that we may use.
CORES = sorted(os.sched_getaffinity(0))
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(AssertionError):
    """What the engine did is not what it should have done."""


def check(condition, *what):
    if not condition:
        raise Failure(' '.join(str(part) for part in what))


def wait_until(condition, what, patience=PATIENCE, pause=0.02):
    """Polls until condition() is true and returns its answer; `what` is what was waited for, or makes the words."""
    deadline = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failure('waited in vain for ' + (what() if callable(what) else what))
        time.sleep(pause)


def sh(*command, patience=PATIENCE, ok=(0,), **options):
    """Runs a command to its end; returns what it printed."""
    if 'input' not in options:
        options.setdefault('stdin', subprocess.DEVNULL)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=patience, text=options.pop('text', True), check=False, **options)
    if ok is not None and done.returncode not in ok:
        raise Failure(f'{" ".join(command)}: status {done.returncode}: {done.stderr!s}{done.stdout!s:.500}')
    return done.stdout


class Namespace:
    """A network namespace of our own."""

    def __init__(self, name):
        self.name = name
        sh('ip', 'netns', 'add', name)
        self.ip('link', 'set', 'lo', 'up')

    def remove(self):
        subprocess.run(['ip', 'netns', 'delete', self.name], check=False, stderr=subprocess.DEVNULL)

    def command(self, *command):
        return ['ip', 'netns', 'exec', self.name, *command]

    def ip(self, *arguments):
        return sh('ip', '-n', self.name, *arguments)

    def sh(self, *command, **options):
        return sh(*self.command(*command), **options)

    @contextlib.contextmanager
    def entered(self):
        """This thread is in the namespace; sockets made here stay in it."""
        with open('/proc/self/task/%d/ns/net' % threading.get_native_id(), 'rb') as home, open(f'/run/netns/{self.name}', 'rb') as there:
            if LIBC.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f'setns {self.name}')
            try:
                yield
            finally:
                check(LIBC.setns(home.fileno(), CLONE_NEWNET) == 0, 'cannot leave', self.name)


class Link:
    """A device between the engine's namespace and the clients'. kind: veth; on one also vlan (tagged), bad (a line that
    loses, repeats and reorders) and xdp; or tap, where the two namespaces are one, because moving a tap breaks its driver's
    link calls, and where the kernel's side appears with the engine."""

    made = 0
    # Whether something between spoils frames, so that the kernel finds faults that are not ours.
    spoils = False

    def __init__(self, kind):
        Link.made += 1
        prefix = f'sl{os.getpid()}-{Link.made}'
        self.kind, self.spaces, self.relay = kind, [], None
        self.clients = self.space(prefix + 'c')
        self.engine_space = self.clients
        self.vlan = 77 if kind == 'vlan' else 0
        self.client_device = 'tap0'
        try:
            if kind == 'tap':
                self.device = 'net_tap0,iface=tap0'
            else:
                self.make_veth(prefix)
        except BaseException:
            self.remove()
            raise

    def space(self, name):
        self.spaces.append(Namespace(name))
        return self.spaces[-1]

    def make_veth(self, prefix):
        self.engine_space = self.space(prefix + 's')
        self.engine_space.ip('link', 'add', 'veth-s', 'type', 'veth', 'peer', 'name', 'veth-c', 'netns', self.clients.name)
        # An address there would make the kernel answer the same segments with resets; not even a link-local one.
        self.engine_space.sh('sysctl', '-qw', 'net.ipv6.conf.veth-s.disable_ipv6=1')
        self.engine_space.ip('link', 'set', 'veth-s', 'up')
        # A veth has no hardware that would fill in checksums or cut large segments.
        self.clients.sh('ethtool', '-K', 'veth-c', 'tx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off')
        self.client_device = 'veth-c'
        self.clients.ip('link', 'set', 'veth-c', 'up')
        if self.kind in ('vlan', 'bad'):
            with self.clients.entered():
                self.relay = Relay('tap-c', 'veth-c', self.vlan, self.kind == 'bad')
            self.client_device = 'tap-c'
        self.device = 'net_af_xdp0,iface=veth-s,force_copy=1' if self.kind == 'xdp' else 'net_af_packet0,iface=veth-s,framesz=2048,framecnt=1024,blocksz=4096'
        self.configure_clients()

    def configure_clients(self):
        """The clients' addresses. On a tap, once the engine has made it."""
        device = self.client_device
        self.clients.ip('link', 'set', device, 'up')
        for address in [CLIENT, *MORE_CLIENTS]:
            self.clients.ip('addr', 'replace', f'{address}/24', 'dev', device)
        # nodad: usable at once.
        self.clients.ip('addr', 'replace', f'{CLIENT6}/64', 'dev', device, 'nodad')

    def remove(self):
        if self.relay:
            self.relay.stop()
        for space in self.spaces:
            space.remove()

    # --- the kernel's end ---

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM):
        with self.clients.entered():
            made = socket.socket(family, kind)
        made.settimeout(PATIENCE)
        return made

    def connect(self, port, address=SERVER, source=None, prepare=None):
        """A TCP connection of the kernel to the engine."""
        made = self.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
        try:
            if prepare:
                prepare(made)
            if source:
                made.bind((source, 0))
            made.connect((address, port))
        except BaseException:
            made.close()
            raise
        return made

    def listen(self, address=CLIENT, port=0, backlog=16):
        made = self.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen(backlog)
        return made

    def start(self, *command, **options):
        """A client that runs on its own in the clients' namespace."""
        return subprocess.Popen(self.clients.command(*command), **options)

    def kernel_state(self, local, peer):
        """What `ss` calls the connection's state, '' if the kernel knows none. Both as (address, port)."""
        return self.kernel_states().get((endpoint(local), endpoint(peer)), '')

    def kernel_states(self):
        states = {}
        for line in self.clients.sh('ss', '-Htna').splitlines():
            fields = line.split()
            states[strip_zone(fields[3]), strip_zone(fields[4])] = fields[0]
        return states

    def kernel_errors(self):
        """What the kernel found wrong with frames of ours: counters of bad headers and checksums that are not 0. (Its
        Tcp:InErrs counts a SYN|ACK that was sent twice, too.)"""
        lines = [line.split() for line in self.clients.sh('cat', '/proc/net/snmp').splitlines()]
        found = {}
        for names, values in zip(lines[::2], lines[1::2]):
            found.update({names[0] + name: int(value) for name, value in zip(names[1:], values[1:])})
        found.update({line.split()[0]: int(line.split()[1]) for line in self.clients.sh('cat', '/proc/net/snmp6').splitlines()})
        return {name: n for name, n in found.items() if n and name.endswith(('InCsumErrors', 'HdrErrors', 'TruncatedPkts'))}


def strip_zone(text):
    """'10.77.0.2%veth-c:80' -> '10.77.0.2:80'"""
    address, _, port = text.rpartition(':')
    return address.split('%')[0] + ':' + port


def endpoint(pair):
    address, port = pair[0], pair[1]
    return f'[{address}]:{port}' if ':' in address else f'{address}:{port}'


class Engine:
    """One `sluice serve`. Leaving the `with` ends it by SIGTERM, after its books are balanced."""

    made = 0

    def __init__(self, link, services, program=None, tcp='', top='', lcores=None, port='', sets=(), instance=None):
        Engine.made += 1
        self.link = link
        self.program = str(program or OPTIONS.sluice)
        self.instance = instance or f'e2e-{os.getpid()}-{Engine.made}'
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='sluice-e2e-'))
        self.remote_path = str(self.folder / 'remote.sock')
        self.config = self.folder / 'sluice.toml'
        self.config.write_text(self.toml(services, tcp, top, lcores, port))
        self.log, self.process, self.settled = self.folder / 'log', None, True
        self.arguments = [self.program, 'serve', '-c', str(self.config), *(word for each in sets for word in ('--set', each))]
        self.expected = 0

    def toml(self, services, tcp, top, lcores, port):
        head = f'''[dpdk]
instance = "{self.instance}"
lcores = "{lcores or CORES[0]}"
[engine]
{top}
[log]
level = "debug"
[tcp]
max_connections = 20000
syn_cache = 16384
{tcp}
[[port]]
name = "front"
device = "{self.link.device}"
addresses = ["{SERVER}/24", "{SERVER6}/64"]
vlan = {self.link.vlan}
{port}
'''
        text = [head]
        for name, number, app in services:
            listen = f'listen = ["{SERVER}:{number}", "[{SERVER6}]:{number}"]\n' if number else f'socket = "{self.remote_path}"\n'
            text.append(f'[[service]]\nname = "{name}"\n{listen}{app}\n')
        return '\n'.join(text)

    # --- life ---

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.show_log()
            self.end()
            raise
        return self

    def start(self):
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(self.link.engine_space.command(*self.arguments), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        line = read_line(self.process)
        check(line == 'sluice: ready\n', 'the engine said', repr(line), 'instead of being ready')
        if self.link.kind == 'tap':
            self.link.configure_clients()
        wait_until(self.reachable, 'an answer to ARP')

    def reachable(self):
        return 'bytes from' in self.link.clients.sh('ping', '-c', '1', '-W', '1', SERVER, ok=None) and \
               'bytes from' in self.link.clients.sh('ping', '-c', '1', '-W', '1', SERVER6, ok=None)

    def __exit__(self, kind, error, trace):
        try:
            if kind is None and self.process.poll() is None:
                self.balance()
                self.stop()
            if kind is None:
                check(self.process.returncode == self.expected, 'exit status', self.process.returncode, 'not', self.expected)
        except BaseException:
            self.show_log()
            raise
        finally:
            if kind is not None:
                self.show_log()
            self.end()

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, patience=PATIENCE):
        """Waits for the program's end; returns its exit status."""
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failure(f'the engine did not end within {patience} s') from None

    def stop(self, number=signal.SIGTERM):
        self.send_signal(number)
        return self.wait()

    def end(self):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
                # What it would have removed itself.
                for left in (f'/run/sluice/{self.instance}.sock', f'/run/sluice/{self.instance}.sock.lock'):
                    pathlib.Path(left).unlink(missing_ok=True)
                shutil.rmtree(f'/run/dpdk/{self.instance}', ignore_errors=True)
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_text(self):
        return self.log.read_text(errors='replace') if self.log.exists() else ''

    def show_log(self):
        status = None if self.process is None else self.process.poll()
        print(f'--- the engine (status {status}) logged, at the end:', *self.log_text().splitlines()[-40:], '---', sep='\n', flush=True)
        if status is None:
            with contextlib.suppress(Failure, ValueError):
                print(json.dumps(leave_out_zeros(self.stats())), flush=True)

    # --- what it says of itself ---

    def ask(self, *arguments):
        return sh(self.program, *arguments, '--json', '--instance', self.instance)

    def stats(self):
        return json.loads(self.ask('stats'))

    def conns(self, *filters):
        words = [word for each in filters for word in ('--filter', each)]
        return [json.loads(line) for line in self.ask('conns', *words).splitlines()]

    def state(self, local, peer):
        """The state of our connection, '' if there is none. As the engine sees them: local is ours."""
        for conn in self.conns(f'peer={endpoint(peer)}'):
            if conn['local'] == endpoint(local):
                return conn['state']
        return ''

    def balance(self):
        """Every frame received has one verdict, and every buffer is back once no connection is left but TIME_WAIT's."""
        def books():
            stats = self.stats()
            received = sum(shard['rx_frames'] for shard in stats['shards'])
            judged = sum(stats['verdicts'].values())
            held = sum(shard['buffers_in_use'] for shard in stats['shards'])
            living = {state: n for state, n in stats['states'].items() if n and state not in ('LISTEN', 'TIME_WAIT', 'CLOSED')}
            self.last_books = f'balanced books: {received} frames, {judged} verdicts, {held} buffers in use, connections {living}'
            return received == judged and not held and not living and stats
        stats = wait_until(books, lambda: self.last_books)
        errors = {} if self.link.spoils else self.link.kernel_errors()
        check(not errors, 'the kernel found fault with our frames:', errors)
        return stats


class Remote:
    """A client of the engine's remote service."""

    def __init__(self, engine):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(engine.remote_path)
        self.answers = self.socket.makefile('r')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answers.close()
        self.socket.close()

    def ask(self, line):
        self.socket.sendall(line.encode() + b'\n')
        answer = self.answers.readline()
        check(answer.endswith('\n'), 'no answer to', line[:80])
        return answer[:-1]

    def ok(self, line):
        """The answer's words behind `ok`."""
        words = self.ask(line).split()
        check(words and words[0] == 'ok', line[:80], 'was answered', ' '.join(words)[:200])
        return words[1:]

    def expect(self, line, answer):
        got = self.ask(line)
        check(got == answer, line[:80], 'was answered', repr(got[:200]), 'not', repr(answer[:200]))

    def get(self, handle, name):
        return self.ok(f'get {handle} {name}')[0]


def leave_out_zeros(tree):
    if isinstance(tree, dict):
        return {key: leave_out_zeros(value) for key, value in tree.items() if value not in (0, {}, [])}
    return [leave_out_zeros(value) for value in tree] if isinstance(tree, list) else tree


def read_line(process, patience=PATIENCE):
    """One line of a process's output; '' if it ended or took too long."""
    line = []
    reader = threading.Thread(target=lambda: line.append(process.stdout.readline()), daemon=True)
    reader.start()
    reader.join(patience)
    return line[0] if line else ''


def receive_all(sock, most=1 << 30):
    """Reads to the end of the stream."""
    parts, size = [], 0
    while size < most:
        part = sock.recv(1 << 18)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b''.join(parts)


OPTIONS = argparse.Namespace(sluice='build/sluice')


def stopped(number, _frame):
    raise SystemExit(f'stopped by signal {number}')


def main(*tests, make_link=Link):
    """Runs each test with a Link of its own; prints and counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--sluice', required=True, help='the program to test')
    parser.add_argument('--device', default='veth', choices=['veth', 'tap', 'vlan', 'bad', 'xdp'])
    parser.add_argument('only', nargs='*', help='names of the tests to run; all by default')
    parser.parse_args(namespace=OPTIONS)
    if os.geteuid() != 0:
        sys.exit('end-to-end tests make network namespaces and devices: run them as root')
    # meson ends a test that takes too long by SIGTERM: clean up then too.
    signal.signal(signal.SIGTERM, stopped)
    wrong = []
    chosen = [test for test in tests if not OPTIONS.only or test.__name__ in OPTIONS.only]
    for test in chosen:
        begin = time.monotonic()
        link = make_link(OPTIONS.device)
        try:
            test(link)
            print(f'ok    {test.__name__} ({time.monotonic() - begin:.1f} s)', flush=True)
        except Exception:
            traceback.print_exc(file=sys.stdout)
            print(f'FAIL  {test.__name__} on {OPTIONS.device}', flush=True)
            wrong.append(test.__name__)
        finally:
            link.remove()
    print(f'{len(chosen) - len(wrong)} of {len(chosen)} on {OPTIONS.device}')
    sys.exit(1 if wrong or not chosen else 0)
