#!/bin/sh
# make_packet_corpus.sh UNIT_TESTS FUZZ_PACKET: the corpus of the target `packet` anew, from the packets that the
# unit tests decode; of seeds that reach the same code one is kept. Both programs come from a build with WIRELINE_FUZZ=ON
# (the target) and one without (the tests).
set -eu
unit_tests=$1
target=$2
corpus=$(dirname "$0")/corpus/packet
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
WIRELINE_SEEDS=$seeds "$unit_tests" 'dns*,http*,dhcp*,ntp*,snmp*,ssh*,proxy*,tls*,quic*,each protocol*,a packet that*,a length that*,any byte*'
mkdir -p "$corpus"
"$target" -merge=1 "$corpus" "$seeds"
