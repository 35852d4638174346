// Serves a model over HTTP.
//
//   POST /v1/score       ServedModel::Score
//   POST /v1/recommend   ServedModel::Recommend
//   GET  /healthz        {"status": "ok", "model": its folder, "step": of its training}
//   GET  /metrics        Prometheus text
//
// What cannot be answered is {"error": text} with a status of 4xx, or 503 where too much is asked
// at a time.
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
  int n_connections = 128;      // that are answered at a time; others wait
  double timeout_s = 5;         // longest silence in the middle of a request
  int64_t max_bytes = 1 << 20;  // of a request's body
  std::string token;            // "": everybody may ask
};

class HttpService {
 public:
  struct Served {
    std::shared_ptr<const ServedModel> model;
    std::string folder;
    int64_t step = 0;
  };

  /// Listens and answers from threads of its own until it is destroyed, when requests that are
  /// under way get their answer. Throws Error where the address is not to be had.
  HttpService(const HttpOptions& options, Served served);
  ~HttpService();
  HttpService(const HttpService&) = delete;
  HttpService& operator=(const HttpService&) = delete;

  int port() const { return port_; }
  /// Requests from now on; those under way keep theirs.
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
