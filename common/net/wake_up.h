// Waking a sleeping rank from another rank of its host.
#pragma once

#include <atomic>
#include <cstdint>

namespace zhiyin::net {

/// A futex word in memory that processes of a host share, all zeros at first. One thread, its
/// owner, sleeps on it; any thread of any process may wake it. A wake-up counts for a sleep that
/// was announced before it, and for no other.
///
///   wake_up.Announce();                      // owner
///   if (nothing has arrived) wake_up.SleepFor(0.002);
///
///   ... leave something where the owner will look ...
///   wake_up.Wake();                          // any thread
///
/// The owner finds what was left before it sleeps, or is woken: both sides change the word in one
/// operation, so that one of them sees the other's.
class alignas(64) WakeUp {
 public:
  void Announce() { asleep_.exchange(1, std::memory_order_acq_rel); }
  /// Takes the announcement back: the owner does not sleep after all.
  void Retract() { asleep_.store(0, std::memory_order_relaxed); }
  /// Sleeps until a wake-up, which returns true (at once if one came since Announce), or for so
  /// long, which returns false.
  bool SleepFor(double seconds);
  /// Wakes the owner. Costs a system call only while the owner sleeps.
  void Wake();

 private:
  std::atomic<uint32_t> asleep_ = 0;  // 1: announced, and no wake-up since
  static_assert(std::atomic<uint32_t>::is_always_lock_free && sizeof(std::atomic<uint32_t>) == 4);
};

}  // namespace zhiyin::net
