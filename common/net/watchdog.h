// A limit on the time of calls into libraries that have no limit of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace zhiyin::net {

/// Calls `on_limit` once, from a thread of its own, when a call that was begun has not ended within
/// `limit_s`. Time in which the whole process was stopped does not count, and is measured. Begin
/// and End are for one thread.
///
///   Watchdog watchdog(limit_s, [](const std::string& what) { ...; _exit(1); });
///   watchdog.Begin("MPI_Init to find the other ranks");
///   MPI_Init(...);
///   watchdog.End();
class Watchdog {
 public:
  /// `on_limit` is called in the watchdog's thread, with what was begun.
  Watchdog(double limit_s, std::function<void(const std::string& what)> on_limit);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void Begin(std::string what);
  void End();
  /// The longest time for which this process did not run, because it was stopped (SIGSTOP). May be
  /// called in a signal handler.
  double LongestPause() const;

 private:
  void Watch();

  double limit_s_;
  std::function<void(const std::string&)> on_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string what_;  // "": nothing has been begun
  double lasted_s_ = 0;
  bool closed_ = false;
  std::atomic<double> looked_at_s_;  // steady clock
  std::atomic<double> longest_pause_s_ = 0;
  std::thread thread_;
};

}  // namespace zhiyin::net
