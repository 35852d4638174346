// sim_seeds: whole small jobs, as many as there is time for.
//
//   build/release/sim_seeds --seeds=20000             # seeds 1 to 20000, on all cores
//   build/release/sim_seeds --first=4711 --seeds=1    # one that failed, again
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include "common/processors.h"
#include "tests/sim/drawn_job.h"

DEFINE_uint64(first, 1, "The first seed");
DEFINE_uint64(seeds, 2000, "How many");
DEFINE_uint32(threads, static_cast<uint32_t>(zhiyin::NumProcessors()), "Jobs at a time");

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel =
      google::GLOG_ERROR;  // refused gradients and broken lines are part of the jobs
  google::InitGoogleLogging(argv[0]);
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  const auto began = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  zhiyin::testing::Checker checker;
  std::atomic<uint64_t> next = FLAGS_first;
  std::atomic<uint64_t> n_done = 0;
  std::atomic<uint64_t> n_failed = 0;
  std::mutex printing;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < std::max(1u, FLAGS_threads); ++t) {
    threads.emplace_back([&] {
      for (uint64_t seed = next++; seed < FLAGS_first + FLAGS_seeds; seed = next++) {
        const std::string complaint = checker.Check(seed);
        if (!complaint.empty()) ++n_failed;
        const std::lock_guard lock(printing);
        if (!complaint.empty()) std::printf("%s\n", complaint.c_str());
        if (++n_done % 1000 == 0)
          std::printf("%llu seeds in %.0f s\n", static_cast<unsigned long long>(n_done), seconds());
        std::fflush(stdout);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%llu of %llu seeds failed, %.1f s\n", static_cast<unsigned long long>(n_failed),
              static_cast<unsigned long long>(n_done), seconds());
  return n_failed == 0 ? 0 : 1;
}
