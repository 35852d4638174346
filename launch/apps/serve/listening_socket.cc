#include "launch/apps/serve/listening_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "common/error.h"

namespace zhiyin::launch::apps {
namespace {

/// Connections that may wait to be accepted: enough for many that come at once.
constexpr int kBacklog = 1024;

int ListenOn(const addrinfo& address) {
  const int listener = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return -1;
  // Not SO_REUSEPORT: of two servers on one port each would get some of the requests.
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(listener, address.ai_addr, address.ai_addrlen) == 0 && listen(listener, kBacklog) == 0)
    return listener;
  const int error = errno;
  close(listener);
  errno = error;
  return -1;
}

int PortOf(int listener) {
  sockaddr_storage address = {};
  socklen_t n = sizeof(address);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &n);
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

uint64_t ClientOf(const sockaddr_storage& address) {
  if (address.ss_family != AF_INET6)
    return reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr;
  const in6_addr& full = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  // An IPv4 address where a socket listens on both is in the last four bytes.
  uint64_t client = 0;
  std::memcpy(&client, full.s6_addr + (IN6_IS_ADDR_V4MAPPED(&full) ? 8 : 0), sizeof(client));
  return client;
}

}  // namespace

ListeningSocket::ListeningSocket(const std::string& host, int port) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  if (const int wrong = getaddrinfo(host.c_str(), service.c_str(), &hints, &found); wrong != 0)
    Fail("--listen=", host, ":", port, ": cannot listen there: ", gai_strerror(wrong));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr && socket_ < 0; one = one->ai_next)
    socket_ = ListenOn(*one);
  if (socket_ < 0) Fail("--listen=", host, ":", port, ": cannot listen there: ", strerror(errno));
  port_ = PortOf(socket_);
}

ListeningSocket::~ListeningSocket() {
  Close();
}

ListeningSocket::Accepted ListeningSocket::Accept() {
  sockaddr_storage address = {};
  socklen_t n = sizeof(address);
  Accepted accepted;
  accepted.socket =
      accept4(socket_, reinterpret_cast<sockaddr*>(&address), &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted.socket < 0) {
    accepted.is_short_of_files =
        errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    return accepted;
  }
  const int yes = 1;
  setsockopt(accepted.socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  accepted.client = ClientOf(address);
  return accepted;
}

void ListeningSocket::Close() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

}  // namespace zhiyin::launch::apps
