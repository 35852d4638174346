// A client's connection to the server: its socket, and the request or the answer in progress.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "launch/apps/serve/answer_threads.h"
#include "launch/apps/serve/request_parser.h"

namespace zhiyin::launch::apps {

/// Handles one request at a time. At most 32 KiB that a client sends ahead are read; the rest stays
/// in the socket's receive buffer. No function blocks. Used by the server's thread.
class Connection {
 public:
  enum class State {
    kReceiving,  // receives a request, or waits for one
    kAnswering,  // the request is with the answering threads
    kSending,    // sends the answer
    kDraining,   // the server has closed its side; what still arrives is dropped
  };

  /// Takes ownership of the socket, which is non-blocking. `id` is unique to the connection;
  /// `client` identifies the client's address.
  Connection(int socket, uint64_t id, uint64_t client, const RequestLimits& limits);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_; }
  uint64_t id() const { return id_; }
  uint64_t client() const { return client_; }
  State state() const { return state_; }
  RequestParser& parser() { return *parser_; }
  /// Returns whether a request has begun: true from its first parsed byte until its answer has been
  /// sent.
  bool HasBegun() const { return has_begun_; }
  /// Returns whether bytes were received that have not been parsed.
  bool HasUnread() const { return !unread_.empty(); }
  /// Returns whether bytes of the next request were received and none of them has been parsed.
  bool HasNext() const { return state_ == State::kReceiving && HasUnread() && !HasBegun(); }
  /// The bytes on the heap that hold the unparsed bytes, the request and the answer.
  int64_t n_held() const;

  /// Appends up to 16 KiB that have arrived to the unread bytes, or drops them in the state
  /// kDraining. Returns their number; 0 if nothing has arrived; -1 if the connection is lost, the
  /// client has closed it, or more than 4 MiB were dropped.
  int64_t Receive();
  /// Passes the unread bytes to the parser. Returns when the head is complete, when the request is
  /// complete or refused, or when more bytes are needed.
  void Parse();
  /// Sends "100 Continue". Ignores a failure: 25 bytes fit into the socket's send buffer unless the
  /// connection is lost.
  void SendContinue();
  /// Returns the request, for the answering threads, and enters the state kAnswering. REQUIRES: the
  /// parser's state is kWhole.
  HttpRequest TakeRequest();
  /// Enters the state kSending with this answer; with `closes`, the connection closes after it.
  void BeginAnswer(const HttpAnswer& answer, bool closes);
  /// Sends as much of the answer as the socket accepts. After its last byte, enters the state
  /// kReceiving, or kDraining if the connection closes. Returns false if the connection is lost.
  bool Send();

  // The members below are set by the server. Times are in seconds on the server's clock.

  double deadline = 0;  // when the state times out; has no effect in the state kAnswering
  /// The sequence number of the connection's last progress event, counted over all connections. The
  /// events: it was accepted, a request was complete, an answer was begun, an answer was sent. 0 in
  /// the state kDraining.
  int64_t last_progress = 0;
  double held_since = 0;  // when n_held became positive
  int64_t n_counted = 0;  // the value of n_held that HttpCounts::held_bytes includes
  uint32_t events = 0;    // the epoll events that the server waits for
  bool is_lost = false;   // whether the client was lost while its request was being answered

 private:
  int socket_;
  uint64_t id_;
  uint64_t client_;
  RequestLimits limits_;
  State state_ = State::kReceiving;
  std::optional<RequestParser> parser_;
  bool has_begun_ = false;
  std::string unread_;
  int64_t n_taken_ = 0;  // bytes of the body that is being answered
  std::string answer_;
  size_t n_sent_ = 0;      // bytes of answer_
  bool closes_ = false;    // whether the connection closes after answer_
  int64_t n_drained_ = 0;  // bytes that were dropped in the state kDraining
};

}  // namespace zhiyin::launch::apps
