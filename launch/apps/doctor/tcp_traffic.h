// What has left this process by TCP: the only way to know which transport MPI really uses.
#pragma once

#include <cstdint>
#include <map>

namespace zhiyin::launch::apps {

/// A connected TCP socket of this process.
struct TcpSocket {
  int64_t sent_bytes = 0;    // acknowledged by the other end
  uint32_t own_address = 0;  // IPv4, host byte order; 0: IPv6
};

/// By file descriptor. Looks at all of them: for use before and after something, not within.
std::map<int, TcpSocket> TcpTraffic();

}  // namespace zhiyin::launch::apps
