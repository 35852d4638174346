// All that a rank sees of the network.
#pragma once

#include <optional>
#include <string>

#include "common/net/frame.h"

namespace zhiyin::net {

/// A rank's end. Used by the rank's own thread alone. Frames between two ranks arrive in the order
/// in which they were sent; between different pairs there is no order. Nothing is lost and nothing
/// comes twice.
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
  /// In simulation, where time passes only while all ranks wait.
  virtual bool TimeIsVirtual() const = 0;

  /// Takes the frame, never blocks. REQUIRES: `to` is another rank.
  virtual void Send(int to, Frame frame) = 0;
  /// The next frame, or nothing; makes progress, never blocks. Throws Error on a frame that is
  /// none.
  virtual std::optional<Frame> Poll() = 0;
  /// Waits for the next frame until `deadline` on Now()'s clock; then nothing.
  virtual std::optional<Frame> Receive(double deadline) = 0;
  /// Waits until all that was sent has left, or the deadline; tells which (true: all has left).
  virtual bool Flush(double deadline) = 0;
  /// Says in words what the next Receive cannot do without, for reports of deadlocks; "" when it
  /// only passes the time. Borrowed until the next call.
  virtual void NoteWaitingFor(const char* what) = 0;
};

}  // namespace zhiyin::net
