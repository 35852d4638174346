// The network as a rank sees it.
#pragma once

#include <optional>
#include <string>

#include "common/net/frame.h"

namespace zhiyin::net {

/// The network end of one rank. Used by the rank's own thread alone. Frames between two ranks
/// arrive in the order in which they were sent; between different pairs there is no order. Nothing
/// is lost and nothing comes twice.
///
///   endpoint.Send(3, Frame(FrameKind::kPull, id, step, n_bytes));
///   std::optional<Frame> frame = endpoint.Receive(endpoint.Now() + 10);
class Endpoint {
 public:
  virtual ~Endpoint() = default;

  virtual int rank() const = 0;
  virtual int n_ranks() const = 0;
  /// Where this rank runs, for messages.
  virtual std::string host() const = 0;
  /// Seconds on a clock that never steps back.
  virtual double Now() const = 0;
  /// Whether this is a simulation, where time passes only while all ranks wait.
  virtual bool TimeIsVirtual() const = 0;

  /// Takes the frame and sends it; never blocks. REQUIRES: `to` is another rank.
  virtual void Send(int to, Frame frame) = 0;
  /// Returns the next frame, or nothing; makes progress, never blocks. Throws Error on bytes that
  /// are not a frame.
  virtual std::optional<Frame> Poll() = 0;
  /// Waits for the next frame until `deadline` on Now()'s clock; then nothing.
  virtual std::optional<Frame> Receive(double deadline) = 0;
  /// Waits until all that was sent has left, which returns true, or until the deadline.
  virtual bool Flush(double deadline) = 0;
  /// Names what the next Receive waits for, for reports of deadlocks; "" when it only passes the
  /// time. The text is borrowed until the next call.
  virtual void NoteWaitingFor(const char* what) = 0;
};

}  // namespace zhiyin::net
