"""A pair of network namespaces joined by a veth pair: a live network of our own that ends with the test."""

import itertools
import os
import subprocess

_serial = itertools.count()


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True, timeout=10)


class Veth:
    """Two namespaces, `left` and `right`; in each the interface `veth0`, 10.99.0.1/24 and 10.99.0.2/24, without IPv6,
    so that no packet is on the wire but the test's own.

        with Veth() as net:
            net.popen("left", [tool, "-i", "veth0"])
    """

    ADDRESSES = {"left": "10.99.0.1", "right": "10.99.0.2"}

    def __init__(self):
        tag = f"wl{os.getpid()}x{next(_serial)}"
        self.names = {"left": f"{tag}a", "right": f"{tag}b"}
        self.made = []

    def __enter__(self):
        try:
            for name in self.names.values():
                ip("netns", "add", name)
                self.made.append(name)
                self.run(name, ["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"])
            left, right = self.names["left"], self.names["right"]
            ip("-n", left, "link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", right)
            for side, name in self.names.items():
                ip("-n", name, "addr", "add", f"{self.ADDRESSES[side]}/24", "dev", "veth0")
                ip("-n", name, "link", "set", "lo", "up")
                ip("-n", name, "link", "set", "veth0", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        while self.made:
            subprocess.run(["ip", "netns", "del", self.made.pop()], capture_output=True, timeout=10)

    def argv(self, side, argv):
        return ["ip", "netns", "exec", self.names.get(side, side), *map(str, argv)]

    def run(self, side, argv, **options):
        options.setdefault("timeout", 30)
        return subprocess.run(self.argv(side, argv), check=True, capture_output=True, **options)

    def popen(self, side, argv, **options):
        return subprocess.Popen(self.argv(side, argv), **options)

    def counter(self, side, name):
        """What the interface counted: rx_packets, tx_packets, rx_dropped …"""
        return int(self.run(side, ["cat", f"/sys/class/net/veth0/statistics/{name}"]).stdout)
