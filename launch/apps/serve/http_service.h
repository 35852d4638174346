// Answers requests for predictions and recommendations over HTTP.
//
//   POST /v1/score       ServedModel::Score
//   POST /v1/recommend   ServedModel::Recommend
//   GET  /healthz        {"status": "ok", "model": FOLDER, "step": STEP}
//   GET  /metrics        Prometheus text
//
// The answer to a request that fails is {"error": text}, with status 4xx, or 503 when there are too
// many requests at a time. A request without the token is refused before its body is read.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "launch/apps/serve/http_server.h"
#include "launch/apps/serve/served_model.h"

namespace zhiyin::launch::apps {

struct HttpOptions {
  std::string host = "127.0.0.1";
  int port = 0;  // 0: any that is free
  HttpLimits limits;
  int n_threads = 1;  // that answer requests, if the system allows so many
  std::string token;  // that clients must send; "": none
};

/// An HTTP server with threads of its own. Public functions may be called by any thread.
class HttpService : private HttpHandler {
 public:
  /// A model to serve, its folder, and the step of its training.
  struct Served {
    std::shared_ptr<const ServedModel> model;
    std::string folder;
    int64_t step = 0;
  };

  /// Begins to listen and answer. Throws Error as HttpServer does.
  HttpService(const HttpOptions& options, Served served);
  /// Stops as HttpServer does.
  ~HttpService() override;
  HttpService(const HttpService&) = delete;
  HttpService& operator=(const HttpService&) = delete;

  int port() const { return server_->port(); }
  int n_threads() const { return server_->n_threads(); }
  /// Replaces the model for new requests. Requests that have begun keep the old one.
  void Replace(Served served);
  void CountFailedReload() { ++n_failed_reloads_; }

 private:
  enum Path { kScore, kRecommend, kOther, kPaths };
  static constexpr std::array<double, 8> kLatencies = {0.001, 0.0025, 0.005, 0.01,
                                                       0.025, 0.1,    0.5,   2.5};  // seconds

  static Path PathOf(const HttpRequest& request);
  std::optional<HttpAnswer> AnswerAtOnce(const HttpRequest& head,
                                         const HttpCounts& counts) override;
  HttpAnswer Answer(const HttpRequest& request) override;
  HttpAnswer Refuse(const HttpRequest& request, int status, const std::string& what) override;
  /// The answer, counted.
  HttpAnswer Counted(const HttpRequest& request, HttpAnswer answer);

  Served served() const;
  bool IsAllowed(const HttpRequest& request) const;
  std::string Metrics(const HttpCounts& counts) const;

  HttpOptions options_;
  mutable std::mutex mutex_;
  Served served_;
  std::atomic<int64_t> n_reloads_ = 0;
  std::atomic<int64_t> n_failed_reloads_ = 0;
  std::array<std::array<std::atomic<int64_t>, 6>, kPaths> n_answers_ =
      {};  // [path][first digit of the status]
  std::array<std::array<std::atomic<int64_t>, kLatencies.size() + 1>, kPaths> n_within_ =
      {};  // [path][latency, the last: longer]
  std::array<std::atomic<int64_t>, kPaths> total_us_ = {};
  std::unique_ptr<HttpServer> server_;  // ends first
};

}  // namespace zhiyin::launch::apps
