// A client that sends bytes as they are, for tests of servers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zhiyin::testing {

struct RawAnswer {
  int status = 0;  // 0: none, the connection was closed before
  std::string head;
  std::string body;
};

/// A TCP connection to this host. Every function waits as long as it must; after a minute the test
/// fails. Used by one thread.
class RawClient {
 public:
  /// Connects to the port, from the address 127.0.0.`from`.
  explicit RawClient(int port, int from = 1);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// Returns false when the server has closed the connection.
  bool Send(std::string_view bytes);
  /// Sends `bytes` again and again, up to `n_max` bytes. Returns whether all were taken.
  bool SendUntilClosed(std::string_view bytes, int64_t n_max);
  /// Reads the next answer; `has_body` is false for those to HEAD.
  RawAnswer Read(bool has_body = true);
  /// Reads until the server closes the connection.
  std::string ReadToEnd();

 private:
  bool ReadMore();

  int socket_ = -1;
  std::string unread_;
};

}  // namespace zhiyin::testing
