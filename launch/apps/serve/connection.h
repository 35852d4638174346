// A client's connection to the server: its socket and the request or the answer that is under way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "launch/apps/serve/answer_threads.h"
#include "launch/apps/serve/request_parser.h"

namespace zhiyin::launch::apps {

/// A connection with one request at a time: what a client sends ahead stays in the system's buffer
/// but for 32 KiB. No function waits. Used by the server's thread.
class Connection {
 public:
  enum class State {
    kReceiving,  // a request, or waiting for one
    kAnswering,  // the request is with the answering threads
    kSending,    // the answer
    kDraining,   // closed from our side; what still arrives is dropped
  };

  /// Takes over the socket, which must not block. `id` is another for each connection, `client`
  /// identifies the client's address.
  Connection(int socket, uint64_t id, uint64_t client, const RequestLimits& limits);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_; }
  uint64_t id() const { return id_; }
  uint64_t client() const { return client_; }
  State state() const { return state_; }
  RequestParser& parser() { return *parser_; }
  /// Whether a byte of a request has been parsed that is not whole.
  bool HasBegun() const { return has_begun_; }
  bool HasUnread() const { return !unread_.empty(); }
  /// Whether the next request has arrived, at least in part, and nothing of it has been parsed.
  bool HasNext() const { return state_ == State::kReceiving && HasUnread() && !HasBegun(); }
  /// Bytes of memory for the request and the answer.
  int64_t n_held() const;

  /// Reads what has arrived, up to 16 KiB, into the unread bytes, or drops it when draining.
  /// Returns the number of bytes; 0: nothing has arrived; -1: the connection is lost, or the client
  /// has closed it.
  int64_t Receive();
  /// Has the parser read the unread bytes. Returns when the head is whole, the request is whole or
  /// refused, or more bytes are needed.
  void Parse();
  /// Sends "100 Continue", which is so short that the system takes it.
  void SendContinue();
  /// The request goes to the answering threads.
  HttpRequest TakeRequest();
  /// Begins to send an answer. Afterwards the connection closes if `closes`.
  void BeginAnswer(const HttpAnswer& answer, bool closes);
  /// Sends what the system takes. When the answer is sent, begins to wait for the next request or
  /// to drain. Returns whether the connection still is.
  bool Send();

  double deadline = 0;  // in seconds; when an unfinished state is given up
  /// The number, among such events of all connections, of its last one: it was accepted, a request
  /// was whole, an answer was sent. 0: it only drains.
  int64_t last_progress = 0;
  double held_since = 0;  // when n_held became positive
  int64_t n_counted = 0;  // of n_held, by the server
  uint32_t events = 0;    // that the server waits for
  bool is_lost = false;   // while the request is answered

 private:
  int socket_;
  uint64_t id_;
  uint64_t client_;
  RequestLimits limits_;
  State state_ = State::kReceiving;
  std::optional<RequestParser> parser_;
  bool has_begun_ = false;
  std::string unread_;
  int64_t n_taken_ = 0;  // bytes of the request that is answered
  std::string answer_;
  size_t n_sent_ = 0;  // of it
  bool closes_ = false;
  int64_t n_drained_ = 0;
};

}  // namespace zhiyin::launch::apps
