// The bytes that this process has sent by TCP, which show the transport that MPI really uses.
#pragma once

#include <cstdint>
#include <map>

namespace zhiyin::launch::apps {

/// A connected TCP socket of this process.
struct TcpSocket {
  int64_t sent_bytes = 0;    // acknowledged by the other end
  uint32_t own_address = 0;  // IPv4, host byte order; 0: IPv6
};

/// The sockets of this process by file descriptor. Slow, since it checks all descriptors: called
/// before and after a measurement, not during it.
std::map<int, TcpSocket> TcpTraffic();

}  // namespace zhiyin::launch::apps
