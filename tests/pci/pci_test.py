#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A PCI NIC with two queues under vfio, an IOMMU and hugepages, without having one: in QEMU, emulated.

  scripts/setup pci && tests/pci/pci_test.py --sluice build/sluice [--work DIRECTORY]

The guest boots Debian's kernel (downloaded into DIRECTORY, never installed), sees a virtio-net NIC with RSS in its PCI slot 3, and runs
this machine's program on it from this machine's files, read-only. The host's kernel is the client, over a tap in a namespace. Slow, so for
correctness only: a minute. Needs root.
"""
import argparse
import glob
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
MODULES = """virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p
             irqbypass vfio vfio_virqfd vfio_iommu_type1 vfio-pci-core vfio-pci""".split()  # in this order
CONFIG = """
[dpdk]
instance = "pci"
lcores = "0,1"
hugepages = true
[engine]
drain_s = 2
[tcp]
msl_ms = 1000
max_connections = 10000
buffers = 8192
[[port]]
name = "front"
device = "0000:00:03.0"
addresses = ["10.79.0.1/24", "fd79::1/64"]
rss = "hardware"
[[service]]
name = "web"
listen = ["10.79.0.1:80", "[fd79::1]:80"]
app = "http"
body_bytes = 100000
"""
options = None


def run(*command, **how):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **how).stdout


def kernel_in(work):
    """Debian's kernel package, unpacked; downloaded once. Returns (image, modules' directory)."""
    if not glob.glob(f"{work}/kernel/boot/vmlinuz-*"):
        depends = run("apt-cache", "depends", "linux-image-amd64")
        package = [line.split()[-1] for line in depends.splitlines() if "Depends: linux-image" in line][0]
        run("apt-get", "download", "-q", package, cwd=work)
        run("dpkg", "-x", glob.glob(f"{work}/{package}_*.deb")[0], f"{work}/kernel")
    return glob.glob(f"{work}/kernel/boot/vmlinuz-*")[0], glob.glob(f"{work}/kernel/lib/modules/*")[0]


def initial_files(work, modules, program):
    """The guest's initramfs: busybox, init, the modules, the configuration."""
    root = pathlib.Path(work, "initramfs")
    shutil.rmtree(root, ignore_errors=True)
    for name in ("bin", "dev", "host", "modules", "proc", "sys"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    shutil.copy(HERE / "init", root / "init")
    (root / "init").chmod(0o755)
    for number, name in enumerate(MODULES):
        found = list(pathlib.Path(modules).rglob(f"{name}.ko"))
        shutil.copy(found[0], root / f"modules/{number:02}-{name}.ko")
    (root / "sluice.toml").write_text(CONFIG)
    (root / "program").write_text(program)
    archive = f"{work}/initramfs.cpio"
    subprocess.run(f"cd {root} && find . | cpio -o -H newc --quiet > {archive}", shell=True, check=True)
    return archive


class Guest:
    """The emulated machine; what it says on its console, line by line."""

    def __init__(self, namespace, image, archive, log):
        command = ["ip", "netns", "exec", namespace, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
                   "-M", "q35,kernel-irqchip=split", "-nographic", "-no-reboot",
                   "-device", "intel-iommu,intremap=on,device-iotlb=on,caching-mode=on",
                   "-netdev", "tap,id=n0,ifname=nic,script=no,downscript=no,queues=2,vhost=off",
                   "-device", "virtio-net-pci,netdev=n0,mq=on,rss=on,iommu_platform=on,ats=on,disable-legacy=on,vectors=6,addr=03.0",
                   "-virtfs", "local,path=/,mount_tag=host,security_model=none,multidevs=remap,readonly=on",
                   "-kernel", image, "-initrd", archive, "-append", "console=ttyS0 intel_iommu=on iommu=pt quiet"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.lines = queue.Queue()
        self.log = log
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with open(self.log, "w") as log:
            for line in self.process.stdout:
                log.write(line)
                log.flush()
                self.lines.put(line.strip())

    def wait_for(self, text, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                line = self.lines.get(timeout=1)
            except queue.Empty:
                if self.process.poll() is not None:
                    break
                continue
            if text in line:
                return line
        raise AssertionError(f"the guest never said {text!r}, see {self.log}")

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self):
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class PciNic(unittest.TestCase):
    def test_two_hardware_queues_serve_the_kernels_clients(self):
        image, modules = kernel_in(options.work)
        archive = initial_files(options.work, modules, options.sluice)
        namespace = f"pci{os.getpid()}"
        run("ip", "netns", "add", namespace)
        self.addCleanup(run, "ip", "netns", "del", namespace)
        run("ip", "-n", namespace, "tuntap", "add", "mode", "tap", "name", "nic", "multi_queue")
        for address in ("10.79.0.2/24", "fd79::2/64"):
            run("ip", "-n", namespace, "addr", "add", address, "dev", "nic", *(["nodad"] if ":" in address else []))
        run("ip", "-n", namespace, "link", "set", "nic", "up")
        guest = Guest(namespace, image, archive, f"{options.work}/guest.log")
        self.addCleanup(guest.end)
        guest.wait_for("sluice: ready", 300)

        for url in ["http://10.79.0.1/"] * 24 + ["http://[fd79::1]/"] * 8:
            got = run("ip", "netns", "exec", namespace, "curl", "-sg", "-m", "30", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", url)
            self.assertEqual(got, "200 100000", url)

        guest.say("done")
        stats = json.loads(guest.wait_for("STATS ", 60).split("STATS ", 1)[1])
        self.assertIn("ENDED 0", guest.wait_for("ENDED ", 60))
        self.assertGreaterEqual(stats["tcp"]["PassiveOpens"], 32)
        self.assertEqual(stats["tcp"]["InErrs"], 0)
        for shard in stats["shards"]:
            self.assertGreater(shard["rx_frames"], 50, "the NIC spreads flows over both queues")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--work", default="/tmp/sluice-pci")
    options, rest = parser.parse_known_args()
    options.sluice = os.path.abspath(options.sluice)
    os.makedirs(options.work, exist_ok=True)
    unittest.main(argv=[sys.argv[0], *rest])
