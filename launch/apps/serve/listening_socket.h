// The socket that accepts connections.
#pragma once

#include <cstdint>
#include <string>

namespace zhiyin::launch::apps {

/// A TCP socket that listens. Used by one thread.
class ListeningSocket {
 public:
  /// Listens on the address; port 0: any that is free. Throws Error when that is not possible.
  ListeningSocket(const std::string& host, int port);
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  int socket() const { return socket_; }
  int port() const { return port_; }

  struct Accepted {
    int socket = -1;      // does not block; -1: nobody waits
    uint64_t client = 0;  // equal for one IPv4 address, and for one IPv6 network of 64 bits
    bool is_short_of_files = false;  // somebody waits, but the process may not open another socket
  };
  /// Accepts the next connection. Never waits.
  Accepted Accept();
  /// Stops listening.
  void Close();

 private:
  int socket_ = -1;
  int port_ = 0;
};

}  // namespace zhiyin::launch::apps
