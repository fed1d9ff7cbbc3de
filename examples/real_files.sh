#!/usr/bin/env bash
# Every format from the command line, on real files: train, evaluate on held-out ones, a line of results for each.
#   examples/real_files.sh [folder with ctr/ and libsvm/]      default: SCHUSS_SHARED/data, or ../shared/data
set -euo pipefail
data=${1:-${SCHUSS_SHARED:-$(dirname "$0")/../../shared}/data}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# show NAME TRAIN TEST [options of training]: threads that race over so few rows would move the loss by some per cent
show() {
  local name=$1 train=$2 test=$3
  shift 3
  schuss ctr train "$train" --out "$work/model" --mode deterministic "$@" > "$work/said"
  schuss ctr evaluate "$work/model" --in "$test" > "$work/report"
  printf '%-12s %s\n' "$name" "$(grep -E '^(logloss|AUC)' "$work/report" | tr -s ' ' | paste -sd' ')"
}

cd "$work"
show criteo "$data/ctr/criteo_lapis.train.tsv.gz" "$data/ctr/criteo_lapis.test.tsv.gz" --format criteo --model fm
show libffm "$data/ctr/libffm_bigdata.tr.txt.gz" "$data/ctr/libffm_bigdata.te.txt.gz" --format libffm --model ffm
show libsvm "$data/libsvm/a9a.gz" "$data/libsvm/a9a.t.gz" --format libsvm --model lr
show libfm "$data/ctr/frappe.validation.libfm.gz" "$data/ctr/frappe.test.libfm.gz" --model fm --epochs 3 --cache frappe.cache
show iPinYou "$data/ctr/ipinyou_deepctr.train.fm.txt.gz" "$data/ctr/ipinyou_deepctr.test.fm.txt.gz" --format libsvm --model fm
show vw "$data/libsvm/rcv1_small.vw.gz" "$data/libsvm/rcv1_small_test.vw.gz" --model lr --epochs 3

# CSV with a header; Avazu's test file has none
(zcat "$data/ctr/avazu_lapis.train.csv.gz" | sed -n 1p; zcat "$data"/ctr/avazu_lapis.{dev,test}.csv.gz) > avazu.test.csv
show csv "$data/ctr/avazu_lapis.train.csv.gz" avazu.test.csv --columns id=ignore,click=label --model fm

# some columns of a strongly imbalanced log
zcat "$data/ctr/talkingdata_train_sample_100k.csv.gz" > ads.csv
sed -n '1,60001p' ads.csv > ads.train.csv
sed -n '1p;60002,$p' ads.csv > ads.test.csv
show columns ads.train.csv ads.test.csv --columns is_attributed=label,click_time=ignore,attributed_time=ignore --model lr

python -c 'import pyarrow.csv, pyarrow.parquet
for name in "train", "test": pyarrow.parquet.write_table(pyarrow.csv.read_csv(f"ads.{name}.csv"), f"ads.{name}.parquet")'
show parquet ads.train.parquet ads.test.parquet --columns is_attributed=label,click_time=ignore,attributed_time=ignore --model lr

# a sorted file, shuffled; standard input
zcat "$data/libsvm/w8a.gz" | awk 'NF && NR % 5' | shuf --random-source="$data/libsvm/w8a.gz" > w8a.train
zcat "$data/libsvm/w8a.gz" | awk 'NF && NR % 5 == 0' > w8a.test
show stdin - w8a.test --format libsvm --model fm < w8a.train
