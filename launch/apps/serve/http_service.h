// Answers requests for predictions and recommendations over HTTP.
//
//   POST /v1/score       ServedModel::Score
//   POST /v1/recommend   ServedModel::Recommend
//   GET  /healthz        {"status": "ok", "model": FOLDER, "step": STEP}
//   GET  /metrics        Prometheus text
//
// The answer to a request that fails is {"error": text}, with status 4xx, or 503 when there are too
// many requests at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "launch/apps/serve/served_model.h"

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace zhiyin::launch::apps {

struct HttpOptions {
  std::string host = "127.0.0.1";
  int port = 0;                 // 0: any that is free
  int n_connections = 128;      // the most that are answered at a time; others wait
  double timeout_s = 5;         // longest silence in the middle of a request
  int64_t max_bytes = 1 << 20;  // the longest body of a request
  std::string token;            // that clients must send; "": none
};

/// An HTTP server with threads of its own. Public functions may be called by any thread.
class HttpService {
 public:
  /// A model to serve, its folder, and the step of its training.
  struct Served {
    std::shared_ptr<const ServedModel> model;
    std::string folder;
    int64_t step = 0;
  };

  /// Begins to listen and answer. Throws Error when it cannot listen on the address.
  HttpService(const HttpOptions& options, Served served);
  /// Stops listening; waits until requests that have begun are answered.
  ~HttpService();
  HttpService(const HttpService&) = delete;
  HttpService& operator=(const HttpService&) = delete;

  int port() const { return port_; }
  /// Replaces the model for new requests. Requests that have begun keep the old one.
  void Replace(Served served);
  void CountFailedReload() { ++n_failed_reloads_; }

 private:
  enum Path { kScore, kRecommend, kOther, kPaths };
  static constexpr std::array<double, 8> kLatencies = {0.001, 0.0025, 0.005, 0.01,
                                                       0.025, 0.1,    0.5,   2.5};  // seconds

  Served served() const;
  void Answer(Path path, const httplib::Request& request, httplib::Response* response);
  bool IsAllowed(const httplib::Request& request) const;
  std::string Metrics() const;

  HttpOptions options_;
  mutable std::mutex mutex_;
  Served served_;
  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  std::atomic<int64_t> n_reloads_ = 0;
  std::atomic<int64_t> n_failed_reloads_ = 0;
  std::array<std::array<std::atomic<int64_t>, 6>, kPaths> n_answers_ =
      {};  // [path][first digit of the status]
  std::array<std::array<std::atomic<int64_t>, kLatencies.size() + 1>, kPaths> n_within_ =
      {};  // [path][latency, the last: longer]
  std::array<std::atomic<int64_t>, kPaths> total_us_ = {};
  std::thread thread_;
};

}  // namespace zhiyin::launch::apps
