"""What is in the benchmark's capture, read by a third reader that shares nothing with either side."""

import collections
import ipaddress
import json
import struct

ETHERTYPE_VLAN, ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x8100, 0x0800, 0x86DD


def frames(path):
    """The frames of a little-endian pcap file with microseconds."""
    with open(path, "rb", buffering=1 << 22) as file:
        magic = struct.unpack("<I20x", file.read(24))[0]
        assert magic == 0xA1B2C3D4, f"{path}: not a pcap of make_capture"
        while header := file.read(16):
            _, _, caplen, length = struct.unpack("<4I", header)
            yield length, file.read(caplen)


def read(path):
    """Sums of a capture: packets, bytes on the wire, packets and bytes of IP, both per source address."""
    total = collections.Counter()
    wire, ip = collections.Counter(), collections.Counter()
    for length, frame in frames(path):
        total["packets"] += 1
        total["bytes"] += length
        at = 18 if frame[12:14] == b"\x81\x00" else 14
        ethertype = frame[at - 2] << 8 | frame[at - 1]
        if ethertype == ETHERTYPE_IPV4:
            source, size = frame[at + 12 : at + 16], frame[at + 2] << 8 | frame[at + 3]
            total["ipv4"] += 1
        elif ethertype == ETHERTYPE_IPV6:
            source, size = frame[at + 8 : at + 24], 40 + (frame[at + 4] << 8 | frame[at + 5])
            total["ipv6"] += 1
        else:
            continue
        total["ip_bytes"] += size
        wire[source] += length
        ip[source] += size
    return dict(total) | {"top_wire": top(wire), "top_ip": top(ip)}


def top(counter):
    return [[str(ipaddress.ip_address(source)), size] for source, size in counter.most_common(10)]


def cached(path):
    """read(), once for a file."""
    kept = path.with_suffix(".truth.json")
    if not kept.exists() or kept.stat().st_mtime < path.stat().st_mtime:
        kept.write_text(json.dumps(read(path)))
    return json.loads(kept.read_text())
