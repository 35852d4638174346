// A loop over items by all processors.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace zhiyin {

/// Returns make(i) for i in [0, n), by i. Each thread calls begin() once for its own `make`. After
/// a failure no more items are begun; one exception is thrown when all threads have ended.
template <typename Result, typename Begin>
std::vector<Result> InParallel(size_t n, const Begin& begin) {
  std::vector<Result> results(n);
  std::atomic<size_t> next = 0;
  const size_t n_threads =
      std::clamp<size_t>(std::thread::hardware_concurrency(), 1, std::max<size_t>(n, 1));
  std::vector<std::exception_ptr> failures(n_threads);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < n_threads; ++t) {
    threads.emplace_back([&, t] {
      try {
        auto make = begin();
        for (size_t i = next++; i < n; i = next++) results[i] = make(i);
      } catch (...) {
        failures[t] = std::current_exception();
        next = n;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return results;
}

}  // namespace zhiyin
