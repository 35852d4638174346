// The messages between the ranks of `zhiyin doctor`.
//
//   kQuestion   rank 0 to a rank: a Question of facts.proto, serialized
//   kAnswer     a rank to rank 0: an Answer of facts.proto, serialized
//   kPing       8 bytes of any value, then any number of further bytes
//   kPong       the payload of the ping, its first 8 bytes replaced by the wall clock of the rank
//               that answers: a double, in seconds since 1970
//   kHeartbeat  rank 0 to a rank: rank 0 is at work
//
// The doctor does not use Mailbox, which ends a job when a rank does not answer: the doctor reports
// such a rank as a finding.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "common/net/endpoint.h"
#include "launch/apps/doctor/facts.pb.h"

namespace zhiyin::launch::apps {

/// Returns the question that `rank`, one of `n_ranks`, has received. Throws Error, naming the
/// sender, unless the frame comes from rank 0 and holds a question that `rank` can answer.
Question ParseQuestion(const net::Frame& frame, int rank, int n_ranks);
/// Returns the answer that rank 0 has received. Throws Error, naming the sender, on bytes that are
/// not an answer, and on PairFacts with `answered` whose latency or rate is not positive or whose
/// numbers are not finite.
Answer ParseAnswer(const net::Frame& frame);

/// The time of this host's wall clock, in seconds since 1970.
double WallClock();

/// Sends and receives the messages of one rank. Used by the rank's thread; borrows the endpoint.
class Postbox {
 public:
  /// `wall_clock` returns seconds since 1970, for the clock offsets between ranks.
  Postbox(net::Endpoint* endpoint, std::function<double()> wall_clock)
      : endpoint_(endpoint), wall_clock_(std::move(wall_clock)) {}

  net::Endpoint& endpoint() { return *endpoint_; }
  /// Sends a question to a rank. Used on rank 0.
  void Ask(int rank, const Question& question);
  /// Sends an answer to rank 0.
  void Tell(const Answer& answer);

  /// Returns the next frame of this kind, or, with `or_alive`, a heartbeat if one arrives first.
  /// Returns nothing once the endpoint's clock reaches `deadline`. While it waits, it answers
  /// pings, drops heartbeats unless `or_alive`, and keeps frames of other kinds for later calls.
  /// Throws Error on bytes that are not a frame, and on a ping of less than 8 bytes.
  std::optional<net::Frame> Next(net::FrameKind kind, double deadline, bool or_alive = false);

  /// Measures latency, throughput and clock offset between this rank and `peer` by pings. The
  /// result has `answered` only if the measurement took at most `limit_s` seconds. Throws Error as
  /// Next does, and on a pong of the wrong size. REQUIRES: `peer` waits in Next meanwhile.
  PairFacts MeasurePair(int peer, double limit_s);

 private:
  struct RoundTrip {
    double seconds;
    double clock_offset_s;  // the peer's wall clock minus this rank's
  };
  /// Sends a ping with a payload of `n_bytes` and waits for its pong. Returns nothing when the
  /// deadline passes first.
  std::optional<RoundTrip> Ping(int peer, size_t n_bytes, double deadline);
  void AnswerPing(const net::Frame& ping);

  net::Endpoint* endpoint_;
  std::function<double()> wall_clock_;
  uint64_t last_request_id_ = 0;
  std::deque<net::Frame> kept_;  // arrived in Next, of other kinds; oldest first
};

}  // namespace zhiyin::launch::apps
