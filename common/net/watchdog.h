// A limit on the time of calls into libraries that have no limit of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace zhiyin::net {

/// Calls `on_limit` once, from a thread of its own, when a call has lasted longer than `limit_s`
/// seconds. Time in which the whole process was stopped does not count. Begin and End are called
/// around the watched call, by one thread.
///
///   Watchdog watchdog(limit_s, [](const std::string& what) { ...; _exit(1); });
///   watchdog.Begin("MPI_Init to find the other ranks");
///   MPI_Init(...);
///   watchdog.End();
class Watchdog {
 public:
  /// `on_limit` is called with the text of Begin, in the watchdog's thread.
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
  std::string what_;  // the text of Begin; "": no call is watched
  double lasted_s_ = 0;
  bool closed_ = false;
  std::atomic<double> looked_at_s_;  // steady clock
  std::atomic<double> longest_pause_s_ = 0;
  std::thread thread_;
};

}  // namespace zhiyin::net
