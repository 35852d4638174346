#include "ps/table/page_maker.h"

#include <sys/mman.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace zhiyin::ps::table {

/// The orders of one PageMaker.
struct PageMaker::Orders {
  std::atomic<int> n_open = 0;  // changed under the thread's mutex
  HugeChunk mapped;             // by the thread, under its mutex
  bool wants_chunk = false;     // ordered and not taken
};

/// The thread of the process. Never destroyed, as tables may be destroyed in any order, static ones
/// last.
class PageMakerThread {
 public:
  static PageMakerThread& Get() {
    static auto* const thread = new PageMakerThread;
    return *thread;
  }

  std::mutex& mutex() { return mutex_; }

  /// Adds an order for `pages`, or, when that is nullptr, for a chunk to be mapped.
  void Add(PageMaker::Orders* orders, std::byte* pages, size_t n_bytes) {
    const std::lock_guard lock(mutex_);
    if (!has_started_) return;
    orders->n_open.fetch_add(1, std::memory_order_relaxed);
    tasks_.push_back({orders, pages, n_bytes});
    has_work_.notify_one();
  }

  /// Removes these orders, and waits for the one that is being served.
  void Cancel(PageMaker::Orders* orders) {
    std::unique_lock lock(mutex_);
    orders->n_open -= static_cast<int>(
        std::erase_if(tasks_, [&](const Task& task) { return task.orders == orders; }));
    is_done_.wait(lock, [&] { return orders->n_open == 0; });
  }

 private:
  struct Task {
    PageMaker::Orders* orders;
    std::byte* pages;
    size_t n_bytes;
  };

  PageMakerThread() {
    try {
      std::thread([this] { Run(); }).detach();
      has_started_ = true;
    } catch (const std::system_error&) {
    }
  }

  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      has_work_.wait(lock, [&] { return !tasks_.empty(); });
      const Task task = tasks_.front();
      tasks_.pop_front();
      lock.unlock();
      HugeChunk chunk = Do(task);
      lock.lock();
      if (task.pages == nullptr) task.orders->mapped = std::move(chunk);
      task.orders->n_open.fetch_sub(1, std::memory_order_release);
      is_done_.notify_all();
    }
  }

  static HugeChunk Do(const Task& task) {
    if (task.pages == nullptr) {
      try {
        return MapHugeChunk(task.n_bytes, 0);
      } catch (const std::bad_alloc&) {
        return nullptr;  // TakeChunk fails when it is needed
      }
    }
    // One page at a time, since meanwhile no thread can map addresses.
    for (size_t at = 0; at < task.n_bytes; at += kHugePage)
      madvise(task.pages + at, kHugePage, MADV_POPULATE_WRITE);
    return nullptr;
  }

  std::mutex mutex_;
  std::condition_variable has_work_;
  std::condition_variable is_done_;
  std::deque<Task> tasks_;
  bool has_started_ = false;
};

PageMaker::PageMaker() : orders_(std::make_unique<Orders>()) {}
PageMaker::PageMaker(PageMaker&&) noexcept = default;

PageMaker::~PageMaker() {
  if (orders_ && IsBusy()) PageMakerThread::Get().Cancel(orders_.get());
}

bool PageMaker::IsBusy() const {
  return orders_->n_open.load(std::memory_order_acquire) > 0;
}

void PageMaker::MakePages(std::byte* pages, size_t n_bytes) {
  PageMakerThread::Get().Add(orders_.get(), pages, n_bytes);
}

void PageMaker::MapAhead(size_t n_bytes) {
  if (std::exchange(orders_->wants_chunk, true)) return;
  PageMakerThread::Get().Add(orders_.get(), nullptr, n_bytes);
}

HugeChunk PageMaker::TakeChunk(size_t n_bytes) {
  if (std::exchange(orders_->wants_chunk, false)) {
    const std::lock_guard lock(PageMakerThread::Get().mutex());
    if (orders_->mapped && orders_->mapped.get_deleter().n_bytes == n_bytes)
      return std::move(orders_->mapped);
  }
  return MapHugeChunk(n_bytes, 0);
}

}  // namespace zhiyin::ps::table
