# SPDX-License-Identifier: BSD-3-Clause
"""Captures as conversations: what the peer sends is written down relative to both initial sequence numbers, and what the
engine answers is read back the same way.

The engine's ISN depends on seed, four-tuple and virtual time alone, so a conversation is replayed once to read the
SYN|ACKs, and again with ACKs that fit, until no SYN|ACK changes (a second connection of a tuple needs a third round).
"""
import logging
import pathlib
import resource
import subprocess

logging.getLogger('scapy').setLevel(logging.ERROR)
from scapy.all import (ARP, ICMP, IP, TCP, Dot1Q, Ether, ICMPv6ParamProblem, IPv6, PcapReader, PcapWriter, Raw)  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PEER_MAC, OUR_MAC = '02:00:00:00:00:02', '02:00:00:00:77:01'
PEER4, OURS4 = '10.77.0.2', '10.77.0.1'
PEER6, OURS6 = 'fd77::2', 'fd77::1'
ORIGIN = 1_700_000_000  # s since 1970 of second 0
TIMEOUT_S = 60


class Talk:
    """One connection's peer. Numbers are relative: 0 is the SYN of either side."""

    def __init__(self, capture, sport, dport, v6=False, isn=1000, vlan=0, src=None):
        self.capture, self.sport, self.dport, self.isn = capture, sport, dport, isn
        self.v6, self.vlan = v6, vlan
        self.src, self.dst = src or (PEER6 if v6 else PEER4), OURS6 if v6 else OURS4
        self.connection = 0  # of the tuple, counted from 0: reuse() goes on to the next
        self.isns = [isn]

    def key(self):
        return (self.src, self.sport, self.dst, self.dport)

    def reuse(self, isn):
        self.isn = isn
        self.isns.append(isn)
        self.connection += 1

    def synack(self):
        found = self.capture.synacks.get(self.key(), [])
        return found[self.connection] if self.connection < len(found) else (0, 0)

    def head(self):
        link = Ether(src=PEER_MAC, dst=OUR_MAC)
        if self.vlan:
            link /= Dot1Q(vlan=self.vlan)
        return link / (IPv6(src=self.src, dst=self.dst) if self.v6 else IP(src=self.src, dst=self.dst, id=1))

    def segment(self, flags, seq=0, ack=None, data=b'', options=(), window=65535, **fields):
        iss, ts = self.synack()
        options = [(n, (v[0], (ts + v[1]) & 0xffffffff) if n == 'Timestamp' and v[1] else v) for n, v in options]
        number = 0 if ack is None else (iss + ack) & 0xffffffff
        return TCP(sport=self.sport, dport=self.dport, flags=flags, seq=(self.isn + seq) & 0xffffffff, ack=number,
                   window=window, options=options, **fields) / Raw(data)

    def send(self, at, flags, seq=0, ack=None, data=b'', **fields):
        self.capture.add(at, self.head() / self.segment(flags, seq, ack, data, **fields))

    def open(self, at, options=(('MSS', 1460),), **fields):
        """SYN at `at`, the third ACK 10 ms later."""
        self.send(at, 'S', options=list(options), **fields)
        self.send(at + 0.01, 'A', 1, 1)


class Capture:
    """Frames of one round, and what earlier rounds taught: `synacks`, per four-tuple the (ISN, TSval) of each SYN|ACK."""

    def __init__(self, synacks):
        self.synacks = synacks
        self.frames = []
        self.talks = []

    def talk(self, *args, **kwargs):
        self.talks.append(Talk(self, *args, **kwargs))
        return self.talks[-1]

    def add(self, at, frame):
        self.frames.append((round(at * 1e6), bytes(frame)))

    def write(self, path):
        self.frames.sort(key=lambda frame: frame[0])  # stable: of one instant in the order they were added
        write_pcap(path, self.frames)


def write_pcap(path, frames, linktype=1, **packet_fields):
    """`frames`: (us since ORIGIN, bytes). `packet_fields`: caplen=N cuts every frame."""
    writer = PcapWriter(str(path), linktype=linktype, sync=True)
    writer.write_header(None)
    for us, data in frames:
        cut = data[:packet_fields.get('caplen', len(data))]
        writer.write_packet(cut, sec=ORIGIN + us // 1_000_000, usec=us % 1_000_000, caplen=len(cut), wirelen=len(data))
    writer.close()


def run(sluice, source, target, *arguments, config=HERE / 'replay.toml', before=None):
    return subprocess.run([sluice, 'replay', '--in', str(source), '--out', str(target), '-c', str(config), *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, preexec_fn=before)


def cpu_seconds(sluice, source, target, *arguments):
    """Of a whole replay, start and end of the process included; other processes do not disturb it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    replay(sluice, source, target, *arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def replay(sluice, source, target, *arguments):
    """What it printed; any other end than success is an error."""
    done = run(sluice, source, target, *arguments)
    if done.returncode != 0:
        raise AssertionError(f'sluice replay: exit status {done.returncode}\n{done.stdout}{done.stderr}')
    return done


def read(path):
    """[(us since ORIGIN, scapy frame)]"""
    with PcapReader(str(path)) as reader:
        return [(round((float(frame.time) - ORIGIN) * 1e6), frame) for frame in reader]


def timestamps(tcp):
    return next((value for name, value in tcp.options if name == 'Timestamp'), (0, 0))


def read_synacks(path):
    found = {}
    for _, frame in read(path):
        if TCP in frame and frame[TCP].flags & 0x17 == 0x12:
            ip, tcp = frame[IPv6] if IPv6 in frame else frame[IP], frame[TCP]
            isns = found.setdefault((ip.dst, tcp.dport, ip.src, tcp.sport), [])
            if tcp.seq not in [isn for isn, _ in isns]:
                isns.append((tcp.seq, timestamps(tcp)[0]))
    return found


def settle(sluice, build, directory, arguments=()):
    """Replays `build(capture)` until its ACKs fit; the capture, and what the last replay printed. in.pcap and out.pcap
    are in `directory`."""
    synacks = {}
    for _ in range(4):
        capture = Capture(synacks)
        build(capture)
        capture.write(directory / 'in.pcap')
        done = replay(sluice, directory / 'in.pcap', directory / 'out.pcap', *arguments)
        seen = read_synacks(directory / 'out.pcap')
        if seen == synacks:
            return capture, done
        synacks = seen
    raise AssertionError('the SYN|ACKs differ from replay to replay')


def describe_tcp(talk, frame, synacks):
    """`SA 0>1 MSS=1460`: flags, sequence number, acknowledgment, then what else there is. Numbers count from the nearest
    initial one of the tuple."""
    tcp = frame[TCP]
    isses = [iss for iss, _ in synacks.get(talk.key(), [(0, 0)])]
    text = f'{tcp.flags} {min((tcp.seq - iss) & 0xffffffff for iss in isses)}'
    if tcp.flags.A:
        text += f'>{min((tcp.ack - isn) & 0xffffffff for isn in talk.isns)}'
    ip = frame[IPv6] if IPv6 in frame else frame[IP]
    length = (ip.plen if IPv6 in frame else ip.len - 4 * ip.ihl) - 4 * tcp.dataofs
    if length:
        text += f' len={length}'
    if tcp.window == 0 and not tcp.flags.R:
        text += ' win=0'
    for name, value in tcp.options:
        if name == 'SAck':
            text += ' sack=' + ','.join(f'{(v - talk.isn) & 0xffffffff}' for v in value)
        elif name == 'Timestamp':
            text += f' ts={(value[0] - synacks[talk.key()][0][1]) & 0xffffffff}/{value[1]}'
        elif name not in ('NOP', 'EOL'):
            text += f' {name}' if value in (b'', None) else f' {name}={value}'
    return text


def describe_other(frame):
    if ARP in frame:
        return f'ARP op={frame[ARP].op} {frame[ARP].psrc} {frame[ARP].hwsrc} to {frame.dst}'
    if ICMP in frame:
        return f'ICMP type={frame[ICMP].type} {frame[IP].src} to {frame[IP].dst} bytes={len(frame[ICMP])}'
    if IPv6 in frame:
        inner = frame[IPv6].payload
        return f'ICMPv6 type={inner.type} {frame[IPv6].src} to {frame[IPv6].dst} bytes={len(inner)} to {frame.dst}'
    return frame.summary()


def answers(capture, path):
    """The output as text, one frame a line: second, port of the peer, and what it is."""
    lines = []
    for us, frame in read(path):
        text = f'{us / 1e6:.3f} '
        if Dot1Q in frame:
            text += f'vlan={frame[Dot1Q].vlan} '
        if TCP in frame and ICMPv6ParamProblem not in frame:
            ip = frame[IPv6] if IPv6 in frame else frame[IP]
            key = (ip.dst, frame[TCP].dport, ip.src, frame[TCP].sport)
            talk = next((talk for talk in capture.talks if talk.key() == key), None)
            text += f'{key[1]} ' + (describe_tcp(talk, frame, capture.synacks) if talk else frame.summary())
        else:
            text += describe_other(frame)
        lines.append(text)
    return lines


def tshark_complaints(path):
    """What tshark finds wrong: frames that are malformed, cut, or whose checksums do not agree."""
    complaint = ('_ws.malformed or _ws.short or ip.checksum.status == 0 or tcp.checksum.status == 0 or '
                 'icmp.checksum.status == 0 or icmpv6.checksum.status == 0 or _ws.expert.severity == error')
    done = subprocess.run(['tshark', '-n', '-r', str(path), '-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE',
                           '-Y', complaint], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S,
                          check=True)
    return done.stdout


def tshark_text(path):
    done = subprocess.run(['tshark', '-n', '-t', 'e', '-x', '-r', str(path)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=TIMEOUT_S, check=True)
    return done.stdout
