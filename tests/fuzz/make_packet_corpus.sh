#!/bin/sh
# make_packet_corpus.sh UNIT_TESTS FUZZ_PACKET: the corpus of the target `packet` anew, from the packets that the
# unit tests decode: one whole packet of each kind, and of all others those that reach code of their own. The target
# comes from a build with WIRELINE_FUZZ=ON, the tests from one without.
set -eu
unit_tests=$1
target=$2
corpus=$(dirname "$0")/corpus/packet
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
rm -rf "$corpus"
mkdir -p "$corpus"
WIRELINE_SEEDS=$corpus "$unit_tests" 'each protocol*'
WIRELINE_SEEDS=$seeds "$unit_tests" 'a packet that*,a length that*,any byte*,dns*,nbns*,info*,http*,dhcp*,ntp*,snmp*,ssh*,proxy*,tls*,quic*'
"$target" -merge=1 "$corpus" "$seeds"
