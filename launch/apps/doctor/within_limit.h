// A step that may hang in the system: a network file system whose server is gone lets a call wait
// for ever.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>

namespace zhiyin::launch::apps {

/// What `work` returns, or nothing after `limit_s`: then its thread is left to itself, so `work`
/// owns all that it touches. It throws nothing and touches no endpoint.
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
