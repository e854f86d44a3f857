# SPDX-License-Identifier: BSD-3-Clause
"""The other side of a wire case, played by hand: raw frames on a veth whose kernel has no address there, built and read by
scapy, which is also the second opinion on every checksum that the engine computes."""
import logging
import random
import select
import socket
import time

logging.getLogger('scapy.runtime').setLevel(logging.ERROR)
from scapy.all import ARP, IP, TCP, Ether, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6, raw  # noqa: E402

from lab import CLIENT, Engine, Link, SERVER, SERVER6, check, endpoint, wait_until  # noqa: E402

MAC = '02:00:00:00:77:02'
ETH_P_ALL, PACKET_OUTGOING = 3, 4
WAIT, QUIET = 2.0, 0.03
# Of a distant peer, in seconds: long beside a step of ours.
ROUND_TRIP = 0.25
# All that have our MAC; 2 is the lab's client.
HOSTS = range(2, 250)


def host_address(host, v4):
    return f'10.77.0.{host}' if v4 else f'fd77::{host:x}'


ADDRESSES = {host_address(host, v4) for host in HOSTS for v4 in (True, False)}


class BareLink(Link):
    """A veth whose clients' end has no address of any kind."""

    def configure_clients(self):
        self.clients.sh('sysctl', '-qw', f'net.ipv6.conf.{self.client_device}.disable_ipv6=1')
        self.clients.ip('link', 'set', self.client_device, 'up')


class BareEngine(Engine):
    """Nobody pings: it is there when it answers ARP."""

    def reachable(self):
        with Wire(self.link) as wire:
            wire.put(Ether(src=MAC, dst='ff:ff:ff:ff:ff:ff') / ARP(hwsrc=MAC, psrc=CLIENT, pdst=SERVER))
            reply = wire.get(lambda p: ARP in p and p[ARP].op == 2 and p[ARP].psrc == SERVER)
            self.mac = reply[ARP].hwsrc if reply else None
        return self.mac is not None


class Wire:
    """The raw frames of the clients' device."""

    def __init__(self, link):
        with link.clients.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.bind((link.client_device, ETH_P_ALL))
        self.socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def put(self, frame):
        self.socket.send(frame if isinstance(frame, bytes) else raw(frame))

    def get(self, wanted, patience=WAIT):
        """The next frame that is wanted, None if none comes; whoever asks for our MAC is told."""
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                break
            bytes_, sender = self.socket.recvfrom(65536)
            if sender[2] == PACKET_OUTGOING:
                continue
            frame = Ether(bytes_)
            self.answer(frame)
            if wanted(frame):
                return frame
        return None

    def forget(self):
        """What was said before is no answer to what comes."""
        self.get(lambda _: False, 0.01)

    def answer(self, frame):
        if ARP in frame and frame[ARP].op == 1 and frame[ARP].pdst in ADDRESSES:
            self.put(Ether(src=MAC, dst=frame.src)
                     / ARP(op=2, hwsrc=MAC, psrc=frame[ARP].pdst, hwdst=frame[ARP].hwsrc, pdst=frame[ARP].psrc))
        if ICMPv6ND_NS in frame and frame[ICMPv6ND_NS].tgt in ADDRESSES:
            asked = frame[ICMPv6ND_NS].tgt
            self.put(Ether(src=MAC, dst=frame.src) / IPv6(src=asked, dst=frame[IPv6].src, hlim=255)
                     / ICMPv6ND_NA(tgt=asked, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=MAC))


def flags_of(packet):
    """Without PSH, which nobody promises."""
    return ''.join(sorted(str(packet[TCP].flags).replace('P', '')))


class Peer:
    """One connection's other end. Sequence numbers are relative: each side's ISN is 0."""

    ports = iter(range(20000, 65000))
    strangers = iter(HOSTS[20:])

    def __init__(self, table, port=None, local_port=None, host=2):
        self.table, self.v4 = table, table.v4
        self.host, self.address = host, host_address(host, self.v4)
        self.port = port if port is not None else next(Peer.ports)
        self.local_port = table.port if local_port is None else local_port
        self.isn, self.iss = random.getrandbits(32), None
        self.handle, self.last = None, None

    # --- what it says ---

    def ip(self, **fields):
        if self.v4:
            return IP(**{'src': self.address, 'dst': SERVER} | fields)
        return IPv6(**{'src': self.address, 'dst': SERVER6} | fields)

    def segment(self, flags, seq=0, ack=None, data=b'', options=(), win=65535, **more):
        return TCP(sport=self.port, dport=self.local_port, flags=flags, seq=(self.isn + seq) % 2**32,
                   ack=0 if ack is None else ((self.iss or 0) + ack) % 2**32, window=win, options=list(options), **more) / data

    def frame(self, *arguments, ip=None, mac=None, **more):
        return Ether(src=MAC, dst=mac or self.table.engine.mac) / self.ip(**(ip or {})) / self.segment(*arguments, **more)

    def send(self, *arguments, **more):
        self.table.wire.put(self.frame(*arguments, **more))

    # --- what it hears ---

    def mine(self, frame):
        ip = IP if self.v4 else IPv6
        return (TCP in frame and ip in frame and frame[ip].dst == self.address and frame[TCP].dport == self.port
                and frame[TCP].sport == self.local_port)

    def expect(self, flags, seq=None, ack=None, data=None, size=None, patience=WAIT):
        """The next segment to this port must be this one."""
        frame = self.table.wire.get(self.mine, patience)
        check(frame is not None, 'nothing was said; expected', flags, 'seq', seq, 'ack', ack)
        tcp = frame[TCP]
        self.last = tcp
        self.check_sums(frame)
        if 'S' in str(tcp.flags):
            self.iss = tcp.seq
        heard = self.describe(frame)
        wanted = ''.join(sorted(flags.replace('P', '')))
        check(flags_of(frame) == wanted, 'heard', heard, 'instead of flags', flags)
        base = self.iss or 0
        check(seq is None or (tcp.seq - base) % 2**32 == seq, 'heard', heard, 'instead of seq', seq)
        check(ack is None or (tcp.ack - self.isn) % 2**32 == ack, 'heard', heard, 'instead of ack', ack)
        payload = self.payload(frame)
        check(data is None or payload == data, 'heard', heard, payload[:40], 'instead of', data)
        check(size is None or len(payload) == size, 'heard', heard, len(payload), 'bytes instead of', size)
        return frame

    def payload(self, frame):
        """Without Ethernet's padding."""
        tcp = frame[TCP]
        if self.v4:
            return bytes(tcp.payload)[:frame[IP].len - 4 * frame[IP].ihl - 4 * tcp.dataofs]
        return bytes(tcp.payload)[:frame[IPv6].plen - 4 * tcp.dataofs]

    def describe(self, frame):
        tcp = frame[TCP]
        seq, ack = (tcp.seq - (self.iss or 0)) % 2**32, (tcp.ack - self.isn) % 2**32
        return f'{tcp.flags} seq {seq} ack {ack} win {tcp.window} len {len(self.payload(frame))}'

    def check_sums(self, frame):
        """scapy computes both checksums itself."""
        ip = frame[IP] if self.v4 else frame[IPv6]
        again = ip.copy()
        again.remove_payload()
        again = again / bytes(raw(ip.payload))[:ip.len - 4 * ip.ihl if self.v4 else ip.plen]
        again = IP(bytes(again)) if self.v4 else IPv6(bytes(again))
        was = (again[TCP].chksum, again.chksum if self.v4 else None)
        del again[TCP].chksum
        if self.v4:
            del again.chksum
        fresh = IP(raw(again)) if self.v4 else IPv6(raw(again))
        check(was == (fresh[TCP].chksum, fresh.chksum if self.v4 else None), 'wrong checksum in', self.describe(frame))

    def silence(self, seconds=QUIET):
        frame = self.table.wire.get(self.mine, seconds)
        check(frame is None, 'heard', frame and self.describe(frame), 'instead of nothing')

    def option(self, name):
        return dict((o[0], o[1]) for o in self.last.options).get(name)

    def run(self, begin, count, size=1000):
        """So many full segments, one behind the other."""
        return [self.expect('A', begin + size * i, size=size) for i in range(count)]

    def heard(self, quiet=QUIET):
        """Everything that is said until nothing has been said for so long."""
        frames = []
        while (frame := self.table.wire.get(self.mine, quiet)) is not None:
            frames.append(frame)
        return frames

    def place(self, frame):
        """Where its text begins, and how long it is."""
        return (frame[TCP].seq - (self.iss or 0)) % 2**32, len(self.payload(frame))

    def places(self, quiet=QUIET):
        """Of all the text that is heard."""
        return [place for place in map(self.place, self.heard(quiet)) if place[1]]

    def blocks(self):
        """SACK blocks of what was heard last."""
        edges = self.option('SAck') or ()
        return [((left - self.isn) % 2**32, (right - self.isn) % 2**32) for left, right in zip(edges[::2], edges[1::2])]

    def sack(self, *blocks):
        """The option that reports these."""
        return [('NOP', None), ('NOP', None), ('SAck', tuple((self.iss + edge) % 2**32 for block in blocks for edge in block))]

    # --- with the application ---

    def establish(self, options=(), win=65535, round_trip=0.0):
        """The handshake; the application has accepted when it ends. With a round trip that is long beside a step of ours no
        timer of the engine ends between two steps."""
        self.send('S', 0, options=options, win=win)
        self.expect('SA', 0, 1)
        return self.finish(options, win, round_trip)

    def finish(self, options=(), win=65535, round_trip=0.0):
        time.sleep(round_trip)
        self.send('A', 1, 1, win=win, options=self.timestamps(options))
        self.accept()
        return self

    def timestamps(self, options):
        mine = dict((o[0], o[1]) for o in options).get('Timestamp')
        return [('NOP', None), ('NOP', None), ('Timestamp', (mine[0] + 1, self.option('Timestamp')[0]))] if mine else []

    def accept(self):
        self.handle = self.table.remote.ok(f'accept {self.table.listener} wait_ms=2000')[0]
        return self.handle

    def app(self, verb, *words):
        return self.table.remote.ok(' '.join([verb, self.handle, *map(str, words)]))

    def reads(self, data):
        got = b''
        while len(got) < len(data):
            words = self.app('recv', len(data) - len(got), 'wait_ms=2000')
            check(words != ['eof'], 'eof after', got, 'of', data)
            got += bytes.fromhex(words[0])
        check(got == data, 'the application read', got[:60], 'not', data[:60])

    def reads_nothing(self):
        self.table.remote.expect(f'recv {self.handle} 10', 'error EAGAIN')

    def writes(self, data):
        check(self.app('send', data.hex()) == [str(len(data))], 'not all was taken')

    def info(self, name):
        """A number that the engine has about the connection."""
        return int(self.table.remote.get(self.handle, name))

    def acked(self, ack):
        """The engine has taken this acknowledgment."""
        wait_until(lambda: (self.info('snd_una') - self.iss) % 2**32 == ack, f'SND.UNA to be {ack}', WAIT, 0.001)

    def gives(self, window, *arguments, **more):
        """A window that the engine has taken before the application does anything."""
        self.send(*arguments, **more)
        wait_until(lambda: self.info('snd_wnd') == window, f'a window of {window}', WAIT, 0.001)

    def state_is(self, state):
        check(self.table.remote.get(self.handle, 'state') == state, 'in', self.table.remote.get(self.handle, 'state'), 'not', state)


class Table:
    """The engine, the wire and a listener of the remote service, for one case over one family."""

    def __init__(self, link, engine, wire, remote, v4):
        self.link, self.engine, self.wire, self.remote, self.v4 = link, engine, wire, remote, v4
        self.address = SERVER if v4 else SERVER6
        self.listener, self.port = None, None

    def listen(self, **options):
        words = ' '.join(f'{name}={value}' for name, value in options.items())
        self.listener = self.remote.ok(f'listen {endpoint((self.address, 0))} {words}')[0]
        self.port = int(self.remote.get(self.listener, 'local').rpartition(':')[2])
        return self

    def peer(self, **options):
        return Peer(self, **options)

    def stranger(self):
        """A peer at an address of which nobody has heard."""
        return Peer(self, host=next(Peer.strangers))

    def established(self, options=(), win=65535, **more):
        return self.peer().establish(options, win, **more)

    def verdict(self, name):
        return self.engine.stats()['verdicts'].get(name, 0)

    def raw(self, frame):
        self.wire.put(frame)
