// Reads an HTTP/1.1 request from bytes that arrive in pieces, within limits.
//
// The grammar is RFC 9112, read by Boost.Beast. What two readers could understand differently is
// refused: more than one Content-Length, a Content-Length beside a Transfer-Encoding, another
// Transfer-Encoding than "chunked".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace zhiyin::launch::apps {

struct HttpRequest {
  std::string method;
  std::string path;           // the target without what follows '?'
  std::string authorization;  // the value of the header of this name; "": none
  std::string body;
};

struct RequestLimits {
  size_t head_bytes = 16 << 10;  // the request line and the header lines; also a chunk's line, and
                                 // what may follow the last chunk
  int n_header_lines = 100;
  size_t body_bytes = 1 << 20;  // of the body as it is without chunks' lines
};

/// A parser of one request. Keeps the body and the few header lines that HttpRequest has, nothing
/// else. Used by one thread.
class RequestParser {
 public:
  enum class State { kHead, kBody, kWhole, kRefused };

  explicit RequestParser(const RequestLimits& limits);
  ~RequestParser();

  /// Reads bytes and returns how many are used up; the caller presents the others again, with those
  /// that follow. Returns behind the head, so that the caller can look at it before the body
  /// arrives, and behind the body. In the states kHead and kBody at most limits.head_bytes are not
  /// used up. REQUIRES: the state is kHead or kBody.
  size_t Read(std::string_view bytes);

  State state() const;
  /// In the state kRefused: the status of the answer, and what is wrong.
  int status() const;
  const std::string& what() const;

  /// What has been read so far.
  HttpRequest& request();
  const HttpRequest& request() const;

  // Known when the head is whole.

  /// Whether the client leaves the connection open for another request.
  bool KeepsAlive() const;
  /// Whether the request is one of HTTP/1.0, whose connections close unless the answer says so.
  bool IsOfHttp10() const;
  /// Whether the client waits for "100 Continue" before it sends the body.
  bool AwaitsContinue() const;

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace zhiyin::launch::apps
