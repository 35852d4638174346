// The interface of a rank to the network, over MPI (mpi/mpi_endpoint.h) or simulated
// (sim_network.h).
#pragma once

#include <optional>
#include <string>

#include "common/net/frame.h"

namespace zhiyin::net {

/// Sends and receives the frames of one rank. Used by the rank's own thread only. Every frame
/// arrives exactly once. Frames from one rank to another arrive in the order in which they were
/// sent; frames of different senders or to different receivers arrive in any order.
///
///   endpoint.Send(3, Frame(FrameKind::kPull, id, step, n_bytes));
///   std::optional<Frame> frame = endpoint.Receive(endpoint.Now() + 10);
class Endpoint {
 public:
  virtual ~Endpoint() = default;

  virtual int rank() const = 0;
  virtual int n_ranks() const = 0;
  /// The name of the host that this rank runs on, for messages to the user.
  virtual std::string host() const = 0;
  /// The time in seconds on a clock that never goes back; its zero is arbitrary.
  virtual double Now() const = 0;
  /// Whether this is a simulation, where time passes only while all ranks wait.
  virtual bool TimeIsVirtual() const = 0;

  /// Takes the frame and sends it; never blocks. REQUIRES: `to` is another rank.
  virtual void Send(int to, Frame frame) = 0;
  /// Returns the next frame that has arrived, or nothing. Never blocks. Advances transfers in
  /// progress. Throws Error on bytes that are not a frame.
  virtual std::optional<Frame> Poll() = 0;
  /// Waits for the next frame and returns it, or nothing once Now() reaches `deadline`. Throws as
  /// Poll does.
  virtual std::optional<Frame> Receive(double deadline) = 0;
  /// Waits until all frames passed to Send have left this rank. Returns false if Now() reaches
  /// `deadline` first.
  virtual bool Flush(double deadline) = 0;
  /// Sets the name of what the next calls of Receive wait for, which reports of deadlocks print; ""
  /// for a rank that waits for no message in particular. Borrows the text until the next call.
  virtual void NoteWaitingFor(const char* what) = 0;
};

}  // namespace zhiyin::net
