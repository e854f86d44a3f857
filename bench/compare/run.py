#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Short connections a second over net_memif, beside the floor and the kernel, in one run.

  bench/compare/run.py [--build build] [--rounds 3] [--seconds 3] [--json FILE] [--tiny] [--no-kernel]

Three servers, each on one core with the client on another:
  floor   testpmd --forward-mode=5tswap, the client sending every frame straight back: what the link can carry
  sluice  the http app, closing first; three packets each way
  itself  the engine as the client too: the same connections, and one stream without end
  kernel  an epoll server behind a veth, the same client over net_af_packet
Before the floor, after it and after sluice it is measured how far the two cores are from each other (core_distance), for
a virtual machine's move: the share of the floor is given for near cores and far ones, and rounds in which they moved are left out.
Needs root, two cores, and leaves nothing behind. Only the ratios mean anything.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TAG = f"sb{os.getpid()}"
HUGE = "/proc/sys/vm/nr_hugepages"
NEAR_NS = 150  # a cache line goes to and fro in less between cores that share a cache, in more between others


def read(path):
    with open(path) as f:
        return f.read()


class Hugepages:
    """Enough for both ends, and the number from before afterwards."""

    def __init__(self, want):
        self.before = int(read(HUGE))
        self.want = max(want, self.before)

    def __enter__(self):
        try:
            with open(HUGE, "w") as f:
                f.write(str(self.want))
        except OSError:
            pass
        self.there = int(read(HUGE)) >= self.want
        return self

    def __exit__(self, *_):
        with open(HUGE, "w") as f:
            f.write(str(self.before))


def eal(core, prefix, huge, mib=512):
    memory = ["--in-memory"] if huge else ["--no-huge"]
    return [f"--lcores={core}@{core}", "--no-pci", "-m", str(mib), f"--file-prefix={TAG}{prefix}", *memory]


def memif(role):
    mac = "02:00:00:00:78:01" if role == "server" else "02:00:00:00:78:fe"
    return f"net_memif0,role={role},id=0,rsize=11,bsize=2048,socket=@{TAG},socket-abstract=yes,mac={mac}"


def stop(process, timeout=15):
    """Asks it to end, and makes it; its exit status."""
    process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return process.returncode


class Client:
    """The far end of a server's link: counts for some rounds, then is at rest until end().

    Of a memif link the server must have gone first: DPDK's driver takes the rings away from one that still polls (docs/devices.md)."""

    def __init__(self, args, command):
        self.name, self.rounds = os.path.basename(command[0]), args.rounds
        self.patience = 60 + args.warmup + args.rounds * args.seconds
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def rows(self):
        """One for each round, when all are over."""
        late = threading.Timer(self.patience, self.process.kill)
        late.start()
        rows, other = [], []
        for line in self.process.stdout:  # EAL says things, too
            if line.startswith("{"):
                rows.append(json.loads(line))
                if len(rows) == self.rounds:
                    late.cancel()
                    return rows
            else:
                other.append(line)
        late.cancel()
        self.log.seek(0)
        sys.exit(f"{self.name} failed:\n" + "".join(other)[-1000:] + self.log.read()[-1000:])

    def end(self):
        try:
            self.process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        self.log.close()


def beside(server, client, measure):
    """What `measure` says of a client of that server, which is ended first; and the server's exit status."""
    status = None
    try:
        said = measure(client)
    finally:
        status = stop(server)
        client.end()
    return said, status


def waited_share(pid, since):
    """How long the process's threads waited for a CPU, as a share of the time since then."""
    waited = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        waited += int(read(f"/proc/{pid}/task/{task}/schedstat").split()[1])
    return waited / 1e9 / max(time.time() - since, 1e-9)


def floor(args, huge, folder):
    """Packets a second that one core moves, in and out, when all it does is testpmd's 5tswap."""
    command = ["dpdk-testpmd", "--lcores=0@1,1@0", "--no-pci", "-m", "512", f"--file-prefix={TAG}fl",
               "--in-memory" if huge else "--no-huge", f"--vdev={memif('server')}", "--", "--forward-mode=5tswap",
               "--total-num-mbufs=16384"]
    with open(os.path.join(folder, "testpmd.log"), "w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.PIPE, text=True)
        try:
            deadline = time.time() + 30
            while "Checking link statuses" not in read(log.name):  # it waits for the other end
                if time.time() > deadline or server.poll() is not None:
                    sys.exit("testpmd did not start:\n" + read(log.name)[-2000:])
                time.sleep(0.1)
        except BaseException:
            stop(server)
            raise
        return beside(server, raw_client(args, memif("client"), huge, extra=["--pump", "1", "--window", "1024"]), Client.rows)[0]


CONFIG = """
[engine]
drain_s = 0
[dpdk]
instance = "{tag}"
lcores = "{lcores}"
hugepages = {huge}
[tcp]
msl_ms = {msl}
max_connections = {connections}
buffers = 65536
[[port]]
name = "front"
device = "{device}"
addresses = ["10.78.0.1/24"]
gateway = ["10.78.0.254"]
[[service]]
name = "drain"
listen = ["10.78.0.1:9"]
app = "discard"
[[service]]
name = "web"
listen = ["10.78.0.1:80"]
app = "http"
body_bytes = {body}
"""


def raw_client(args, vdev, huge, core=1, extra=()):
    return Client(args, [f"{args.build}/bench/compare/raw_client", *eal(core, "rc", huge), f"--vdev={vdev}", "--",
                         "--rounds", str(args.rounds), "--seconds", str(args.seconds), "--warmup", str(args.warmup), *extra])


def engine_client(args, huge, mode, port, window):
    return Client(args, [f"{args.build}/bench/compare/engine_client", "--device", memif("client"), "--server", f"10.78.0.1:{port}", "--mode", mode,
                         "--window", str(window), "--lcores", "1@1", "--instance", f"{TAG}ec", "--hugepages", str(int(huge)),
                         "--warmup", str(args.warmup), "--seconds", str(args.seconds), "--rounds", str(args.rounds)])


def sluice(args, huge, folder, start_client):
    """What a client says of a server, how long the server waited for its CPU, and its statistics."""
    path = os.path.join(folder, "sluice.toml")
    with open(path, "w") as f:
        f.write(CONFIG.format(tag=TAG, lcores="0@0", huge="true" if huge else "false", msl=args.msl_ms, device=memif("server"),
                              connections=args.max_connections, body=args.body))
    begun = time.time()
    with open(os.path.join(folder, "sluice.log"), "w+") as log:
        server = subprocess.Popen([f"{args.build}/sluice", "serve", "-c", path], stdout=subprocess.PIPE, stderr=log, text=True)
        line = server.stdout.readline()
        if "ready" not in line:
            stop(server)
            sys.exit("sluice did not start:\n" + read(log.name))

        def measure(client):
            rows = client.rows()
            waited = waited_share(server.pid, begun)
            stats = json.loads(subprocess.run([f"{args.build}/sluice", "stats", "--json", "--instance", TAG],
                                              stdout=subprocess.PIPE, text=True, check=True).stdout)
            return rows, waited, stats

        said, status = beside(server, start_client(), measure)
        server.stdout.close()
        if status != 0:
            sys.exit(f"sluice ended with {status}:\n" + read(log.name)[-1000:])
    return said


def kernel(args, huge):
    ns = f"{TAG}k"
    run = lambda *c: subprocess.run(c, check=True, stdout=subprocess.DEVNULL)
    run("ip", "netns", "add", ns)
    try:
        run("ip", "link", "add", f"{TAG}c", "type", "veth", "peer", "name", f"{TAG}s", "netns", ns)
        run("ip", "link", "set", f"{TAG}c", "up")
        run("ip", "-n", ns, "addr", "add", "10.78.0.1/24", "dev", f"{TAG}s")
        run("ip", "-n", ns, "link", "set", f"{TAG}s", "up")
        run("ip", "-n", ns, "route", "add", "default", "via", "10.78.0.254")
        run("ip", "netns", "exec", ns, "ethtool", "-K", f"{TAG}s", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        # The receiver's softirq would run on the sender's core.
        run("ip", "netns", "exec", ns, "sh", "-c", f"echo 1 > /sys/class/net/{TAG}s/queues/rx-0/rps_cpus")
        run("ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv4.tcp_max_syn_backlog=65536", "net.core.somaxconn=65535",
            "net.ipv4.tcp_max_tw_buckets=1000000", "net.ipv4.tcp_timestamps=0")
        server = subprocess.Popen(["ip", "netns", "exec", ns, "taskset", "-c", "0", f"{args.build}/bench/compare/kernel_server",
                                   "10.78.0.1", "80", str(args.body)], stdout=subprocess.PIPE, text=True)
        server.stdout.readline()
        vdev = f"net_af_packet0,iface={TAG}c,framesz=2048,framecnt=1024,blocksz=4096,qdisc_bypass=1"
        return beside(server, raw_client(args, vdev, huge, extra=["--window", "128"]), Client.rows)[0]
    finally:
        subprocess.run(["ip", "link", "del", f"{TAG}c"], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "netns", "del", ns])


def distance(args):
    """The time that a cache line takes from one of the two cores to the other and back, in ns."""
    said = subprocess.run([f"{args.build}/bench/compare/core_distance", "0", "1"], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    return json.loads(said.stdout)["round_trip_ns"]


def spread(values):
    digits = 0 if statistics.median(values) >= 1000 else 1
    return f"{statistics.median(values):>12,.{digits}f}   ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def measure(args, huge, folder, result):
    """One round, added to `result`."""
    if not args.no_floor:
        distances = [distance(args)]
        result["floor"] += floor(args, huge, folder)
        distances.append(distance(args))
    rows, waited, stats = sluice(args, huge, folder, lambda: raw_client(args, memif("client"), huge, extra=["--window", str(args.window)]))
    if not args.no_floor:
        result["distances"].append([*distances, distance(args)])
    result["sluice"] += rows
    result["waited"].append(waited)
    result["verdicts"] = {k: v for k, v in stats["verdicts"].items() if v}
    if not args.no_itself:
        result["itself"] += sluice(args, huge, folder, lambda: engine_client(args, huge, "connections", 80, args.window))[0]
        result["stream"] += sluice(args, huge, folder, lambda: engine_client(args, huge, "stream", 9, 1))[0]
    if not args.no_kernel:
        result["kernel"] += kernel(args, huge)


def report_shares(result):
    """The share of the floor, apart for rounds with near cores and with far ones."""
    result["share"] = [100 * ours["rx_pps"] / most["rx_pps"] for ours, most in zip(result["sluice"], result["floor"])]
    rounds = list(zip(result["distances"], result["floor"], result["sluice"], result["share"]))
    moved = len(rounds)
    for name, holds in (("near", lambda ns: ns < NEAR_NS), ("far", lambda ns: ns >= NEAR_NS)):
        stayed = [row for row in rounds if all(map(holds, row[0]))]
        moved -= len(stayed)
        if not stayed:
            continue
        print(f"cores {name}, {len(stayed)} rounds")
        for what, values in (("a line there and back, ns", [ns for row in stayed for ns in row[0]]),
                             ("floor, packets/s each way", [row[1]["rx_pps"] for row in stayed]),
                             ("sluice, connections/s", [row[2]["connections_per_s"] for row in stayed]),
                             ("sluice, % of the packets of its floor", [row[3] for row in stayed])):
            print(f"  {what:<41} {spread(values)}")
    if moved:
        print(f"cores moved in {moved} of {len(rounds)} rounds")


def report(result):
    for name, rows, key in (("floor, testpmd 5tswap, packets/s each way", "floor", "rx_pps"),
                            ("sluice, packets/s each way", "sluice", "rx_pps"),
                            ("sluice, connections/s", "sluice", "connections_per_s"),
                            ("sluice against itself, connections/s", "itself", "connections_per_s"),
                            ("sluice against itself, one stream, Gbit/s", "stream", "gbit_per_s"),
                            ("kernel, epoll server, connections/s", "kernel", "connections_per_s")):
        if result[rows]:
            print(f"{name:<43} {spread([row[key] for row in result[rows]])}")
    if result["floor"]:
        report_shares(result)
    print(f"{'% of the time that its threads waited':<43} {spread([100 * waited for waited in result['waited']])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--body", type=int, default=64)
    parser.add_argument("--msl-ms", type=int, default=250)
    parser.add_argument("--max-connections", type=int, default=1000000)
    parser.add_argument("--json")
    parser.add_argument("--tiny", action="store_true", help="one second each: that it runs, not how fast")
    parser.add_argument("--no-kernel", action="store_true")
    parser.add_argument("--no-floor", action="store_true")
    parser.add_argument("--no-itself", action="store_true")
    args = parser.parse_args()
    if os.geteuid() != 0 or len(os.sched_getaffinity(0)) < 2:
        sys.exit("run.py makes a network namespace and polls on two cores: run it as root, with two")
    if args.tiny:
        args.rounds, args.seconds, args.warmup, args.max_connections = 1, 1, 1, 100000
    folder = tempfile.mkdtemp(prefix=TAG)
    result = {"distances": [], "floor": [], "sluice": [], "waited": [], "itself": [], "stream": [], "kernel": []}
    # A round is all of them, one after another: what the machine's other guests do from minute to minute falls on all.
    rounds, args.rounds = args.rounds, 1
    try:
        with Hugepages(0 if args.tiny else 1024) as pages:
            huge = pages.there and not args.tiny
            for _ in range(rounds):
                measure(args, huge, folder, result)
    finally:
        shutil.rmtree(folder)
    report(result)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(result, f, indent=1)
    moved = [row["connections_per_s"] for row in result["sluice"] + result["itself"]] + [row["gbit_per_s"] for row in result["stream"]]
    return 0 if min(moved) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
