#include "launch/rank/mpirun_guard.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>

namespace zhiyin::launch::rank {
namespace {

using std::chrono::milliseconds;

/// Runs `body` in a process of its own; returns how it ended.
int StatusOf(const std::function<void()>& body) {
  const pid_t process = fork();
  if (process == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(process, &status, 0), process);
  return status;
}

/// Becomes a program of this name that starts a rank, which fails, and waits for ever.
void StartFailingRank(const char* name) {
  prctl(PR_SET_NAME, name);
  if (fork() == 0) {
    EndMpirunAfter(milliseconds(10), milliseconds(10));
    _exit(1);
  }
  for (;;) pause();
}

volatile std::sig_atomic_t n_requests = 0;

TEST(MpirunGuard, EndsAnMpirunThatListens) {
  const int status = StatusOf([] {
    std::signal(SIGTERM, [](int) {
      n_requests = n_requests + 1;
      if (n_requests == 3) _exit(3);
    });
    StartFailingRank("mpirun");
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST(MpirunGuard, KillsAnMpirunThatDoesNotListen) {
  const int status = StatusOf([] {
    std::signal(SIGTERM, SIG_IGN);
    StartFailingRank("orterun");
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(MpirunGuard, LeavesOtherProgramsAlone) {
  const int status = StatusOf([] {
    prctl(PR_SET_NAME, "slurmstepd");
    if (fork() == 0) {
      EndMpirunAfter(milliseconds(0), milliseconds(0));
      const bool has_no_child = waitpid(-1, nullptr, 0) == -1 && errno == ECHILD;
      _exit(has_no_child ? 0 : 1);
    }
    int rank = 0;
    wait(&rank);
    _exit(WEXITSTATUS(rank));
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace zhiyin::launch::rank
