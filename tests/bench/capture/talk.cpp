#include "tests/bench/capture/talk.h"

#include <algorithm>

namespace wl::bench {
namespace {
using namespace tcp_flag;
constexpr uint32_t kIpv4Segment = 1460;
constexpr uint32_t kIpv6Segment = 1440;
constexpr uint32_t kTimestampsOption = 12;
constexpr double kBackToBackUs = 30;
}  // namespace

Talk::Talk(Plan& plan, Random& random, Flow flow, int64_t time_us)
    : plan_(plan), random_(random), time_us_(time_us) {
  plan_.flows.push_back(flow);
}

Packet& Talk::append(bool reply, Body body, uint32_t size) {
  Packet packet;
  packet.time_us = time_us_;
  packet.flow = static_cast<uint32_t>(plan_.flows.size() - 1);
  packet.size = static_cast<uint16_t>(size);
  packet.body = body;
  packet.reply = reply;
  packet.seq = sent_++;
  return plan_.packets.emplace_back(packet);
}

void Talk::send(bool reply, Body body, uint32_t size) { append(reply, body, size); }

void Talk::send_head(bool reply, std::string head, uint32_t size) {
  Packet& packet = append(reply, Body::head, std::max(size, static_cast<uint32_t>(head.size())));
  packet.head = static_cast<uint32_t>(plan_.heads.size());
  plan_.heads.push_back(std::move(head));
}

TcpTalk::TcpTalk(Plan& plan, Random& random, Flow flow, int64_t time_us)
    : Talk(plan, random, flow, time_us),
      next_seq_{static_cast<uint32_t>(random.next()), static_cast<uint32_t>(random.next())},
      segment_((flow.ipv6 ? kIpv6Segment : kIpv4Segment) - (flow.tcp_timestamps ? kTimestampsOption : 0)),
      round_trip_us_(3000.0 + random.exponential(25000)) {}

void TcpTalk::number(Packet& packet, uint8_t flags) {
  const bool first = (flags & kSyn) != 0 && !packet.reply;
  packet.tcp_flags = flags;
  packet.seq = next_seq_[packet.reply];
  packet.ack = first ? 0 : next_seq_[!packet.reply];
  next_seq_[packet.reply] += packet.size + ((flags & (kSyn | kFin)) != 0 ? 1U : 0U);
}

void TcpTalk::control(bool reply, uint8_t flags) { number(append(reply, Body::filler, 0), flags); }

void TcpTalk::open() {
  control(false, kSyn);
  wait(round_trip_us_);
  control(true, kSyn | kAck);
  wait(kBackToBackUs);
  control(false, kAck);
  wait(kBackToBackUs);
}

void TcpTalk::refused() {
  control(false, kSyn);
  wait(round_trip_us_);
  control(true, kRst | kAck);
}

void TcpTalk::send(bool reply, Body body, uint32_t size) {
  number(append(reply, body, size), kPush | kAck);
  wait(kBackToBackUs);
}

void TcpTalk::send_head(bool reply, std::string head, uint32_t size) {
  Talk::send_head(reply, std::move(head), size);
  number(plan_.packets.back(), kPush | kAck);
  wait(kBackToBackUs);
}

void TcpTalk::send_stream(bool reply, const std::string& bytes) {
  for (size_t at = 0; at < bytes.size(); at += segment_) send_head(reply, bytes.substr(at, segment_));
}

void TcpTalk::acknowledge(bool reply) { control(reply, kAck); }

void TcpTalk::close() {
  control(false, kFin | kAck);
  wait(round_trip_us_);
  control(true, kFin | kAck);
  wait(kBackToBackUs);
  control(false, kAck);
}

}  // namespace wl::bench
