// A loop over items on all processors.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

#include "common/processors.h"

namespace zhiyin {

/// Returns the results of make(i) for i in [0, n), in order of i. Each thread calls begin() once,
/// which returns its own function `make`. After an exception no more items are begun; one of the
/// exceptions is thrown when all threads have ended. Where the system allows fewer threads, there
/// are fewer; without any, the caller makes all.
template <typename Result, typename Begin>
std::vector<Result> InParallel(size_t n, const Begin& begin) {
  std::vector<Result> results(n);
  std::atomic<size_t> next = 0;
  const size_t n_threads = std::min(static_cast<size_t>(NumProcessors()), std::max<size_t>(n, 1));
  std::vector<std::exception_ptr> failures(n_threads);
  const auto run = [&](size_t t) {
    try {
      auto make = begin();
      for (size_t i = next++; i < n; i = next++) results[i] = make(i);
    } catch (...) {
      failures[t] = std::current_exception();
      next = n;
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(n_threads);
  try {
    for (size_t t = 0; t < n_threads; ++t) threads.emplace_back(run, t);
  } catch (const std::exception&) {
    // The system allows no more: those that have started do all.
    if (threads.empty()) run(0);
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return results;
}

}  // namespace zhiyin
