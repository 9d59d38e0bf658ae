#!/bin/sh
# demo.sh BUILD: the main job on a capture made here: packets in, windows out.
set -eu
bin=$1/bin
capture=$1/demo.pcapng

show() {
  printf '\n$ %s\n' "$*"
  PATH=$bin:$PATH sh -c "$*"
}

"$1/bench/make_capture" --packets 3000 --seed 7 --format pcapng --out "$capture"
echo "A capture of 3,000 packets of an office: $capture"
show "netsniff -q -r $capture | head -n 3"
show "netsniff -q -r $capture --local 10.0.0.0/8 | netwindow --window 10s --top 5 -t | head -n 40"
show "netsniff -q -r $capture --local 10.0.0.0/8 | netwindow --window 10s --top 1 | head -n 2"
