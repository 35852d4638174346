#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <utility>

namespace zhiyin::testing {
namespace {

sockaddr_in Loopback(uint32_t last, int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(0x7f000000 + last);
  return address;
}

}  // namespace

RawClient::RawClient(int port, int from) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience = {60, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const sockaddr_in own = Loopback(static_cast<uint32_t>(from), 0);
  const sockaddr_in server = Loopback(1, port);
  EXPECT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&own), sizeof(own)), 0);
  EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&server), sizeof(server)), 0);
}

RawClient::~RawClient() {
  if (socket_ >= 0) close(socket_);
}

RawClient::RawClient(RawClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), unread_(std::move(other.unread_)) {}

bool RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) {
      EXPECT_TRUE(errno == EPIPE || errno == ECONNRESET) << "the server does not read";
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool RawClient::SendUntilClosed(std::string_view bytes, int64_t n_max) {
  for (int64_t n = 0; n < n_max; n += static_cast<int64_t>(bytes.size())) {
    if (!Send(bytes)) return false;
  }
  return true;
}

bool RawClient::ReadMore() {
  char bytes[1 << 16];
  const ssize_t n = recv(socket_, bytes, sizeof(bytes), 0);
  EXPECT_TRUE(n >= 0 || errno == ECONNRESET || errno == EPIPE) << "the server says nothing";
  if (n > 0) unread_.append(bytes, static_cast<size_t>(n));
  return n > 0;
}

RawAnswer RawClient::Read(bool has_body) {
  RawAnswer answer;
  size_t end = 0;
  while ((end = unread_.find("\r\n\r\n")) == unread_.npos) {
    if (!ReadMore()) return answer;
  }
  answer.head = unread_.substr(0, end + 4);
  unread_.erase(0, end + 4);
  constexpr std::string_view kLength = "Content-Length: ";
  const size_t at = answer.head.find(kLength);
  const size_t n =
      at == answer.head.npos || !has_body ? 0 : std::stoul(answer.head.substr(at + kLength.size()));
  while (unread_.size() < n) {
    if (!ReadMore()) return answer;
  }
  answer.body = unread_.substr(0, n);
  unread_.erase(0, n);
  answer.status = std::stoi(answer.head.substr(answer.head.find(' ')));
  return answer;
}

std::string RawClient::ReadToEnd() {
  while (ReadMore()) continue;
  return std::exchange(unread_, {});
}

}  // namespace zhiyin::testing
