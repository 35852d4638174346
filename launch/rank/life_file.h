// The signs of life of a job, for the process that supervises it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace zhiyin::launch::rank {

/// A file in which rank 0 shows that the job lives. Rank 0 watches all other ranks (net::Mailbox),
/// so its signs of life stand for those of the job. The file holds a line with the host, the
/// process and a number, which a thread of this object raises every `show_every` if Note was
/// called since. It is never read here; zhiyin supervise ends a job whose line stands still.
///
/// A file that cannot be written is logged once and then left alone: the job is not to fail by it.
class LifeFile {
 public:
  /// Replaces the content of the file by the first sign.
  explicit LifeFile(const std::string& path,
                    std::chrono::milliseconds show_every = std::chrono::seconds(1));
  ~LifeFile();
  LifeFile(const LifeFile&) = delete;
  LifeFile& operator=(const LifeFile&) = delete;

  /// Notes a sign of life. May be called by any thread, often; touches no file.
  void Note() { n_noted_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void Run();
  void Write(uint64_t number);

  std::string path_;
  std::chrono::milliseconds show_every_;
  int file_ = -1;
  bool has_failed_ = false;
  std::atomic<uint64_t> n_noted_ = 0;
  std::mutex mutex_;  // guards closed_
  std::condition_variable changed_;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace zhiyin::launch::rank
