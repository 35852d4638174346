// How long work says that it makes progress.
#pragma once

#include <cstdint>
#include <functional>

namespace zhiyin {

/// A function that long work calls after each small piece of it: a few thousand lines or rows, a
/// block, a file. A call says that something was done since the call before; a rank takes it for a
/// sign of life (net::Mailbox::SendHeartbeat), so work that hangs must not call it. Called in the
/// thread that does the work; costs little; may throw, which ends the work.
using Tick = std::function<void()>;

/// Calls a tick once in `kPieces` pieces of work that are too small for a call each. Borrows the
/// tick, which outlives it. Used by one thread.
class PieceTick {
 public:
  static constexpr int64_t kPieces = 4096;

  explicit PieceTick(const Tick& tick) : tick_(tick) {}
  void operator()() {
    if (++n_pieces_ % kPieces == 0) tick_();
  }

 private:
  const Tick& tick_;
  int64_t n_pieces_ = 0;
};

}  // namespace zhiyin
