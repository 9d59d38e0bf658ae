#include "tools/netwindow/generic.h"

#include <algorithm>

namespace wl::netwindow {

using ndjson::Value;
using ndjson::ValueKind;

base::Result<std::unique_ptr<Input>> GenericInput::make(const Stage& stage, const Wanted& wanted) {
  Paths paths;
  for (const std::string_view path :
       {std::string_view("type"), std::string_view("tool"), std::string_view("lost"), wanted.time}) {
    (void)paths.add(path);
  }
  for (const std::string& sum : wanted.sums) (void)paths.add(sum);
  auto spec = KeySpec::parse(wanted.by, paths);
  if (!spec) return std::unexpected(spec.error());
  return std::unique_ptr<Input>(new GenericInput(stage, wanted, paths, std::move(*spec)));
}

GenericInput::GenericInput(const Stage& stage, const Wanted& wanted, const Paths& paths, KeySpec spec)
    : stage_(stage),
      time_name_(wanted.time),
      sum_names_(wanted.sums.begin(), wanted.sums.end()),
      type_(paths.find("type")),
      tool_(paths.find("tool")),
      lost_(paths.find("lost")),
      time_(paths.find(wanted.time)),
      fields_(paths.all()),
      spec_(std::move(spec)) {
  for (const std::string& sum : wanted.sums) sums_.push_back(paths.find(sum));
  totals_.packets = 1;
  totals_.sums.resize(sums_.size());
}

bool GenericInput::take(std::string_view line) {
  if (!fields_.read(line)) return refuse("expected a JSON object");
  if (stream_record()) return true;
  if (!read_sums()) return false;
  const Value& time = fields_[time_];
  if (!time.present()) {
    ++records_;
    stage_.aside.untimed.add(totals_);
    return true;
  }
  const std::optional<int64_t> ts = times_.read(time);
  if (!ts) return refuse("expected a time in " + time_name_);
  Hash hash;
  const KeySpec::State state = spec_.hash(fields_, hasher_, hash);
  if (state == KeySpec::State::wrong) return refuse("expected " + spec_.wrong());
  ++records_;
  newest_ = std::max(newest_, *ts);
  Window* const window = stage_.windows.at(*ts);
  if (window == nullptr) {
    ++late_;
    stage_.aside.late.add(totals_);
    return true;
  }
  window->nanoseconds |= times_.nanoseconds();
  if (state == KeySpec::State::missing) {
    window->unkeyed.add(totals_);
  } else {
    window->count(window->key(hash, [this] { return spec_.text(fields_); }), totals_, *ts, *ts);
  }
  return true;
}

bool GenericInput::stream_record() {
  const std::string_view type = fields_[type_].text;
  if (std::exchange(first_, false)) has_meta_ = type == "meta" && fields_[tool_].kind == ValueKind::text;
  if (!has_meta_) return false;
  if (type == "meta") {
    upstream_.meta(stage_.aside);
  } else if (type == "stats" || type == "end") {
    upstream_.counts(fields_[lost_], stage_.aside);
  } else {
    return false;
  }
  return true;
}

bool GenericInput::read_sums() {
  for (size_t i = 0; i < sums_.size(); ++i) {
    const Value& value = fields_[sums_[i]];
    totals_.sums[i] = 0;
    const bool nothing = value.kind == ValueKind::text && (value.text.empty() || value.text == "-");
    if (!value.present() || nothing) continue;
    const std::optional<Amount> amount = read_amount(value);
    if (!amount) return refuse("expected a number in " + sum_names_[i]);
    totals_.sums[i] = *amount;
  }
  return true;
}

}  // namespace wl::netwindow
