#include "common/net/watchdog.h"

#include <algorithm>
#include <chrono>

namespace zhiyin::net {
namespace {

constexpr double kTickS = 0.1;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Watchdog::Watchdog(double limit_s, std::function<void(const std::string&)> on_limit)
    : limit_s_(limit_s),
      on_limit_(std::move(on_limit)),
      looked_at_s_(Now()),
      thread_([this] { Watch(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Watchdog::Begin(std::string what) {
  const std::lock_guard lock(mutex_);
  what_ = std::move(what);
  lasted_s_ = 0;
}

void Watchdog::End() {
  Begin("");
}

double Watchdog::LongestPause() const {
  return std::max(longest_pause_s_.load(), Now() - looked_at_s_.load() - kTickS);
}

void Watchdog::Watch() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, std::chrono::duration<double>(kTickS), [&] { return closed_; })) {
    const double now_s = Now();
    const double since_s = now_s - looked_at_s_;
    longest_pause_s_ = std::max(longest_pause_s_.load(), since_s - kTickS);
    looked_at_s_ = now_s;
    lasted_s_ += std::min(since_s, 2 * kTickS);
    if (what_.empty() || lasted_s_ < limit_s_) continue;
    const std::string what = std::move(what_);
    what_.clear();
    lock.unlock();
    on_limit_(what);
    lock.lock();
  }
}

}  // namespace zhiyin::net
