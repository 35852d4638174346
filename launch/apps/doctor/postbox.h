// How the ranks of `zhiyin doctor` talk. Frames: kQuestion and kAnswer carry facts.proto in binary,
// kPing any bytes after room for a double, kPong the same bytes with the sender's wall clock in
// that room. kAlive from rank 0: it is at work.
//
// Not Mailbox, for which a rank that does not answer is the end of the job: here it is a finding.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "common/net/endpoint.h"
#include "launch/apps/doctor/facts.pb.h"

namespace zhiyin::launch::apps {

/// Throws Error, naming the rank it came from, unless the frame is a question of rank 0 that `rank`
/// of `n_ranks` can be asked.
Question ParseQuestion(const net::Frame& frame, int rank, int n_ranks);
/// Checks an answer likewise. A PairFacts holds finite, positive numbers where it was answered.
Answer ParseAnswer(const net::Frame& frame);

/// Seconds since 1970, as this host has it.
double WallClock();

/// Borrows the endpoint; its rank's thread.
class Postbox {
 public:
  Postbox(net::Endpoint* endpoint, std::function<double()> wall_clock)
      : endpoint_(endpoint), wall_clock_(std::move(wall_clock)) {}

  net::Endpoint& endpoint() { return *endpoint_; }
  void Ask(int rank, const Question& question);
  void Tell(const Answer& answer);  // rank 0

  /// The next frame of this kind until `deadline`, or nothing. Answers pings meanwhile, keeps the
  /// rest; kAlive comes out too when `or_alive`. Throws Error on a frame that is none.
  std::optional<net::Frame> Next(net::FrameKind kind, double deadline, bool or_alive = false);

  /// Measures the way to a peer that is in Next, and back; not answered when it takes longer than
  /// `limit_s`.
  PairFacts MeasurePair(int peer, double limit_s);

 private:
  /// One round trip of a frame with n bytes; nothing after the deadline.
  struct RoundTrip {
    double seconds;
    double clock_offset_s;
  };
  std::optional<RoundTrip> Ping(int peer, size_t n_bytes, double deadline);
  void AnswerPing(const net::Frame& ping);

  net::Endpoint* endpoint_;
  std::function<double()> wall_clock_;
  uint64_t last_request_id_ = 0;
  std::deque<net::Frame> kept_;
};

}  // namespace zhiyin::launch::apps
