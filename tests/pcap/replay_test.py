#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What `sluice replay` promises beside its answers: refusals, speed, shards, formats. replay_test.py SLUICE."""
import fcntl
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import captures
from captures import Talk
from scenarios import SCENARIOS
from scapy.all import IP, TCP, Ether, ICMPv6ND_RA, ICMPv6NDOptPrefixInfo, IPv6

SLUICE = None


def one_syn(capture):
    capture.talk(40001, 7).send(0, 'S')


class ReplayTest(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix='sluice-pcap-')
        self.addCleanup(place.cleanup)
        self.dir = pathlib.Path(place.name)
        self.source, self.target = self.dir / 'in.pcap', self.dir / 'out.pcap'

    def write(self, build=one_syn):
        capture = captures.Capture({})
        build(capture)
        capture.write(self.source)
        return capture

    def assert_refused(self, done, *texts):
        self.assertEqual(2, done.returncode, done.stdout + done.stderr)
        for text in texts:
            self.assertIn(text, done.stderr)
        self.assertEqual(1, done.stderr.count('\n'), done.stderr)


class Refusals(ReplayTest):
    def run_it(self, *arguments, source=None):
        return captures.run(SLUICE, source or self.source, self.target, *arguments)

    def test_not_ethernet(self):
        captures.write_pcap(self.source, [(0, b'\x45' + bytes(39))], linktype=101)
        self.assert_refused(self.run_it(), str(self.source), 'Ethernet')

    def test_cut_short_by_snaplen(self):
        whole = bytes(Ether(dst=captures.OUR_MAC) / IP(dst=captures.OURS4) / TCP(dport=7)) + bytes(100)
        captures.write_pcap(self.source, [(0, whole), (1, whole)], caplen=60)
        self.assert_refused(self.run_it(), 'frame 1', 'cut short')

    def test_out_of_order(self):
        frame = bytes(Ether(dst=captures.OUR_MAC) / IP(dst=captures.OURS4) / TCP(dport=7))
        captures.write_pcap(self.source, [(1000, frame), (2000, frame), (1999, frame)])
        self.assert_refused(self.run_it(), 'frame 3', 'earlier')

    def test_file_ends_inside_a_frame(self):
        self.write()
        self.source.write_bytes(self.source.read_bytes()[:-3])
        self.assert_refused(self.run_it(), 'frame 1')

    def test_not_a_capture(self):
        for content in (b'', b'hello, I am no capture at all, but a text of some length\n'):
            self.source.write_bytes(content)
            self.assert_refused(self.run_it(), str(self.source), 'capture')

    def test_missing(self):
        self.assert_refused(self.run_it(), str(self.source))

    def test_not_a_file(self):
        self.assert_refused(self.run_it(source=self.dir), 'regular file')
        os.mkfifo(self.source)
        self.assert_refused(self.run_it(), 'regular file')

    def test_output_over_the_input(self):
        self.write()
        before = self.source.read_bytes()
        self.assert_refused(captures.run(SLUICE, self.source, self.source), 'the input')
        self.assertEqual(before, self.source.read_bytes())

    def test_frame_too_long(self):
        captures.write_pcap(self.source, [(0, bytes(64_001))])
        self.assert_refused(self.run_it(), '64001', 'offloads')
        captures.write_pcap(self.source, [(0, bytes(64_000))])
        self.assertEqual(0, self.run_it().returncode)

    def test_output_cannot_be_written(self):
        self.write()
        done = captures.run(SLUICE, self.source, self.dir / 'nowhere' / 'out.pcap')
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn('nowhere', done.stderr)


class Time(ReplayTest):
    def settle(self, name):
        build, arguments = SCENARIOS[name]
        return captures.settle(SLUICE, build, self.dir, arguments)

    def at(self, path, wanted):
        return [us / 1e6 for us, frame in captures.read(path) if TCP in frame and wanted(frame[TCP])]

    # Under a second of processor time, whatever else the machine does. Nor does a replay wait for the capture's clock: it would be
    # ended after TIMEOUT_S, which is shorter than either capture.
    def test_two_hours_of_keepalive(self):
        self.settle('keepalive')
        self.assertLess(captures.cpu_seconds(SLUICE, self.source, self.target), 1.0)
        probes = self.at(self.target, lambda tcp: tcp.dport == 40001 and tcp.flags == 'A')
        self.assertEqual([7200.2 + 75 * i for i in range(10)], [round(at, 1) for at in probes])
        self.assertEqual([7950.2], [round(at, 1) for at in self.at(self.target, lambda tcp: tcp.dport == 40001 and tcp.flags.R)])

    def test_time_wait_of_two_minutes(self):
        self.settle('we_close_first')
        self.assertLess(captures.cpu_seconds(SLUICE, self.source, self.target), 1.0)
        self.assertEqual([180.1], [round(at, 1) for at in self.at(self.target, lambda tcp: tcp.flags.R)])

    def test_a_shorter_msl(self):
        def build(c):
            talk = c.talk(40001, 13)
            talk.open(0)
            talk.send(1, 'FA', 1, 42)
            talk.send(1.9, 'PA', 2, 42, b'late')
            talk.send(3.1, 'PA', 2, 42, b'late')
        captures.settle(SLUICE, build, self.dir, ('--set', 'tcp.msl_ms=1000'))
        self.assertEqual([3.1], [round(at, 1) for at in self.at(self.target, lambda tcp: tcp.flags.R)])

    def test_idle_connections_do_not_keep_it_running(self):
        """Nor does what is left of them at the end reach the closed output."""
        def build(c):
            for i in range(1000):
                c.talk(20000 + i, 7).open(i / 1000)
        captures.settle(SLUICE, build, self.dir)
        self.assertEqual(1000, len(captures.read(self.target)))


class Shards(ReplayTest):
    def by_flow(self, path):
        """Each flow's answers with their times; identifications, which shards draw apart, left out."""
        flows = {}
        for us, frame in captures.read(path):
            if IP in frame:
                frame[IP].id, frame[IP].chksum = 0, 0
            key = None
            if TCP in frame:
                ip = frame[IPv6] if IPv6 in frame else frame[IP]
                key = (ip.dst, frame[TCP].dport, frame[TCP].sport)
            flows.setdefault(key, []).append((us, bytes(frame)))
        return flows

    def test_two_shards_answer_like_one(self):
        for name, (build, arguments) in SCENARIOS.items():
            with self.subTest(scenario=name):
                captures.settle(SLUICE, build, self.dir, arguments)
                both = self.dir / 'both.pcap'
                captures.replay(SLUICE, self.source, both, *arguments, '--set', 'dpdk.lcores="0-1"')
                self.assertEqual(self.by_flow(self.target), self.by_flow(both))
                self.assertEqual('', captures.tshark_complaints(both))

    def test_both_shards_work(self):
        def build(c):
            for i in range(64):
                c.talk(20000 + i, 7).open(i / 100)
                c.talks[-1].send(1 + i / 100, 'R', 1)
        captures.settle(SLUICE, build, self.dir)
        done = captures.replay(SLUICE, self.source, self.dir / 'both.pcap', '--set', 'dpdk.lcores="0-1"')
        handed = [line.split()[0] for line in done.stdout.splitlines() if 'handed to' in line]
        self.assertTrue(handed and 3 * 8 <= int(handed[0]) <= 3 * 56, done.stdout)
        twice = self.dir / 'twice.pcap'
        captures.replay(SLUICE, self.source, twice, '--set', 'dpdk.lcores="0-1"')
        self.assertEqual((self.dir / 'both.pcap').read_bytes(), twice.read_bytes())


class Formats(ReplayTest):
    def answers_of(self, source, *arguments):
        captures.replay(SLUICE, source, self.target, *arguments)
        return captures.read(self.target)

    def test_pcapng(self):
        build, _ = SCENARIOS['peer_closes_first']
        captures.settle(SLUICE, build, self.dir)
        expected = self.target.read_bytes()
        other = self.dir / 'in.pcapng'
        subprocess.run(['editcap', '-F', 'pcapng', self.source, other], check=True)
        self.assertEqual(b'\x0a\x0d\x0d\x0a', other.read_bytes()[:4])
        captures.replay(SLUICE, other, self.target)
        self.assertEqual(expected, self.target.read_bytes())

    def test_nanoseconds_are_read_as_microseconds(self):
        self.write()
        content = bytearray(self.source.read_bytes())
        content[:4] = struct.pack('<I', 0xa1b23c4d)
        content[28:32] = struct.pack('<I', 123_456_789)
        self.source.write_bytes(content)
        self.assertEqual(123_456, self.answers_of(self.source)[0][0])

    def test_no_frame_at_all(self):
        captures.write_pcap(self.source, [])
        self.assertEqual([], self.answers_of(self.source))

    def test_odd_paths(self):
        self.write()
        for name in ('a, b=c.pcap', 'b=c.pcap', 'seed=1', '[x].pcap', '(x).pcap', '"x".pcap', "'x'.pcap", 'ü:x.pcap', '-x', 'x\\'):
            with self.subTest(name=name):
                odd = self.dir / name
                self.source.rename(odd)
                self.assertEqual(6, len(self.answers_of(odd)))
                odd.rename(self.source)

    def test_a_seed_of_its_own_gives_other_isns(self):
        self.write()
        isns = [self.answers_of(self.source, '--seed', seed)[0][1][TCP].seq for seed in ('1', '2', '1')]
        self.assertEqual(isns[0], isns[2])
        self.assertNotEqual(isns[0], isns[1])

    def test_the_configured_mac_wins(self):
        self.write()
        self.assertEqual([], self.answers_of(self.source, '--set', 'port.front.mac=02:00:00:00:00:99'))

    def test_any_cpu_will_do(self):
        """Where CPU 0 is another's, as in a container."""
        self.write()
        last = max(os.sched_getaffinity(0))
        done = captures.run(SLUICE, self.source, self.target, before=lambda: os.sched_setaffinity(0, {last}))
        self.assertEqual(0, done.returncode, done.stderr)
        done = captures.run(SLUICE, self.source, self.target, '--set', f'dpdk.lcores="{last}-{last + 1}"')
        self.assertEqual(0, done.returncode, 'shards are numbers, not CPUs: ' + done.stderr)

    def test_advertised_prefixes_make_no_address(self):
        """A capture's addresses are those that its server had: the configuration names them."""
        def build(c):
            c.add(0, Ether(src=captures.PEER_MAC, dst='33:33:00:00:00:01') / IPv6(src='fe80::2', dst='ff02::1', hlim=255)
                  / ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo(prefix='fd99::', prefixlen=64, validlifetime=9000, preferredlifetime=9000))
            c.talk(40001, 7).send(1, 'S')
            c.talk(40002, 7, v6=True).send(9, 'S')
        self.write(build)
        self.answers_of(self.source)
        expected = self.target.read_bytes()
        self.answers_of(self.source, '--set', 'port.front.slaac=true')
        self.assertEqual(expected, self.target.read_bytes())

    def test_no_directory_is_left_behind(self):
        self.write()
        process = subprocess.Popen([SLUICE, 'replay', '--in', self.source, '--out', self.target, '-c',
                                    captures.HERE / 'replay.toml'], stdout=subprocess.DEVNULL)
        self.assertEqual(0, process.wait(captures.TIMEOUT_S))
        self.assertFalse((self.runtime() / f'sluice-replay-{process.pid}').exists())

    def test_an_interrupted_replay_leaves_nothing_behind(self):
        """Its output is a pipe, so that it waits with most of its work undone."""
        syn = bytes(Ether(dst=captures.OUR_MAC, src=captures.PEER_MAC) / IP(dst=captures.OURS4, src=captures.PEER4) / TCP(dport=9))
        odd = self.dir / 'a, b.pcap'
        captures.write_pcap(odd, [(i * 10_000, syn) for i in range(5000)])
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                os.mkfifo(self.target)
                with subprocess.Popen([SLUICE, 'replay', '--in', odd, '--out', self.target, '-c', captures.HERE / 'replay.toml'],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
                    with open(self.target, 'rb') as pipe:
                        until = time.monotonic() + captures.TIMEOUT_S
                        while struct.unpack('i', fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0] < 60_000:
                            self.assertLess(time.monotonic(), until)
                            time.sleep(0.01)
                        link = pathlib.Path(f'/tmp/sluice-replay-{process.pid}.pcap')
                        self.assertTrue(link.is_symlink())
                        process.send_signal(number)
                        answers = pipe.read()
                    said = process.stderr.read()
                self.assertEqual(1, process.returncode, said)
                self.assertEqual('sluice: replay: interrupted; the output is not whole\n', said)
                self.assertLess(len(answers), 5000 * 70)
                self.assertFalse(link.is_symlink())
                self.assertFalse((self.runtime() / f'sluice-replay-{process.pid}').exists())
                self.target.unlink()

    def runtime(self):
        return pathlib.Path('/var/run/dpdk' if os.geteuid() == 0 else f'/run/user/{os.geteuid()}/dpdk')

    def test_tshark_would_complain(self):
        """The judge of the golden files is no yes-man."""
        build, _ = SCENARIOS['malformed']
        self.write(build)
        self.assertGreater(captures.tshark_complaints(self.source).count('\n'), 8)


class LearnIsn(ReplayTest):
    ISS, TSVAL = 0xfffffff0, 777_000

    def record(self, answer=b'hello', **syn_ack):
        """A client and a recorded server whose numbers no seed would give."""
        capture = captures.Capture({})
        client = capture.talk(40001, 7)

        def say(at, flags, seq, ack, data=b'', options=()):
            client.capture.add(at, client.head() / TCP(sport=40001, dport=7, flags=flags, seq=1000 + seq, options=list(options),
                                                       ack=(self.ISS + ack) & 0xffffffff if 'A' in flags else 0) / data)

        def answer_with(at, flags, seq, ack, data=b'', options=()):
            ether = Ether(src=captures.OUR_MAC, dst=captures.PEER_MAC) / IP(src=captures.OURS4, dst=captures.PEER4)
            capture.add(at, ether / TCP(sport=7, dport=40001, flags=flags, seq=(self.ISS + seq) & 0xffffffff, ack=1000 + ack,
                                        options=list(options)) / data)

        stamps = [('Timestamp', (5, 0))]
        say(0, 'S', 0, 0, options=[('MSS', 1460), *stamps])
        answer_with(0.001, 'SA', 0, 1, options=[('MSS', syn_ack.get('mss', 1460)), ('Timestamp', (self.TSVAL, 5))])
        stamps = [('Timestamp', (6, self.TSVAL))]
        say(0.002, 'A', 1, 1, options=stamps)
        say(0.01, 'PA', 1, 1, b'hello', stamps)
        answer_with(0.011, 'PA', 1, 6, answer, [('Timestamp', (self.TSVAL + 10, 6))])
        say(0.02, 'FA', 6, 1 + len(answer), options=stamps)
        answer_with(0.021, 'FA', 1 + len(answer), 7, options=[('Timestamp', (self.TSVAL + 20, 6))])
        say(0.022, 'A', 7, 2 + len(answer), options=stamps)
        capture.write(self.source)
        done = captures.replay(SLUICE, self.source, self.target, '--learn-isn')
        return done.stdout[done.stdout.index('learn-isn: '):]

    def test_takes_the_recorded_numbers(self):
        report = self.record()
        self.assertIn('1 connections', report)
        for trouble in ('ISS', 'text', 'bytes sent', 'acknowledged', 'FIN', 'RSTs', 'sent again'):
            self.assertNotIn(trouble, report)
        syn_ack = captures.read(self.target)[0][1][TCP]
        self.assertEqual(self.ISS, syn_ack.seq)
        self.assertLessEqual(abs(captures.timestamps(syn_ack)[0] - self.TSVAL), 2)

    def test_without_it_the_recorded_acks_do_not_fit(self):
        self.record()
        captures.replay(SLUICE, self.source, self.target)
        self.assertNotEqual(self.ISS, captures.read(self.target)[0][1][TCP].seq)

    def test_tells_what_was_answered_otherwise(self):
        self.assertIn('text differs from byte 1 on', self.record(b'hallo'))
        self.assertIn('bytes sent 5, recorded 3', self.record(b'hel'))
        self.assertIn('MSS 1460, recorded 900', self.record(mss=900))


if __name__ == '__main__':
    SLUICE = sys.argv.pop(1)
    unittest.main(verbosity=2)
