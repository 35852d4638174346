#include "launch/apps/serve/http_service.h"

#include <httplib.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "common/text.h"

namespace zhiyin::launch::apps {
namespace {

constexpr const char* kJson = "application/json";
constexpr std::array<const char*, 3> kPathNames = {"score", "recommend", "other"};

/// Names in a model's data may be any bytes.
std::string Dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void SetError(int status, const std::string& what, httplib::Response* response) {
  response->status = status;
  response->set_content(Dump({{"error", what}}), kJson);
}

/// Takes as long whatever differs.
bool AreSame(const std::string& a, const std::string& b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^
                  static_cast<unsigned char>(b[b.empty() ? 0 : i % b.size()]);
  return difference == 0;
}

}  // namespace

HttpService::HttpService(const HttpOptions& options, Served served)
    : options_(options), served_(std::move(served)), server_(std::make_unique<httplib::Server>()) {
  httplib::Server& server = *server_;
  const auto timeout = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::duration<double>(options.timeout_s));
  server.set_read_timeout(timeout);
  server.set_write_timeout(timeout);
  server.set_keep_alive_timeout(std::max<time_t>(1, static_cast<time_t>(options.timeout_s)));
  server.set_keep_alive_max_count(1'000'000);
  server.set_payload_max_length(static_cast<size_t>(options.max_bytes));
  server.set_tcp_nodelay(true);
  // Not SO_REUSEPORT: of two servers on one port each would get some of the requests.
  socket_t listening = INVALID_SOCKET;
  server.set_socket_options([&](socket_t socket) {
    listening = socket;
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server.new_task_queue = [n = options.n_connections] {
    return new httplib::ThreadPool(static_cast<size_t>(n));
  };
  // The library would unpack a small body into one of any size.
  server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    if (!request.has_header("Content-Encoding")) return httplib::Server::HandlerResponse::Unhandled;
    response.set_header("Connection", "close");  // its body is not read
    SetError(415, "Content-Encoding: expected a body as it is", &response);
    return httplib::Server::HandlerResponse::Handled;
  });
  server.Post("/v1/score", [this](const httplib::Request& request, httplib::Response& response) {
    Answer(kScore, request, &response);
  });
  server.Post("/v1/recommend",
              [this](const httplib::Request& request, httplib::Response& response) {
                Answer(kRecommend, request, &response);
              });
  server.Get("/healthz", [this](const httplib::Request&, httplib::Response& response) {
    const Served now = this->served();
    response.set_content(Dump({{"status", "ok"}, {"model", now.folder}, {"step", now.step}}),
                         kJson);
  });
  server.Get("/metrics", [this](const httplib::Request& request, httplib::Response& response) {
    if (!IsAllowed(request))
      return SetError(401, "expected the header Authorization: Bearer with the server's token",
                      &response);
    response.set_content(Metrics(), "text/plain; version=0.0.4");
  });
  // Requests that none of the above has answered, and malformed ones.
  server.set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (response.body.empty()) {
      const std::string what =
          response.status == 404
              ? "no " + request.method + " " + Shortened(OneLine(request.path), 100) + " here"
          : response.status == 413 ? "more than " + std::to_string(options_.max_bytes) + " bytes"
                                   : "status " + std::to_string(response.status);
      SetError(response.status, what, &response);
    }
    const Path path = request.path == "/v1/score"       ? kScore
                      : request.path == "/v1/recommend" ? kRecommend
                                                        : kOther;
    ++n_answers_[path][static_cast<size_t>(response.status / 100)];
  });
  server.set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
        SetError(500, "the server failed to answer", &response);
      });
  if (options.port == 0) {
    port_ = server.bind_to_any_port(options.host);
  } else {
    port_ = server.bind_to_port(options.host, options.port) ? options.port : -1;
  }
  server.set_socket_options([](socket_t) {});
  if (port_ < 0)
    Fail("--listen=", options.host, ":", options.port,
         ": cannot listen there: the port is taken, or the address is none of this host");
  // The library lets five wait to be accepted: of many that come at once some would be lost.
  constexpr int kBacklog = 1024;
  listen(listening, kBacklog);
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  // Only what listens can be stopped.
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

HttpService::~HttpService() {
  server_->stop();
  thread_.join();
}

void HttpService::Replace(Served served) {
  std::lock_guard lock(mutex_);
  served_ = std::move(served);
  ++n_reloads_;
}

HttpService::Served HttpService::served() const {
  std::lock_guard lock(mutex_);
  return served_;
}

bool HttpService::IsAllowed(const httplib::Request& request) const {
  return options_.token.empty() ||
         AreSame(request.get_header_value("Authorization"), "Bearer " + options_.token);
}

void HttpService::Answer(Path path, const httplib::Request& request, httplib::Response* response) {
  const auto began = std::chrono::steady_clock::now();
  try {
    if (!IsAllowed(request))
      throw RequestError(401, "expected the header Authorization: Bearer with the server's token");
    nlohmann::json asked;
    try {
      asked = nlohmann::json::parse(request.body);
    } catch (const nlohmann::json::exception& e) {
      throw RequestError(400, "the body is no JSON: " + Shortened(OneLine(e.what()), 200));
    }
    const Served now = served();
    response->set_content(
        Dump(path == kScore ? now.model->Score(asked) : now.model->Recommend(asked)), kJson);
    response->status = 200;
  } catch (const RequestError& e) {
    SetError(e.status(), e.what(), response);
  } catch (const std::exception&) {
    // The text of the exception may reveal more than concerns the client.
    SetError(500, "the server failed to answer", response);
  }
  const auto took = std::chrono::steady_clock::now() - began;
  const double seconds = std::chrono::duration<double>(took).count();
  size_t bin = 0;
  while (bin < kLatencies.size() && seconds > kLatencies[bin]) ++bin;
  ++n_within_[path][bin];
  total_us_[path] += std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  // The handler of errors counts the others.
  if (response->status < 400) ++n_answers_[path][static_cast<size_t>(response->status / 100)];
}

std::string HttpService::Metrics() const {
  const Served now = served();
  std::string text =
      "# HELP zhiyin_answers_total Answers, by the first digit of their status.\n# TYPE "
      "zhiyin_answers_total counter\n";
  char line[200];
  const auto add = [&](const char* format, const auto&... values) {
    std::snprintf(line, sizeof(line), format, values...);
    text += line;
  };
  for (size_t p = 0; p < kPaths; ++p) {
    for (size_t status = 2; status < 6; ++status) {
      const long long n = n_answers_[p][status];
      if (n > 0)
        add("zhiyin_answers_total{path=\"%s\",status=\"%zuxx\"} %lld\n", kPathNames[p], status, n);
    }
  }
  text +=
      "# HELP zhiyin_seconds From the whole request to the answer.\n# TYPE zhiyin_seconds "
      "histogram\n";
  for (const size_t p : {size_t{kScore}, size_t{kRecommend}}) {
    long long n = 0;
    for (size_t b = 0; b <= kLatencies.size(); ++b) {
      n += n_within_[p][b];
      if (b < kLatencies.size()) {
        add("zhiyin_seconds_bucket{path=\"%s\",le=\"%g\"} %lld\n", kPathNames[p], kLatencies[b], n);
      } else {
        add("zhiyin_seconds_bucket{path=\"%s\",le=\"+Inf\"} %lld\n", kPathNames[p], n);
      }
    }
    add("zhiyin_seconds_sum{path=\"%s\"} %.6f\n", kPathNames[p],
        static_cast<double>(total_us_[p]) / 1e6);
    add("zhiyin_seconds_count{path=\"%s\"} %lld\n", kPathNames[p], n);
  }
  text +=
      "# HELP zhiyin_reloads_total Newer models that were taken, and that could not be.\n# TYPE "
      "zhiyin_reloads_total counter\n";
  add("zhiyin_reloads_total{result=\"taken\"} %lld\n", static_cast<long long>(n_reloads_));
  add("zhiyin_reloads_total{result=\"failed\"} %lld\n", static_cast<long long>(n_failed_reloads_));
  text +=
      "# HELP zhiyin_model_step Steps of training that the model has seen.\n# TYPE "
      "zhiyin_model_step gauge\n";
  add("zhiyin_model_step %lld\n", static_cast<long long>(now.step));
  return text;
}

}  // namespace zhiyin::launch::apps
