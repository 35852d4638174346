#include "tests/support/piped_bytes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <utility>

namespace zhiyin::testing {

PipedBytes::PipedBytes(std::string path, std::vector<std::string> pieces)
    : path_(std::move(path)), pieces_(std::move(pieces)) {
  unlink(path_.c_str());
  EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0) << path_;
  writer_ = std::thread([this] {
    Write();
    is_done_ = true;
  });
}

PipedBytes::~PipedBytes() {
  // Where nobody reads, the thread waits: then what it writes is read here.
  const int fd = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  std::array<char, 1 << 16> dropped;
  while (!is_done_) {
    if (fd < 0 || read(fd, dropped.data(), dropped.size()) <= 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (fd >= 0) close(fd);
  writer_.join();
}

void PipedBytes::Write() const {
  // A reader that leaves early must not end the process.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  const int fd = open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  for (const std::string& piece : pieces_) {
    if (&piece != &pieces_.front()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    for (size_t n = 0; n < piece.size();) {
      const ssize_t written = write(fd, piece.data() + n, piece.size() - n);
      if (written <= 0) break;
      n += static_cast<size_t>(written);
    }
  }
  close(fd);
}

}  // namespace zhiyin::testing
