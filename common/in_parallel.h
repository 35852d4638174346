// A loop over items on all processors.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace zhiyin {

/// Returns the results of make(i) for i in [0, n), in order of i. Each thread calls begin() once,
/// which returns its own function `make`. After an exception no more items are begun; one of the
/// exceptions is thrown when all threads have ended.
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
