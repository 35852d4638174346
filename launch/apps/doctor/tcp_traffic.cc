#include "launch/apps/doctor/tcp_traffic.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace zhiyin::launch::apps {
namespace {

/// The IPv4 address of a socket's own end, also where it is written as IPv6.
uint32_t OwnAddress(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET)
    return ntohl(reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr);
  if (address.ss_family != AF_INET6) return 0;
  const in6_addr& six = reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr;
  if (!IN6_IS_ADDR_V4MAPPED(&six)) return 0;
  return ntohl(six.s6_addr32[3]);
}

}  // namespace

std::map<int, TcpSocket> TcpTraffic() {
  std::map<int, TcpSocket> sockets;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    tcp_info info{};
    socklen_t size = sizeof(info);
    // Fails on all that is no TCP socket.
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) continue;
    if (size < offsetof(tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked)) continue;
    sockets[fd] = {static_cast<int64_t>(info.tcpi_bytes_acked), OwnAddress(fd)};
  }
  return sockets;
}

}  // namespace zhiyin::launch::apps
