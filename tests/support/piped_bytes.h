// Bytes that come through a named pipe.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace zhiyin::testing {

/// Makes a named pipe and writes bytes to it, piece by piece, in a thread of its own. The
/// destructor ends the thread, whether somebody has read them or not.
class PipedBytes {
 public:
  /// Between two pieces it waits for some milliseconds.
  PipedBytes(std::string path, std::vector<std::string> pieces);
  PipedBytes(std::string path, std::string bytes)
      : PipedBytes(std::move(path), std::vector<std::string>{std::move(bytes)}) {}
  ~PipedBytes();
  PipedBytes(const PipedBytes&) = delete;
  PipedBytes& operator=(const PipedBytes&) = delete;

  const std::string& path() const { return path_; }

 private:
  void Write() const;

  std::string path_;
  std::vector<std::string> pieces_;
  std::atomic<bool> is_done_ = false;
  std::thread writer_;
};

}  // namespace zhiyin::testing
