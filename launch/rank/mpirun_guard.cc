#include "launch/rank/mpirun_guard.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <fstream>
#include <string>

// glibc 2.36 does not say itself that these are functions of C.
extern "C" {
#include <sys/pidfd.h>
}

namespace zhiyin::launch::rank {
namespace {

/// Whether the process runs Open MPI's mpirun, under any of its names.
bool IsMpirun(pid_t process) {
  static constexpr std::array kNames = {"mpirun", "mpiexec", "orterun", "prterun"};
  std::ifstream file("/proc/" + std::to_string(process) + "/comm");
  std::string name;
  std::getline(file, name);
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Whether the process ends within the time.
bool EndsWithin(int process_fd, std::chrono::milliseconds time) {
  pollfd end = {process_fd, POLLIN, 0};
  return poll(&end, 1, static_cast<int>(time.count())) == 1;
}

/// Runs in the process that is left behind: only calls that are safe after a fork.
[[noreturn]] void Guard(int mpirun, std::chrono::milliseconds patience,
                        std::chrono::milliseconds interval) {
  constexpr int kMaxRequests = 5;
  setsid();  // mpirun signals the group of each rank
  // mpirun waits for the ends of the pipes that this process has inherited.
  close_range(0, static_cast<unsigned>(mpirun) - 1, 0);
  close_range(static_cast<unsigned>(mpirun) + 1, UINT_MAX, 0);
  bool ended = EndsWithin(mpirun, patience);
  for (int i = 0; i < kMaxRequests && !ended; ++i) {
    pidfd_send_signal(mpirun, SIGTERM, nullptr, 0);
    ended = EndsWithin(mpirun, interval);
  }
  if (!ended) pidfd_send_signal(mpirun, SIGKILL, nullptr, 0);
  _exit(0);
}

}  // namespace

void EndMpirunAfter(std::chrono::milliseconds patience, std::chrono::milliseconds interval) {
  const pid_t parent = getppid();
  const int mpirun = pidfd_open(parent, 0);
  if (mpirun < 0) return;
  // Asked for after pidfd_open: the number stands for the process that was opened.
  if (getppid() == parent && IsMpirun(parent) && fork() == 0) Guard(mpirun, patience, interval);
  close(mpirun);
}

}  // namespace zhiyin::launch::rank
