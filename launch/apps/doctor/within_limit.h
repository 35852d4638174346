// A time limit for work that may hang in a system call, as on a network file system whose server is
// gone.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>

namespace zhiyin::launch::apps {

/// Runs `work` in a thread. Returns its result, or nothing after `limit_s` seconds; then the thread
/// goes on, detached. REQUIRES: `work` owns all data that it uses, does not throw, and uses no
/// endpoint.
template <typename Result>
std::optional<Result> WithinLimit(double limit_s, std::function<Result()> work) {
  auto task = std::make_shared<std::packaged_task<Result()>>(std::move(work));
  std::future<Result> result = task->get_future();
  std::thread([task] { (*task)(); }).detach();
  if (result.wait_for(std::chrono::duration<double>(limit_s)) != std::future_status::ready)
    return std::nullopt;
  return result.get();
}

}  // namespace zhiyin::launch::apps
