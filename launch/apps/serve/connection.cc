#include "launch/apps/serve/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace zhiyin::launch::apps {
namespace {

constexpr size_t kReadBytes = 16 << 10;
/// A client that gets an answer before it has sent all of its request shall see the answer: a
/// socket that is closed with unread bytes resets the connection. This many are read and dropped.
constexpr int64_t kDrainBytes = 4 << 20;

const char* ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "";
  }
}

/// Bytes on the heap.
int64_t BytesOf(const std::string& text) {
  return text.capacity() > std::string().capacity() ? static_cast<int64_t>(text.capacity()) : 0;
}

}  // namespace

Connection::Connection(int socket, uint64_t id, uint64_t client, const RequestLimits& limits)
    : socket_(socket), id_(id), client_(client), limits_(limits) {
  parser_.emplace(limits_);
}

Connection::~Connection() {
  close(socket_);
}

int64_t Connection::n_held() const {
  return BytesOf(unread_) + BytesOf(answer_) + n_taken_ +
         (state_ == State::kReceiving ? BytesOf(parser_->request().body) : 0);
}

int64_t Connection::Receive() {
  char bytes[kReadBytes];
  const ssize_t n = recv(socket_, bytes, sizeof(bytes), MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
  if (n == 0) return -1;
  if (state_ == State::kDraining) {
    n_drained_ += n;
    return n_drained_ > kDrainBytes ? -1 : n;
  }
  unread_.append(bytes, static_cast<size_t>(n));
  return n;
}

void Connection::Parse() {
  has_begun_ = has_begun_ || !unread_.empty();
  const size_t n_used = parser_->Read(unread_);
  unread_.erase(0, n_used);
  if (unread_.empty()) std::string().swap(unread_);
}

void Connection::SendContinue() {
  constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
  [[maybe_unused]] const ssize_t ignored =
      send(socket_, kContinue, sizeof(kContinue) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

HttpRequest Connection::TakeRequest() {
  state_ = State::kAnswering;
  n_taken_ = BytesOf(parser_->request().body);
  HttpRequest request = std::move(parser_->request());
  parser_->request().method = request.method;  // for BeginAnswer
  return request;
}

void Connection::BeginAnswer(const HttpAnswer& answer, bool closes) {
  const bool is_head = parser_->request().method == "HEAD";
  closes_ = closes;
  answer_ = "HTTP/1.1 " + std::to_string(answer.status) + " " + ReasonOf(answer.status) +
            "\r\nContent-Type: " + answer.content_type +
            "\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n";
  if (answer.status == 401) answer_ += "WWW-Authenticate: Bearer\r\n";
  if (closes_) {
    answer_ += "Connection: close\r\n";
  } else if (parser_->IsOfHttp10()) {
    answer_ += "Connection: keep-alive\r\n";
  }
  answer_ += "\r\n";
  if (!is_head) answer_ += answer.body;
  n_sent_ = 0;
  n_taken_ = 0;
  state_ = State::kSending;
  // The request and its body are no longer needed; a connection that closes reads no other.
  if (closes_) std::string().swap(unread_);
  parser_.emplace(limits_);
}

bool Connection::Send() {
  while (n_sent_ < answer_.size()) {
    const ssize_t n = send(socket_, answer_.data() + n_sent_, answer_.size() - n_sent_,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    n_sent_ += static_cast<size_t>(n);
  }
  std::string().swap(answer_);
  if (closes_) {
    shutdown(socket_, SHUT_WR);
    state_ = State::kDraining;
  } else {
    state_ = State::kReceiving;
    has_begun_ = false;
  }
  return true;
}

}  // namespace zhiyin::launch::apps
