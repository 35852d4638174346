// A rank's post office: sorts what arrives by kind, bounds every wait, and turns another rank's failure into
// an exception here.
#pragma once

#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/net/endpoint.h"

namespace zhiyin {

/// Thrown by every wait once rank 0 has stopped the job. The cause has been printed already.
class JobStopped : public Error {
 public:
  using Error::Error;
};

/// Thrown by a wait that has lasted too long.
class Silence : public Error {
 public:
  using Error::Error;
};

/// Used by the rank's own thread; borrows the endpoint.
///
/// A rank that waits says so to rank 0 once a second: rank 0 can then tell the ranks that wait for others
/// from those that give no sign of life.
class Mailbox {
 public:
  /// No wait is longer than `timeout_s` without a frame from a rank that is at work.
  Mailbox(Endpoint* endpoint, double timeout_s);

  Endpoint& endpoint() { return *endpoint_; }
  void Send(int to, Frame frame) { endpoint_->Send(to, std::move(frame)); }
  /// A number that this rank has not used yet.
  uint64_t NewRequestId() { return ++last_request_id_; }

  /// The next frame of one of these kinds; others are kept for their own Await. `what` says what is waited
  /// for: "pull replies". Throws JobStopped; Error when a rank reported a failure (on rank 0); Silence after
  /// timeout_s without anything.
  Frame Await(std::initializer_list<FrameKind> kinds, const char* what);
  /// The same without waiting.
  std::optional<Frame> Take(std::initializer_list<FrameKind> kinds);

  /// Tells all others that this rank is at work although it has nothing to say, and takes what has come, so
  /// that a failure elsewhere is heard of; at most once a second, otherwise it costs a look at the clock. For
  /// long work between messages. Throws as Await does.
  void SayAlive();

 private:
  /// For a report of silence, on rank 0: "; no sign of life from rank 3 for 12 s", or "".
  std::string SilentRanks() const;
  std::optional<Frame> TakeKept(std::initializer_list<FrameKind> kinds);
  /// True: the frame was for the mailbox itself.
  bool Handle(const Frame& frame, double now);
  [[noreturn]] void ReportSilence(const char* what) const;

  Endpoint* endpoint_;
  double timeout_s_;
  double sign_every_s_;
  uint64_t last_request_id_ = 0;
  double said_alive_at_;
  std::vector<double> heard_at_;  // [rank]
  std::deque<Frame> kept_;
};

}  // namespace zhiyin
