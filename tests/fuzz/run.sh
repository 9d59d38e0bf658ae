#!/bin/sh
# run.sh BIN SECONDS: every libFuzzer target over its corpus for so long. What is found stays in BIN/found.
set -eu
bin=$1
seconds=$2
here=$(dirname "$0")
mkdir -p "$bin/found"
for target in "$bin"/fuzz_*; do
  name=${target##*/fuzz_}
  mkdir -p "$bin/corpus/$name" "$here/corpus/$name"
  echo "== $name, $seconds s"
  "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$bin/found/$name-" "$bin/corpus/$name" "$here/corpus/$name"
done
