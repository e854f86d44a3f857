# SPDX-License-Identifier: BSD-3-Clause
"""What the kernel here has no device for: a tap whose frames travel over another device and back through our hands, with an
802.1Q tag, or over a bad line that loses, repeats and reorders some of them."""
import fcntl
import os
import random
import select
import socket
import struct
import threading

ETH_P_ALL, SOL_PACKET, PACKET_AUXDATA = 3, 263, 8
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 2, 0x1000
TP_STATUS_VLAN_VALID = 1 << 4
PACKET_OUTGOING = 4
TPID = b'\x81\x00'


class Relay:
    """Makes `name` in the namespace that the thread is in, and carries its frames over `device` until stop(): tagged `vlan`
    if that is not 0. On a bad line one frame in LOST is lost, one in REPEATED comes twice, one in LATE after the next one."""

    LOST, REPEATED, LATE = 50, 100, 50

    def __init__(self, name, device, vlan=0, bad=False, seed=1):
        self.tag = TPID + struct.pack('!H', vlan) if vlan else b''
        self.vlan, self.bad, self.dice = vlan, bad, random.Random(seed)
        self.late = {}
        self.tap = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tap, TUNSETIFF, struct.pack('16sH', name.encode(), IFF_TAP | IFF_NO_PI))
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.wire.bind((device, ETH_P_ALL))
        # The kernel takes the tag out of what it receives and tells it beside.
        self.wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.wire.setblocking(False)
        self.wake, self.waker = os.pipe()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def stop(self):
        os.close(self.waker)
        self.thread.join()
        os.close(self.tap)
        os.close(self.wake)
        self.wire.close()

    def carry(self):
        while True:
            ready, _, _ = select.select([self.tap, self.wire, self.wake], [], [])
            if self.wake in ready:
                return
            try:
                if self.tap in ready:
                    frame = os.read(self.tap, 65536)
                    self.deliver(self.wire.send, frame[:12] + self.tag + frame[12:])
                if self.wire in ready:
                    self.take()
            except OSError:
                # No room, or an interface that is down for the moment: a wire may lose frames.
                continue

    def deliver(self, send, frame):
        """Over a good line: at once. Over a bad one: perhaps."""
        if not self.bad:
            send(frame)
            return
        late = self.late.pop(send, None)
        chance = self.dice.random()
        if chance < 1 / self.LATE and late is None:
            self.late[send] = frame
            return
        if chance < 1 / self.LATE + 1 / self.LOST:
            frames = []
        elif chance < 1 / self.LATE + 1 / self.LOST + 1 / self.REPEATED:
            frames = [frame, frame]
        else:
            frames = [frame]
        for each in frames + ([late] if late else []):
            send(each)

    def to_tap(self, frame):
        os.write(self.tap, frame)

    def take(self):
        frame, extras, _, sender = self.wire.recvmsg(65536, 256)
        if sender[2] == PACKET_OUTGOING:
            return
        vlan = 0
        for level, kind, data in extras:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, _ = struct.unpack('IIIHHHH', data[:20])
                vlan = tci & 0xfff if status & TP_STATUS_VLAN_VALID else 0
        if vlan == self.vlan:
            self.deliver(self.to_tap, frame)
