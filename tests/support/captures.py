"""Builds packets and captures, byte by byte, for tests: Ethernet to DNS, pcap and pcapng."""

import ipaddress
import struct

ETHERNET, RAW_IP, USER0 = 1, 101, 147
START_S = 1_700_000_000  # 2023-11-14T22:13:20Z, a multiple of 5 s


# Packets

def mac(last):
    return bytes([0x02, 0, 0, 0, 0, last])


def ethernet(payload, ether_type=0x0800, source=1, target=2, tags=()):
    """`tags`: 802.1Q ids, outermost first."""
    head = mac(target) + mac(source)
    for number, tag in enumerate(tags):
        head += struct.pack("!HH", 0x88A8 if number < len(tags) - 1 else 0x8100, tag)
    return head + struct.pack("!H", ether_type) + payload


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, target, protocol, payload, ttl=64, identification=1, tos=0, fragment=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), identification, fragment, ttl, protocol, 0,
                       ipaddress.ip_address(source).packed, ipaddress.ip_address(target).packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source, target, protocol, payload, hops=64):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + ipaddress.ip_address(source).packed + \
        ipaddress.ip_address(target).packed + payload


def udp(source_port, target_port, payload=b""):
    return struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload


FLAGS = {letter: 1 << bit for bit, letter in enumerate("FSRPAUEC")}


def tcp(source_port, target_port, flags, payload=b"", sequence=1000, acknowledged=0, window=64240):
    bits = sum(FLAGS[letter] for letter in flags)
    return struct.pack("!HHIIBBHHH", source_port, target_port, sequence, acknowledged, 0x50, bits, window, 0, 0) + payload


def icmp(kind, code=0, payload=b"ping"):
    head = struct.pack("!BBHHH", kind, code, 0, 7, 1) + payload
    return head[:2] + struct.pack("!H", checksum(head)) + head[4:]


def arp(operation, sender, target):
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, operation, mac(1), ipaddress.ip_address(sender).packed, bytes(6),
                       ipaddress.ip_address(target).packed)


def dns_name(labels):
    """Labels as bytes, or one string with dots between them."""
    if isinstance(labels, str):
        labels = labels.encode().split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def dns(identification, name, kind=1, answers=(), response=False, code=0):
    """`answers`: (type, data)."""
    flags = (0x8180 if response else 0x0100) | code
    message = struct.pack("!HHHHHH", identification, flags, 1, len(answers), 0, 0) + dns_name(name) + struct.pack("!HH", kind, 1)
    for answer, data in answers:
        message += struct.pack("!HHHIH", 0xC00C, answer, 1, 300, len(data)) + data
    return message


def client_hello(name, protocols=(b"h2", b"http/1.1")):
    """A TLS 1.3 ClientHello in one record."""
    def extension(kind, body):
        return struct.pack("!HH", kind, len(body)) + body

    def sized(body):
        return struct.pack("!H", len(body)) + body

    offered = b"".join(bytes([len(word)]) + word for word in protocols)
    extensions = extension(0, sized(b"\0" + sized(name))) + extension(16, sized(offered)) + extension(43, b"\x04\x03\x04\x03\x03")
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + sized(b"\x13\x01\x13\x02") + b"\x01\0" + sized(extensions)
    handshake = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\x03\x01" + sized(handshake)


# Captures

class Packet:
    """`at_ns`: nanoseconds after START_S; `cut`: so many bytes were captured; `length`: what it says it had on the wire."""

    def __init__(self, data, at_ns=0, cut=None, length=None):
        self.data = data if cut is None else data[:cut]
        self.length = len(data) if length is None else length
        self.time_ns = START_S * 10**9 + at_ns


def pcap(packets, link=ETHERNET, nanoseconds=False, big_endian=False, snaplen=262144):
    order = ">" if big_endian else "<"
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, snaplen, link)
    for packet in packets:
        seconds, fraction = divmod(packet.time_ns, 10**9)
        fraction //= 1 if nanoseconds else 1000
        out += struct.pack(order + "IIII", seconds, fraction, len(packet.data), packet.length) + packet.data
    return out


class Pcapng:
    """The blocks of one byte order, as bytes."""

    def __init__(self, big_endian=False):
        self.order = ">" if big_endian else "<"

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        size = struct.pack(self.order + "I", len(body) + 12)
        return struct.pack(self.order + "I", kind) + size + body + size

    def options(self, *pairs):
        if not pairs:
            return b""
        out = b""
        for code, value in pairs:
            out += struct.pack(self.order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
        return out + bytes(4)

    def section(self, *options):
        return self.block(0x0A0D0D0A, struct.pack(self.order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + self.options(*options))

    def interface(self, link=ETHERNET, name=None, digits=6, snaplen=0, comment=None):
        options = []
        if comment is not None:
            options.append((1, comment))
        if name is not None:
            options.append((2, name))
        if digits != 6:
            options.append((9, bytes([digits])))
        return self.block(1, struct.pack(self.order + "HHI", link, 0, snaplen) + self.options(*options))

    def packet(self, packet, interface=0, digits=6, comments=()):
        units = packet.time_ns // 10 ** (9 - digits)
        head = struct.pack(self.order + "IIIII", interface, units >> 32, units & 0xFFFFFFFF, len(packet.data), packet.length)
        padded = packet.data + bytes(-len(packet.data) % 4)
        return self.block(6, head + padded + self.options(*((1, text) for text in comments)))

    def simple_packet(self, packet):
        return self.block(3, struct.pack(self.order + "I", packet.length) + packet.data)


def pcapng(packets, link=ETHERNET, big_endian=False):
    """One section, one interface, microseconds."""
    make = Pcapng(big_endian)
    return make.section() + make.interface(link) + b"".join(make.packet(packet) for packet in packets)
