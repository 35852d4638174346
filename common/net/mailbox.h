// A rank's post office: sorts what arrives by kind, bounds every wait, and turns another rank's failure into
// an exception here.
#pragma once

#include <deque>
#include <initializer_list>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/net/endpoint.h"

namespace zhiyin {

/// Thrown by every wait once rank 0 has stopped the job. The cause has been printed already.
class JobStopped : public Error {
 public:
  using Error::Error;
};

/// Used by the rank's own thread; borrows the endpoint.
class Mailbox {
 public:
  /// No wait is longer than `timeout_s` without any frame from anyone.
  Mailbox(Endpoint* endpoint, double timeout_s) : endpoint_(endpoint), timeout_s_(timeout_s) {}

  Endpoint& endpoint() { return *endpoint_; }
  void Send(int to, Frame frame) { endpoint_->Send(to, std::move(frame)); }
  /// A number that this rank has not used yet.
  uint64_t NewRequestId() { return ++last_request_id_; }

  /// The next frame of one of these kinds; others are kept for their own Await. `what` says what is waited
  /// for: "pull replies". Throws JobStopped; Error when a rank reported a failure (on rank 0) or after
  /// timeout_s of silence.
  Frame Await(std::initializer_list<FrameKind> kinds, const char* what);
  /// The same without waiting.
  std::optional<Frame> Take(std::initializer_list<FrameKind> kinds);

  /// Tells all others that this rank is alive although it has nothing to say; at most once a second. For long
  /// work between messages.
  void SayAlive();

 private:
  std::optional<Frame> TakeKept(std::initializer_list<FrameKind> kinds);
  /// True: the frame was for the mailbox itself.
  bool Handle(const Frame& frame);
  [[noreturn]] void ReportSilence(const char* what) const;

  Endpoint* endpoint_;
  double timeout_s_;
  uint64_t last_request_id_ = 0;
  double said_alive_at_ = -1;
  FrameKind last_kind_ = FrameKind::kAlive;
  int last_source_ = -1;
  std::deque<Frame> kept_;
};

}  // namespace zhiyin
