// Waking a sleeping rank from another rank of its host.
#pragma once

#include <atomic>
#include <cstdint>

namespace zhiyin::net {

/// A futex word in memory that the processes of a host share; initially zero. One thread, its
/// owner, sleeps on it; any thread of any process may wake the owner. Wake has an effect only
/// between Announce and the end of the sleep.
///
///   wake_up.Announce();                      // owner
///   if (nothing has arrived) wake_up.SleepFor(0.002);
///
///   ... put a message where the owner looks ...
///   wake_up.Wake();                          // any thread
///
/// No wake-up is lost: Announce and Wake both change the word by an atomic exchange, so that either
/// the owner finds the message before it sleeps, or Wake sees the announcement.
class alignas(64) WakeUp {
 public:
  void Announce() { asleep_.exchange(1, std::memory_order_acq_rel); }
  /// Withdraws the announcement, when the owner does not sleep after all.
  void Retract() { asleep_.store(0, std::memory_order_relaxed); }
  /// Sleeps until Wake is called and returns true, at once if it was called since Announce. Returns
  /// false after `seconds`.
  bool SleepFor(double seconds);
  /// Wakes the owner. Costs a system call only while the owner sleeps.
  void Wake();

 private:
  std::atomic<uint32_t> asleep_ = 0;  // 1: announced, and no wake-up since
  static_assert(std::atomic<uint32_t>::is_always_lock_free && sizeof(std::atomic<uint32_t>) == 4);
};

}  // namespace zhiyin::net
