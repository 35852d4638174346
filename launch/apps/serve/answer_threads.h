// The threads that answer requests.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "launch/apps/serve/request_parser.h"

namespace zhiyin::launch::apps {

struct HttpAnswer {
  int status = 200;
  std::string body;
  const char* content_type = "application/json";  // static
};

/// A bounded number of threads that answer requests in the order of their arrival. The public
/// functions are called by one thread, that of the server.
class AnswerThreads {
 public:
  /// A request, the connection that it came over, when it was whole, in seconds, and its answer.
  struct Task {
    uint64_t connection = 0;
    HttpRequest request;
    double since = 0;
    HttpAnswer answer;
  };

  /// Starts `n_threads`, or as many as the system allows. Each calls `answer`, which throws
  /// nothing, and then `wake`. Throws Error when no thread can be started.
  AnswerThreads(int n_threads, std::function<HttpAnswer(const Task&)> answer,
                std::function<void()> wake);
  /// Waits for the answers that have begun, and drops the other tasks.
  ~AnswerThreads();
  AnswerThreads(const AnswerThreads&) = delete;
  AnswerThreads& operator=(const AnswerThreads&) = delete;

  int n_threads() const { return static_cast<int>(threads_.size()); }
  void Add(Task task);
  /// Returns the tasks that were answered since the last call.
  std::list<Task> TakeDone();

 private:
  void Run();

  std::function<HttpAnswer(const Task&)> answer_;
  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_over_ = false;
  // Lists, so that a thread that has an answer needs no memory to hand it over.
  std::list<Task> tasks_;
  std::list<Task> done_;
  std::vector<std::thread> threads_;
};

/// Throws Error: no thread can be started, why, and what to do.
[[noreturn]] void FailWithoutThread(const std::exception& why);

}  // namespace zhiyin::launch::apps
