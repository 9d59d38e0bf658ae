#pragma once
// One conversation as it is put into the plan: who speaks next, and how much time goes by.
#include <string>

#include "tests/bench/capture/plan.h"
#include "tests/bench/capture/random.h"

namespace wl::bench {

/// Appends the packets of one flow. `time_us` is when its first packet is seen.
class Talk {
 public:
  Talk(Plan& plan, Random& random, Flow flow, int64_t time_us);

  void wait(double mean_us) { time_us_ += 1 + static_cast<int64_t>(random_.exponential(mean_us)); }
  void send(bool reply, Body body, uint32_t size);
  /// A head, and filler behind it up to `size` bytes where that is more.
  void send_head(bool reply, std::string head, uint32_t size = 0);
  [[nodiscard]] int64_t time_us() const { return time_us_; }
  [[nodiscard]] uint32_t sent() const { return sent_; }

 protected:
  Packet& append(bool reply, Body body, uint32_t size);

  Plan& plan_;
  Random& random_;
  int64_t time_us_;
  uint32_t sent_ = 0;
};

/// The same over TCP: handshake, sequence numbers, acknowledgements, end.
class TcpTalk : public Talk {
 public:
  TcpTalk(Plan& plan, Random& random, Flow flow, int64_t time_us);

  void open();
  void send(bool reply, Body body, uint32_t size);
  void send_head(bool reply, std::string head, uint32_t size = 0);
  /// Any bytes, cut into segments.
  void send_stream(bool reply, const std::string& bytes);
  void acknowledge(bool reply);
  void close();
  /// The other side refuses the connection.
  void refused();
  void pause_round_trip() { wait(round_trip_us_); }
  /// Bytes that a segment holds.
  [[nodiscard]] uint32_t segment() const { return segment_; }

 private:
  void control(bool reply, uint8_t flags);
  void number(Packet& packet, uint8_t flags);

  uint32_t next_seq_[2];
  uint32_t segment_;
  double round_trip_us_;
};

}  // namespace wl::bench
