#include "launch/apps/serve/answer_threads.h"

#include <system_error>
#include <utility>

#include "common/error.h"

namespace zhiyin::launch::apps {

void FailWithoutThread(const std::exception& why) {
  Fail("serve: no thread can be started: ", why.what(),
       ": expected room for two, see the limits of processes and of memory (ulimit -u, ulimit -v)");
}

AnswerThreads::AnswerThreads(int n_threads, std::function<HttpAnswer(const Task&)> answer,
                             std::function<void()> wake)
    : answer_(std::move(answer)), wake_(std::move(wake)) {
  threads_.reserve(static_cast<size_t>(n_threads));
  for (int i = 0; i < n_threads; ++i) {
    try {
      threads_.emplace_back([this] { Run(); });
    } catch (const std::system_error& e) {
      if (i == 0) FailWithoutThread(e);
      break;
    }
  }
}

AnswerThreads::~AnswerThreads() {
  {
    std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void AnswerThreads::Add(Task task) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

std::list<AnswerThreads::Task> AnswerThreads::TakeDone() {
  std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void AnswerThreads::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_over_ || !tasks_.empty(); });
    if (is_over_) return;
    std::list<Task> own;
    own.splice(own.begin(), tasks_, tasks_.begin());
    lock.unlock();
    own.front().answer = answer_(own.front());
    own.front().request = {};
    lock.lock();
    done_.splice(done_.end(), own);
    wake_();
  }
}

}  // namespace zhiyin::launch::apps
