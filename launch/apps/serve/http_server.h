// An HTTP/1.1 server whose memory, time and connections are bounded, whatever clients send.
//
// One thread reads and writes all connections without waiting for any, and answers what can be
// answered at once; the other requests go to a bounded number of threads. A connection has one
// request at a time: what clients send ahead is answered in order. When there is no place for a new
// connection, or no memory for what has arrived, the connection that has made the least of its
// place goes, so that slow clients never shut out others.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "launch/apps/serve/answer_threads.h"
#include "launch/apps/serve/request_parser.h"

namespace zhiyin::launch::apps {

struct HttpLimits {
  RequestLimits request = {};
  /// Connections at a time. One more pushes out, of the connections of the client address that has
  /// the most, the one whose last whole request is the longest ago. A request that is being
  /// answered is never pushed out.
  int n_connections = 512;
  /// Bytes of requests and answers of all connections together. Beyond, the one goes that has held
  /// the most for the longest (bytes times seconds).
  int64_t held_bytes = 32 << 20;
  double request_s = 10;  // from the first byte of a request, or the beginning of the connection
  double answer_s = 10;   // for the client to take an answer
  double idle_s = 60;     // between two requests
  double queue_s = 5;     // for a thread to become free
};

/// What the server has done since its start, and holds now.
struct HttpCounts {
  int64_t n_accepted = 0;    // connections
  int64_t n_open = 0;        // connections now
  int64_t n_pushed_out = 0;  // connections closed for room
  int64_t n_shed = 0;        // for memory
  int64_t n_late = 0;        // for time
  int64_t n_read_bytes = 0;
  int64_t held_bytes = 0;
  int64_t max_held_bytes = 0;
};

/// Answers requests.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Called when the head of a request has arrived, the body not yet. Returns an answer when the
  /// request needs none or is refused; then its body is not read. `counts` are the server's. In the
  /// server's thread: waits for nothing.
  virtual std::optional<HttpAnswer> AnswerAtOnce(const HttpRequest& head,
                                                 const HttpCounts& counts) = 0;
  /// Called for other requests, by several threads at a time.
  virtual HttpAnswer Answer(const HttpRequest& request) = 0;
  /// The answer to a request, as far as it is known, that the server refuses. By any thread.
  virtual HttpAnswer Refuse(const HttpRequest& request, int status, const std::string& what) = 0;
};

/// The public functions may be called by any thread. The handler outlives the server.
class HttpServer {
 public:
  /// Begins to listen and answer, with `n_threads` threads for HttpHandler::Answer, or as many as
  /// the system allows. Port 0: any that is free. `now` is the clock of all limits, in seconds;
  /// tests have their own. Throws Error when it cannot listen on the address, and when no thread
  /// can be started.
  HttpServer(const std::string& host, int port, int n_threads, const HttpLimits& limits,
             HttpHandler* handler, std::function<double()> now = SteadySeconds);
  /// Stops listening; waits until requests that have begun are answered, five seconds for those
  /// that are not whole.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  int n_threads() const;
  HttpCounts counts() const;

  /// std::chrono::steady_clock.
  static double SteadySeconds();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace zhiyin::launch::apps
