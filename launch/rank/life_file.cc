#include "launch/rank/life_file.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "launch/rank/launcher.h"

namespace zhiyin::launch::rank {

LifeFile::LifeFile(const std::string& path, std::chrono::milliseconds show_every)
    : path_(path),
      show_every_(show_every),
      file_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (file_ < 0) {
    LOG(WARNING) << path << ": cannot be written: " << std::strerror(errno)
                 << ": the supervisor sees no sign of life";
    return;
  }
  Write(0);
  thread_ = std::thread([this] { Run(); });
}

LifeFile::~LifeFile() {
  if (file_ < 0) return;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  thread_.join();
  close(file_);
}

void LifeFile::Run() {
  uint64_t n_shown = 0;
  uint64_t number = 0;
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, show_every_, [&] { return closed_; })) {
    const uint64_t n_noted = n_noted_.load(std::memory_order_relaxed);
    if (n_noted == n_shown) continue;
    n_shown = n_noted;
    lock.unlock();
    Write(++number);
    lock.lock();
  }
}

void LifeFile::Write(uint64_t number) {
  // One length for all numbers, so that a line is overwritten in place: no room is needed on a full
  // disk.
  std::string digits = std::to_string(number);
  digits.insert(0, 20 - digits.size(), '0');
  const std::string line =
      "process " + std::to_string(getpid()) + " on " + HostName() + ", sign " + digits + "\n";
  if (pwrite(file_, line.data(), line.size(), 0) < 0 && !std::exchange(has_failed_, true))
    LOG(WARNING) << path_ << ": cannot be written: " << std::strerror(errno);
  // On a shared file system, other hosts see what has been sent there: by itself, this host would
  // keep it for half a minute. A hint, which some file systems do not know.
  sync_file_range(file_, 0, 0, SYNC_FILE_RANGE_WRITE);
}

}  // namespace zhiyin::launch::rank
