#include "launch/apps/serve/http_service.h"

#include <chrono>
#include <cstdio>
#include <utility>

#include "common/text.h"

namespace zhiyin::launch::apps {
namespace {

constexpr std::array<const char*, 3> kPathNames = {"score", "recommend", "other"};

/// Names in a model's data may be any bytes.
std::string Dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// Takes as long whatever differs.
bool AreSame(const std::string& a, const std::string& b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^
                  static_cast<unsigned char>(b[b.empty() ? 0 : i % b.size()]);
  return difference == 0;
}

std::string ConnectionMetrics(const HttpCounts& counts) {
  return TextOf(
      "# HELP zhiyin_connections Open connections.\n# TYPE zhiyin_connections gauge\n"
      "zhiyin_connections ",
      counts.n_open,
      "\n# HELP zhiyin_connections_closed_total Connections that the server closed for want of "
      "places, memory or time.\n# TYPE zhiyin_connections_closed_total counter\n"
      "zhiyin_connections_closed_total{for=\"room\"} ",
      counts.n_pushed_out, "\nzhiyin_connections_closed_total{for=\"memory\"} ", counts.n_shed,
      "\nzhiyin_connections_closed_total{for=\"time\"} ", counts.n_late,
      "\n# HELP zhiyin_held_bytes Memory of requests and answers under way.\n# TYPE "
      "zhiyin_held_bytes gauge\nzhiyin_held_bytes ",
      counts.held_bytes, "\n");
}

}  // namespace

HttpService::HttpService(const HttpOptions& options, Served served)
    : options_(options), served_(std::move(served)) {
  HttpHandler* const handler = this;
  server_ = std::make_unique<HttpServer>(options_.host, options_.port, options_.n_threads,
                                         options_.limits, handler);
}

HttpService::~HttpService() = default;

void HttpService::Replace(Served served) {
  {
    std::lock_guard lock(mutex_);
    std::swap(served_, served);
    ++n_reloads_;
  }
  // The old model, which takes long to free, is freed here: nobody waits for the lock meanwhile.
}

HttpService::Served HttpService::served() const {
  std::lock_guard lock(mutex_);
  return served_;
}

bool HttpService::IsAllowed(const HttpRequest& request) const {
  return options_.token.empty() || AreSame(request.authorization, "Bearer " + options_.token);
}

HttpService::Path HttpService::PathOf(const HttpRequest& request) {
  return request.path == "/v1/score"       ? kScore
         : request.path == "/v1/recommend" ? kRecommend
                                           : kOther;
}

HttpAnswer HttpService::Counted(const HttpRequest& request, HttpAnswer answer) {
  ++n_answers_[PathOf(request)][static_cast<size_t>(answer.status / 100)];
  return answer;
}

HttpAnswer HttpService::Refuse(const HttpRequest& request, int status, const std::string& what) {
  return Counted(request, {.status = status, .body = Dump({{"error", what}})});
}

std::optional<HttpAnswer> HttpService::AnswerAtOnce(const HttpRequest& head,
                                                    const HttpCounts& counts) {
  const bool is_get = head.method == "GET" || head.method == "HEAD";
  const Path path = PathOf(head);
  if (is_get && head.path == "/healthz") {
    const Served now = served();
    return Counted(head,
                   {.body = Dump({{"status", "ok"}, {"model", now.folder}, {"step", now.step}})});
  }
  const bool is_metrics = is_get && head.path == "/metrics";
  if (!is_metrics && (path == kOther || head.method != "POST"))
    return Refuse(
        head, 404,
        "no " + Shortened(head.method, 20) + " " + Shortened(OneLine(head.path), 100) + " here");
  if (!IsAllowed(head))
    return Refuse(head, 401, "expected the header Authorization: Bearer with the server's token");
  if (is_metrics)
    return Counted(head, {.body = Metrics(counts), .content_type = "text/plain; version=0.0.4"});
  return {};
}

HttpAnswer HttpService::Answer(const HttpRequest& request) {
  const auto began = std::chrono::steady_clock::now();
  const Path path = PathOf(request);
  HttpAnswer answer;
  try {
    const nlohmann::json asked = ParseRequest(request.body);
    const Served now = served();
    answer = Counted(request, {.body = Dump(path == kScore ? now.model->Score(asked)
                                                           : now.model->Recommend(asked))});
  } catch (const RequestError& e) {
    answer = Refuse(request, e.status(), e.what());
  } catch (const std::exception&) {
    // The text of the exception may reveal more than concerns the client.
    answer = Refuse(request, 500, "the server failed to answer");
  }
  const auto took = std::chrono::steady_clock::now() - began;
  const double seconds = std::chrono::duration<double>(took).count();
  size_t bin = 0;
  while (bin < kLatencies.size() && seconds > kLatencies[bin]) ++bin;
  ++n_within_[path][bin];
  total_us_[path] += std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  return answer;
}

std::string HttpService::Metrics(const HttpCounts& counts) const {
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
  return text + ConnectionMetrics(counts);
}

}  // namespace zhiyin::launch::apps
