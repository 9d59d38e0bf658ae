#!/usr/bin/env python3
"""Makes the small captures beside it: python3 tests/data/make_small.py. Its outputs are committed; run it after a change."""

import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from captures import (ETHERNET, RAW_IP, USER0, Packet, Pcapng, arp, client_hello, dns, dns_name, ethernet, icmp,  # noqa: E402
                      ipv4, ipv6, mac, pcap, tcp, udp)

MS = 1_000_000
CLIENT, SERVER, RESOLVER = "10.0.0.7", "192.0.2.80", "10.0.0.53"
CLIENT6, SERVER6 = "2001:db8::7", "2001:db8:0:1::80"


def timed(frames, step_ns=100 * MS + 1_234):
    return [Packet(frame, number * step_ns) for number, frame in enumerate(frames)]


def four(protocol, payload, source=CLIENT, target=SERVER, **more):
    return ethernet(ipv4(source, target, protocol, payload, **more))


def from_server(protocol, payload, **more):
    return ethernet(ipv4(SERVER, CLIENT, protocol, payload, **more), source=2, target=1)


def mixed_frames():
    """What a host does in a second: ARP, DNS, a web page, TLS, ping, both IP versions."""
    request = b"GET /index.html?q=1 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: test\r\n\r\n"
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    return [
        ethernet(arp(1, CLIENT, "10.0.0.1"), 0x0806, target=0xFF),
        four(17, udp(40001, 53, dns(0x1A2B, "www.example.com")), target=RESOLVER, tos=0xB8),
        ethernet(ipv4(RESOLVER, CLIENT, 17, udp(53, 40001, dns(
            0x1A2B, "www.example.com", answers=[(5, dns_name("web.example.net")), (1, bytes([192, 0, 2, 80]))],
            response=True)))),
        four(17, udp(40002, 53, dns(7, "no.such.example", kind=28)), target=RESOLVER),
        ethernet(ipv4(RESOLVER, CLIENT, 17, udp(53, 40002, dns(7, "no.such.example", kind=28, response=True, code=3)))),
        four(6, tcp(50001, 80, "S")),
        from_server(6, tcp(80, 50001, "SA", sequence=9000, acknowledged=1001)),
        four(6, tcp(50001, 80, "PA", request, 1001, 9001)),
        from_server(6, tcp(80, 50001, "PA", answer, 9001, 1001 + len(request))),
        four(6, tcp(50001, 80, "FA", b"", 1001 + len(request), 9001 + len(answer))),
        four(6, tcp(50002, 443, "PA", client_hello(b"secure.example.org"), 5)),
        four(6, tcp(50003, 22, "")),
        four(1, icmp(8)),
        from_server(1, icmp(0)),
        ethernet(ipv6(CLIENT6, SERVER6, 17, udp(40003, 123, b"\x23" + bytes(47))), 0x86DD),
        ethernet(ipv6("fe80::1", "ff02::1:ff00:80", 58, b"\x87\0\0\0" + bytes(20), hops=255), 0x86DD, target=0x33),
        ethernet(ipv4(CLIENT, SERVER, 17, udp(40004, 514, b"<13>hello")), tags=[100, 200]),
        four(17, udp(1, 2, b"x" * 24), fragment=0x2000, identification=77),
        four(17, b"y" * 16, fragment=0x0004, identification=77),
        four(132, struct.pack("!HHII", 2905, 2906, 1, 0)),
    ]


def tunnel_frames():
    inner = ipv4("172.16.0.1", "172.16.0.2", 6, tcp(1111, 2222, "S"))
    inner6 = ipv6(CLIENT6, SERVER6, 17, udp(3333, 53, dns(9, "in.tunnel.example")))
    vxlan = struct.pack("!II", 0x08000000, 42 << 8)
    gtp = struct.pack("!BBHI", 0x30, 0xFF, len(inner), 0x1234)
    geneve = struct.pack("!BBHI", 0, 0, 0x6558, 7 << 8)
    return [
        four(17, udp(60000, 4789, vxlan + ethernet(inner, source=3, target=4))),
        four(47, struct.pack("!HH", 0, 0x0800) + inner),
        four(47, struct.pack("!HH", 0, 0x86DD) + inner6),
        four(4, inner),
        four(41, inner6),
        four(17, udp(60001, 6081, geneve + ethernet(inner, source=3, target=4))),
        four(17, udp(2152, 2152, gtp + inner)),
        ethernet(ipv6(CLIENT6, SERVER6, 4, inner), 0x86DD),
    ]


def hostile_frames():
    """Names that need every escape of the stream contract, and headers that lie."""
    ask = [
        [b"a.b", b"c\\d", b"example"],
        [b"\xff\xfe\xc3", b"caf\xc3\xa9", b"example"],
        [b"nul\0byte", b"quote\"tab\t", b"new\nline", b"del\x7f"],
        [b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"example"],
        [],
    ]
    frames = [four(17, udp(5353 + number, 53, dns(number, labels)), target=RESOLVER) for number, labels in enumerate(ask)]
    uri = b"GET /a\\b\xff\"\x01 HTTP/1.1\r\nHost: h\xc3\xb6st\xff\r\n\r\n"
    short_header = bytearray(four(17, udp(1, 2)))
    short_header[14] = 0x42
    long_udp = bytearray(four(17, udp(1, 2, b"abcd")))
    long_udp[38:40] = b"\xff\xff"
    loop = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\0\x01\0\x01"
    return frames + [
        four(6, tcp(1, 80, "PA", uri)),
        bytes(short_header),
        bytes(long_udp),
        four(17, udp(6000, 53, loop), target=RESOLVER),
        b"\x01\x02\x03",
        b"",
        ethernet(b"", 0x0800),
    ]


def several():
    """pcapng: two sections; Ethernet in µs, raw IP in ns; comments, packets without a time, blocks to pass over."""
    little, big = Pcapng(), Pcapng(big_endian=True)
    dns_frame = four(17, udp(40001, 53, dns(1, "www.example.com")), target=RESOLVER)
    raw = ipv4(CLIENT, SERVER, 17, udp(40005, 443, b"data"))
    out = little.section((1, b"made by hand"), (4, b"make_small.py"))
    out += little.interface(ETHERNET, b"eth0", comment=b"uplink") + little.interface(RAW_IP, b"tun0", digits=9, snaplen=65535)
    out += little.packet(Packet(dns_frame, 1_500), 0, comments=[b"first", b"seen \xe2\x9c\x93"])
    out += little.packet(Packet(raw, 2_000_000_123), 1, digits=9)
    out += little.block(0x0BADBEEF, b"unknown block") + little.block(4, bytes(4)) + little.block(5, bytes(12))
    out += little.simple_packet(Packet(dns_frame))
    out += little.packet(Packet(dns_frame, 1_000_001_500, cut=40), 0)
    out += big.section() + big.interface(RAW_IP, b"tun1", digits=3)
    out += big.packet(Packet(raw, 2_500_000_000), 0, digits=3)
    return out


def burst():
    """2.5 s of two clients, for --replay: 26 packets, 100 ms apart, over a window border of 1 s."""
    frames = [four(17, udp(40000 + number % 2, 7000, bytes(number)), source=f"10.0.0.{7 + number % 2}")
              for number in range(26)]
    return pcap(timed(frames, 100 * MS))


def kuznetzov(packets):
    """The variant with interface, protocol and packet type in each record's header."""
    plain = pcap([])
    out = struct.pack("<I", 0xA1B2CD34) + plain[4:]
    for packet in packets:
        seconds, rest = divmod(packet.time_ns, 10**9)
        out += struct.pack("<IIIIIHBB", seconds, rest // 1000, len(packet.data), packet.length, 2, 0x0800, 0, 0) + packet.data
    return out


def backwards():
    """Time that goes back by more than any lateness, and stands at 0."""
    frame = four(17, udp(1000, 2000, b"x"))
    return pcap([Packet(frame, at) for at in (10 * 10**9, 0, 3 * 10**9, -1_700_000_000 * 10**9, 11 * 10**9)])


def main():
    mixed = timed(mixed_frames())
    small = mixed[1:4]
    cut = [Packet(packet.data, packet.time_ns - mixed[0].time_ns, cut=size) for packet, size in zip(mixed, range(10, 90, 4))]
    files = {
        "mixed.pcap": pcap(mixed),
        "mixed_ns_be.pcap": pcap(small, nanoseconds=True, big_endian=True),
        "tunnels.pcap": pcap(timed(tunnel_frames())),
        "hostile.pcap": pcap(timed(hostile_frames())),
        "cut.pcap": pcap(cut, snaplen=90),
        "several.pcapng": several(),
        "burst.pcap": burst(),
        "kuznetzov.pcap": kuznetzov(small),
        "backwards.pcap": backwards(),
        "unknown_link.pcap": pcap(timed([b"\x01\x02\x03\x04", mac(1)]), link=USER0),
        "none.pcap": pcap([]),
    }
    for name, content in files.items():
        (HERE / name).write_bytes(content)


if __name__ == "__main__":
    main()
