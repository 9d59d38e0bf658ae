"""The rows of the benchmark: what is run against what, how much faster it has to be, and what makes both answers the
same."""

import collections
import dataclasses
import json
import re
import shutil
from typing import Callable

import measure
import truth

PACKETS = 2_000_000
TSHARK_SLICE = 100_000  # packets; tshark needs a tenth of a millisecond for each
MLR_SLICE = 200_000  # records
HOST = "10.20.0.10"  # the busiest of the office
DNS_ANSWERS = "'udp src port 53 or (vlan and udp src port 53)'"  # BPF looks behind a VLAN tag only when told to


class Differs(Exception):
    pass


@dataclasses.dataclass
class Row:
    """`ours` must be at least `target` times as fast as `peer`, for the same amount of work."""

    title: str
    ours: str
    peer: str = ""
    peer_name: str = ""
    target: float = 0
    check: Callable = lambda: None  # raises Differs
    scale: float = 1  # how many times the peer's work is ours
    metric: str = "wall"
    rss_limit: float = 0  # MB, for a row without peer
    peer_present: bool = True


def same(what, *values):
    if any(value != values[0] for value in values[1:]):
        raise Differs(f"{what}: " + " / ".join(str(value)[:300] for value in values))


class Bench:
    """Where the files are, and the pipelines over them."""

    def __init__(self, big, work, environment, duckdb_query):
        self.big, self.work, self.environment, self.duckdb = big, work, environment, duckdb_query
        self.truth = truth.cached(big)
        self.slice = work / "slice.pcap"
        self.ndjson = work / "big.ndjson"
        self.ndjson_slice = work / "slice.ndjson"
        self.flows = work / "nfpcapd"
        self.flows.mkdir(exist_ok=True)

    def prepare(self):
        self.shell(f"tcpdump -r {self.big} -c {TSHARK_SLICE} -w {self.slice}")
        self.shell(f"netsniff -r {self.big} > {self.ndjson}")
        self.shell(f"head -n {MLR_SLICE} {self.ndjson} > {self.ndjson_slice}")

    def shell(self, line):
        collections.deque(self.output(line), maxlen=0)

    def output(self, pipeline):
        return measure.output(pipeline, self.environment)

    def records(self, pipeline, kind):
        return (record for record in map(json.loads, self.output(pipeline)) if record["type"] == kind)

    def nfpcapd(self):
        """nfpcapd appends to what it finds, so each run begins with an empty directory."""
        return f"rm -f {self.flows}/*; nfpcapd -r {self.big} -w {self.flows} > /dev/null 2>&1"

    # What both sides saw.

    def digest_ours(self, pipeline):
        """Packets, those of IPv4 and of IPv6, bytes on the wire."""
        counts = collections.Counter()
        for line in self.output(pipeline):
            found = re.search(rb'"len":(\d+)(?:,"src_ip":"[^"]*([.:]))?', line)
            counts["packets"] += 1
            counts["bytes"] += int(found[1])
            counts[{b".": "ipv4", b":": "ipv6", None: "other"}[found[2]]] += 1
        return dict(counts)

    def digest_expected(self):
        known = {key: self.truth[key] for key in ("packets", "bytes", "ipv4", "ipv6")}
        return known | {"other": known["packets"] - known["ipv4"] - known["ipv6"]}

    def check_tcpdump(self, ours):
        counts = collections.Counter()
        for line in self.output(f"tcpdump -n -r {self.big}"):
            counts["packets"] += 1
            counts["ipv6" if b" IP6 " in line else "ipv4" if b" IP " in line else "other"] += 1
        mine = self.digest_ours(ours)
        same("packets, IPv4, IPv6", {key: mine[key] for key in counts}, dict(counts))
        same("sums of the capture", mine, self.digest_expected())

    def check_tshark(self, ours):
        lengths = [
            int(re.search(rb'"frame_frame_len":"(\d+)"', line)[1])
            for line in self.output(f"tshark -T ek -r {self.slice}")
            if b'"layers"' in line
        ]
        mine = self.digest_ours(ours)
        same("packets and bytes", (mine["packets"], mine["bytes"]), (len(lengths), sum(lengths)))

    def check_narrow(self, narrow, default):
        same("packets and bytes", self.digest_ours(narrow), self.digest_ours(default))

    def check_windows_nfpcapd(self, ours):
        """nfdump counts the bytes of IP and no ARP; netwindow counts frames. Each must be right in its own terms."""
        mine = collections.Counter()
        for total in self.records(ours, "window_total"):
            mine.update({key: total[key] for key in ("packets", "bytes", "unkeyed_packets", "late_packets")})
        self.shell(self.nfpcapd())
        summary = self.nfdump_summary()
        same("packets of IP", mine["packets"] - mine["unkeyed_packets"], summary["packets"])
        same("late packets", mine["late_packets"], 0)
        same("bytes on the wire", mine["bytes"], self.truth["bytes"])
        same("bytes of IP", summary["bytes"], self.truth["ip_bytes"])

    def nfdump_summary(self):
        text = b"".join(self.output(f"nfdump -R {self.flows} -I")).decode()
        return {key: int(re.search(rf"^{key.capitalize()}: (\d+)", text, re.MULTILINE)[1]) for key in ("packets", "bytes")}

    def windows_sum(self, pipeline):
        sums = [0, 0, 0]
        for window in self.records(pipeline, "window"):
            sums = [sums[0] + 1, sums[1] + window["packets"], sums[2] + window["bytes"]]
        return sums

    def check_mlr(self):
        ours = self.windows_sum(f"netwindow --by src_ip,dst_ip < {self.ndjson_slice}")
        line = list(self.output(self.mlr("then stats1 -a count,sum -f len_count,len_sum", "--ojsonl")))[-1]
        theirs = json.loads(line)
        same("groups, packets, bytes", ours, [theirs[key] for key in ("len_count_count", "len_count_sum", "len_sum_sum")])

    def mlr(self, more="", out="--ocsv"):
        window = "substr($ts,0,17) . (int(substr($ts,18,18)) < 5 ? 0 : 5)"
        return (
            f"mlr --ijsonl {out} put '$window = {window}' "
            f"then stats1 -a count,sum -f len -g window,src_ip,dst_ip {more} {self.ndjson_slice}"
        )

    def duckdb_pipeline(self, select):
        columns = "{ts: 'TIMESTAMP', src_ip: 'VARCHAR', dst_ip: 'VARCHAR', len: 'BIGINT'}"
        source = f"read_json('{self.ndjson}', format = 'newline_delimited', columns = {columns})"
        group = (
            "select time_bucket(interval 5 seconds, ts), src_ip, dst_ip, count(*) as packets, sum(len) as bytes "
            f"from {source} where src_ip is not null group by all"
        )
        return f'{self.duckdb} "{select.format(f"({group})")}" 1'

    def check_duckdb(self):
        ours = self.windows_sum(f"netwindow --by src_ip,dst_ip < {self.ndjson}")
        line = list(self.output(self.duckdb_pipeline("select count(*), sum(packets), sum(bytes) from {}")))[-1]
        same("groups, packets, bytes", ours, [int(value) for value in line.split()])

    # Three tasks.

    def nxdomain(self, source):
        fields = "ts,dst_ip,dst_port,dns_id,dns_qname,dns_rcode"
        return f"netsniff -r {source} --fields {fields} {DNS_ANSWERS} | grep '\"dns_rcode\":\"NXDOMAIN\"'"

    def nxdomain_answers(self, source):
        records = map(json.loads, self.output(self.nxdomain(source)))
        return [[record["dst_ip"], record["dst_port"], record["dns_id"], record["dns_qname"]] for record in records]

    def nxdomain_tcpdump(self):
        return f"tcpdump -n -r {self.big} {DNS_ANSWERS} | grep NXDomain"

    def nxdomain_tshark(self):
        return (
            f"tshark -r {self.slice} -Y dns.flags.rcode==3 -T fields -e ip.dst -e ipv6.dst -e udp.dstport "
            "-e dns.id -e dns.qry.name"
        )

    def check_nxdomain_tcpdump(self):
        pattern = re.compile(rb" > (\S+)\.(\d+): (\d+) NXDomain")
        theirs = [pattern.search(line).groups() for line in self.output(self.nxdomain_tcpdump())]
        ours = [answer[:3] for answer in self.nxdomain_answers(self.big)]
        same("answers", ours, [[host.decode(), int(port), int(number)] for host, port, number in theirs])

    def check_nxdomain_tshark(self):
        theirs = []
        for line in self.output(self.nxdomain_tshark()):
            four, six, port, number, name = line.decode().rstrip("\n").split("\t")
            theirs.append([four or six, int(port), int(number, 16), name])
        same("answers", self.nxdomain_answers(self.slice), theirs)

    def talkers(self):
        return f"netsniff -r {self.big} --fields ts,src_ip,len | netwindow --by src_ip --window 1h --top 10"

    def talkers_nfdump(self):
        return f"{self.nfpcapd()}; nfdump -6 -q -R {self.flows} -s srcip/bytes -n 10 -o csv"

    def talkers_tcpdump(self):
        # -e: the frame's length; -q: no more than needed.
        program = (
            '{ for (i = 2; i < 12; i++) if ($i == "length") break; size = $(i + 1); sub(":", "", size); '
            'for (; i < NF; i++) if ($i == ">") break; host = $(i - 1); '
            'if (split(host, part, ".") == 5 || host ~ /:.*[.]/) sub(/[.][0-9]+$/, "", host); '
            "bytes[host] += size } END { for (host in bytes) print bytes[host], host }"
        )
        return f"tcpdump -n -q -e -t -r {self.big} ip or ip6 or vlan | awk '{program}' | sort -rn | sed -n 1,10p"

    def talkers_answer(self):
        return [[window["src_ip"], window["bytes"]] for window in self.records(self.talkers(), "window")]

    def check_talkers_nfdump(self):
        theirs = []
        for line in self.output(self.talkers_nfdump()):
            values = line.decode().strip().split(",")
            if len(values) > 9 and values[4][:1].isalnum() and values[0][:2] == "20":
                theirs.append([values[4], int(values[9])])
        same("talkers by bytes of frames", self.talkers_answer(), self.truth["top_wire"])
        same("talkers by bytes of IP", theirs, self.truth["top_ip"])

    def check_talkers_tcpdump(self):
        theirs = [line.decode().split() for line in self.output(self.talkers_tcpdump())]
        same("talkers by bytes", self.talkers_answer(), [[host, int(size)] for size, host in theirs])

    def syns(self):
        return f"netsniff -r {self.big} --fields ts,src_port,dst_ip,dst_port '{self.syn_filter()}'"

    def syns_tcpdump(self):
        return f"tcpdump -n -r {self.big} '{self.syn_filter()}'"

    @staticmethod
    def syn_filter():
        return f"src host {HOST} and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn"

    def check_syns(self):
        ours = [[r["src_port"], r["dst_ip"], r["dst_port"]] for r in map(json.loads, self.output(self.syns()))]
        pattern = re.compile(rb"\.(\d+) > (\S+)\.(\d+): Flags \[S\]")
        theirs = [pattern.search(line).groups() for line in self.output(self.syns_tcpdump())]
        same("SYNs", ours, [[int(source), host.decode(), int(port)] for source, host, port in theirs])

    def rows(self):
        default = f"netsniff -r {self.big}"
        narrow = f"{default} --fields ts,src_ip,dst_ip,len"
        everything = f"{default} --fields all"
        tcpdump = f"tcpdump -n -r {self.big}"
        windows = f"{default} | netwindow"
        grouped = f"netwindow --by src_ip,dst_ip < {self.ndjson}"
        per_packet = PACKETS / TSHARK_SLICE
        tshark_slice = f"netsniff -r {self.slice}"
        return [
            Row("netsniff, default fields", default, tcpdump, "tcpdump -n", 15, lambda: self.check_tcpdump(default)),
            Row("netsniff, default fields, a packet", default, f"tshark -T ek -r {self.slice}", "tshark -T ek", 500,
                lambda: self.check_tshark(tshark_slice), scale=1 / per_packet),
            Row("netsniff --fields all", everything, tcpdump, "tcpdump -n", 10, lambda: self.check_tcpdump(everything)),
            Row("--fields ts,src_ip,dst_ip,len", narrow, default, "default fields", 2, lambda: self.check_narrow(narrow, default)),
            Row("netsniff | netwindow", windows, self.nfpcapd(), "nfpcapd", 1, lambda: self.check_windows_nfpcapd(windows)),
            Row("netwindow, a record", grouped, self.mlr(), "mlr", 50, self.check_mlr, scale=MLR_SLICE / PACKETS),
            Row("netwindow, CPU time", grouped, self.duckdb_pipeline("select * from {}"), "DuckDB, 1 thread", 1,
                self.check_duckdb, metric="cpu", peer_present=self.duckdb.exists()),
            Row("netsniff, largest process", default, rss_limit=64),
            Row("all NXDOMAIN answers", self.nxdomain(self.big), self.nxdomain_tcpdump(), "tcpdump | grep", 1, self.check_nxdomain_tcpdump),
            Row("all NXDOMAIN answers, 100,000 packets", self.nxdomain(self.slice), self.nxdomain_tshark(), "tshark -Y", 1,
                self.check_nxdomain_tshark),
            Row("top 10 talkers by bytes", self.talkers(), self.talkers_nfdump(), "nfpcapd; nfdump -s", 1, self.check_talkers_nfdump),
            Row("top 10 talkers by bytes", self.talkers(), self.talkers_tcpdump(), "tcpdump | awk", 1, self.check_talkers_tcpdump),
            Row("SYNs of one host", self.syns(), self.syns_tcpdump(), "tcpdump", 1, self.check_syns),
        ]


def installed(row):
    return row.peer_present and all(
        shutil.which(word) for word in ("tcpdump", "tshark", "nfpcapd", "nfdump", "mlr") if re.search(rf"\b{word}\b", row.peer)
    )
