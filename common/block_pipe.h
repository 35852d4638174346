// A bounded queue of blocks of bytes between two threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace zhiyin {

/// A fixed number of blocks that circulate: the filling thread takes empty blocks and gives them
/// filled; the taking thread takes filled blocks and gives them back. Either thread may end the
/// pipe.
class BlockPipe {
 public:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  struct Block {
    std::unique_ptr<std::byte[], Free> bytes;  // aligned to a page
    size_t n = 0;                              // bytes in use
  };

  /// REQUIRES: block_bytes is a multiple of the page size.
  BlockPipe(size_t n_blocks, size_t block_bytes) {
    constexpr size_t kPage = 4096;
    for (size_t i = 0; i < n_blocks; ++i) {
      auto* bytes = static_cast<std::byte*>(std::aligned_alloc(kPage, block_bytes));
      if (bytes == nullptr) throw std::bad_alloc();
      empty_.push_back({std::unique_ptr<std::byte[], Free>(bytes), 0});
    }
  }

  // For the filling thread.

  /// Waits for an empty block; calls `on_wait` about ten times a second meanwhile. Returns nothing
  /// when the pipe has ended; throws the failure that it ended with, if any, or what `on_wait`
  /// does.
  std::optional<Block> TakeEmpty(const std::function<void()>& on_wait = [] {}) {
    constexpr std::chrono::milliseconds kSayEvery{100};
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kSayEvery, [&] { return !empty_.empty() || is_over_; })) {
      lock.unlock();
      on_wait();
      lock.lock();
    }
    if (is_over_) {
      if (failure_) std::rethrow_exception(failure_);
      return {};
    }
    Block block = std::move(empty_.back());
    empty_.pop_back();
    return block;
  }
  /// Whether TakeEmpty would return at once.
  bool HasEmpty() {
    std::lock_guard lock(mutex_);
    return !empty_.empty() || is_over_;
  }
  /// Passes a filled block on.
  void Give(Block block) {
    std::lock_guard lock(mutex_);
    filled_.push_back(std::move(block));
    changed_.notify_all();
  }

  // For the taking thread.

  /// Waits for the next filled block. When the pipe has ended and all blocks are taken, returns
  /// nothing, or throws the failure that it ended with.
  std::optional<Block> TakeFilled() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !filled_.empty() || is_over_; });
    if (filled_.empty()) {
      if (failure_) std::rethrow_exception(failure_);
      return {};
    }
    Block block = std::move(filled_.front());
    filled_.pop_front();
    return block;
  }
  /// Returns a block to the filling thread.
  void GiveBack(Block block) {
    std::lock_guard lock(mutex_);
    empty_.push_back(std::move(block));
    changed_.notify_all();
  }

  // For either thread.

  /// Throws the failure that the pipe ended with, if any.
  void Check() {
    std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
  }
  /// Ends the pipe. The taking thread still receives the blocks that are filled.
  void End(std::exception_ptr failure = nullptr) {
    std::lock_guard lock(mutex_);
    is_over_ = true;
    if (failure) failure_ = std::move(failure);
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Block> empty_;
  std::deque<Block> filled_;
  bool is_over_ = false;
  std::exception_ptr failure_;
};

}  // namespace zhiyin
