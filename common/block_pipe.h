// Blocks of bytes from one thread to another, a few at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace zhiyin {

/// One thread takes empty blocks and gives them filled, the other takes them and gives them back.
/// Either may end it.
class BlockPipe {
 public:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  struct Block {
    std::unique_ptr<std::byte[], Free> bytes;  // at a page's border
    size_t n = 0;                              // that are used
  };

  /// REQUIRES: block_bytes is a multiple of a page's.
  BlockPipe(size_t n_blocks, size_t block_bytes) {
    constexpr size_t kPage = 4096;
    for (size_t i = 0; i < n_blocks; ++i) {
      auto* bytes = static_cast<std::byte*>(std::aligned_alloc(kPage, block_bytes));
      if (bytes == nullptr) throw std::bad_alloc();
      empty_.push_back({std::unique_ptr<std::byte[], Free>(bytes), 0});
    }
  }

  // The thread that fills.

  /// Waits for one. Nothing: the other thread has ended; throws what it ended with, if anything.
  std::optional<Block> TakeEmpty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !empty_.empty() || is_over_; });
    if (is_over_) {
      if (failure_) std::rethrow_exception(failure_);
      return {};
    }
    Block block = std::move(empty_.back());
    empty_.pop_back();
    return block;
  }
  bool HasEmpty() {
    std::lock_guard lock(mutex_);
    return !empty_.empty() || is_over_;
  }
  void Give(Block block) {
    std::lock_guard lock(mutex_);
    filled_.push_back(std::move(block));
    changed_.notify_all();
  }

  // The thread that takes.

  /// Waits for one, in order. Nothing: there are no more; throws what the other thread ended with,
  /// once all that it gave are taken.
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
  void GiveBack(Block block) {
    std::lock_guard lock(mutex_);
    empty_.push_back(std::move(block));
    changed_.notify_all();
  }

  // Either.

  /// Throws what the other thread ended with, if anything.
  void Check() {
    std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
  }
  /// The other thread gets what is there, and then nothing.
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
