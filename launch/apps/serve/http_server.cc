#include "launch/apps/serve/http_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/error.h"
#include "launch/apps/serve/connection.h"
#include "launch/apps/serve/listening_socket.h"

namespace zhiyin::launch::apps {
namespace {

using State = Connection::State;

constexpr int kTickMs = 100;   // how often limits of time are looked at
constexpr double kDrainS = 2;  // for a client to see that its connection is closed
constexpr double kEndS = 5;    // for requests that are not whole when the server ends
constexpr int kAcceptsAtOnce = 64;
// What epoll says instead of the number of a connection.
constexpr uint64_t kListener = 0;
constexpr uint64_t kWake = 1;
constexpr uint64_t kFirstConnection = 2;

/// A file descriptor that is closed with the object.
struct OwnedFd {
  explicit OwnedFd(int opened) : fd(opened) {
    if (opened < 0) Fail("serve: cannot open a file descriptor: ", strerror(errno));
  }
  ~OwnedFd() { close(fd); }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  const int fd;
};

}  // namespace

/// The server's thread and all that it alone uses.
class HttpServer::Loop {
 public:
  Loop(const std::string& host, int port, int n_threads, const HttpLimits& limits,
       HttpHandler* handler, std::function<double()> now)
      : limits_(limits),
        handler_(handler),
        now_(std::move(now)),
        listener_(host, port),
        port_(listener_.port()),
        poll_(epoll_create1(EPOLL_CLOEXEC)),
        wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        threads_(
            n_threads, [this](const AnswerThreads::Task& task) { return Answer(task); },
            [this] { Wake(); }) {
    Poll(EPOLL_CTL_ADD, wake_.fd, kWake, EPOLLIN);
    Poll(EPOLL_CTL_ADD, listener_.socket(), kListener, EPOLLIN);
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error& e) {
      FailWithoutThread(e);
    }
  }
  ~Loop() {
    is_stopping_ = true;
    Wake();
    thread_.join();
  }

  int port() const { return port_; }
  int n_threads() const { return threads_.n_threads(); }
  HttpCounts counts() const {
    std::lock_guard lock(mutex_);
    return published_;
  }

 private:
  using Connections = std::unordered_map<uint64_t, std::unique_ptr<Connection>>;

  void Run();
  /// Waits for events, 0.1 s at most, and handles them.
  void Turn();
  void Accept();
  void OnEvent(uint64_t id, uint32_t events);
  void StopConnections();
  /// Closes the connections whose time is over.
  void Sweep();
  /// Closes a connection for a new one. Returns false when there is none to close.
  bool PushOut();
  /// Closes a connection for its memory. Returns false when there is none to close. Throws nothing:
  /// answers of other connections may be on their way.
  bool Shed();
  /// Listens unless there is no place for a connection, and none can be pushed out.
  void UpdateListening();

  /// Has `act` use a connection, which closes when that returns false or fails, and keeps the
  /// server's counts of connections and bytes right. Nothing happens when the connection is gone.
  template <typename Act>
  void Use(uint64_t id, const Act& act);
  void Close(Connections::iterator it);
  void Count(Connection* connection, int64_t n_held);
  // Each returns whether the connection stays.
  bool Advance(Connection* connection);
  bool Respond(Connection* connection, const HttpAnswer& answer, bool closes);
  bool Continue(Connection* connection);

  /// Called by an answering thread.
  HttpAnswer Answer(const AnswerThreads::Task& task);
  void Wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = write(wake_.fd, &one, sizeof(one));
  }
  void Poll(int what, int fd, uint64_t id, uint32_t events) {
    epoll_event event = {};
    event.events = events;
    event.data.u64 = id;
    epoll_ctl(poll_.fd, what, fd, &event);
  }

  const HttpLimits limits_;
  HttpHandler* const handler_;
  const std::function<double()> now_;
  ListeningSocket listener_;
  const int port_;
  OwnedFd poll_;
  OwnedFd wake_;
  Connections connections_;
  std::unordered_map<uint64_t, int> n_of_client_;  // connections
  std::vector<uint64_t> ready_;                    // connections with unread requests
  uint64_t next_id_ = kFirstConnection;
  int n_answering_ = 0;     // connections in this state
  int64_t n_progress_ = 0;  // events that are progress of a connection
  bool is_listening_ = true;
  bool is_short_of_files_ = false;
  double last_sweep_ = 0;
  double stop_deadline_ = 0;
  HttpCounts counts_;
  mutable std::mutex mutex_;
  HttpCounts published_;
  std::atomic<bool> is_stopping_ = false;
  AnswerThreads threads_;
  std::thread thread_;
};

void HttpServer::Loop::Run() {
  while (!is_stopping_ || !connections_.empty()) {
    try {
      Turn();
    } catch (const std::exception&) {
      PushOut();  // memory is short
    }
  }
}

void HttpServer::Loop::Turn() {
  epoll_event events[64];
  const int n = epoll_wait(poll_.fd, events, 64, ready_.empty() ? kTickMs : 0);
  for (int i = 0; i < n; ++i) OnEvent(events[i].data.u64, events[i].events);
  for (const AnswerThreads::Task& done : threads_.TakeDone()) {
    Use(done.connection, [&](Connection* connection) {
      return !connection->is_lost &&
             Respond(connection, done.answer, !connection->parser().KeepsAlive());
    });
  }
  for (const uint64_t id : std::exchange(ready_, {}))
    Use(id, [&](Connection* connection) { return Advance(connection); });
  if (const double now = SteadySeconds(); now - last_sweep_ >= 1e-3 * kTickMs) {
    last_sweep_ = now;
    Sweep();
  }
  if (is_stopping_) StopConnections();
  UpdateListening();
  std::lock_guard lock(mutex_);
  published_ = counts_;
}

void HttpServer::Loop::OnEvent(uint64_t id, uint32_t events) {
  if (id == kWake) {
    uint64_t n = 0;
    [[maybe_unused]] const ssize_t ignored = read(wake_.fd, &n, sizeof(n));
    return;
  }
  if (id == kListener) return Accept();
  Use(id, [&](Connection* connection) {
    switch (connection->state()) {
      case State::kAnswering:
        // The client is gone. Its request is answered all the same.
        if (events & (EPOLLERR | EPOLLHUP)) {
          connection->is_lost = true;
          Poll(EPOLL_CTL_DEL, connection->socket(), id, 0);
        }
        return true;
      case State::kSending:
        return Continue(connection);
      case State::kReceiving:
      case State::kDraining:
        break;
    }
    if (connection->HasNext()) return true;  // it is in ready_
    const int64_t n = connection->Receive();
    counts_.n_read_bytes += std::max<int64_t>(n, 0);
    return n >= 0 && Advance(connection);
  });
}

void HttpServer::Loop::Accept() {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    const ListeningSocket::Accepted accepted = listener_.Accept();
    if (accepted.socket < 0) {
      is_short_of_files_ = accepted.is_short_of_files && !PushOut();
      if (accepted.is_short_of_files && !is_short_of_files_) continue;
      return;
    }
    ++counts_.n_accepted;
    const uint64_t id = next_id_++;
    std::unique_ptr<Connection> connection;
    try {
      connection =
          std::make_unique<Connection>(accepted.socket, id, accepted.client, limits_.request);
    } catch (const std::exception&) {
      close(accepted.socket);  // memory is short, and nobody owns it yet
      throw;
    }
    connection->last_progress = ++n_progress_;
    connection->deadline = now_() + limits_.request_s;
    connection->events = EPOLLIN;
    int& n_of_client = n_of_client_[accepted.client];
    Poll(EPOLL_CTL_ADD, connection->socket(), id, EPOLLIN);
    connections_.emplace(id, std::move(connection));
    ++n_of_client;
    ++counts_.n_open;
    if (connections_.size() > static_cast<size_t>(limits_.n_connections)) PushOut();
  }
}

template <typename Act>
void HttpServer::Loop::Use(uint64_t id, const Act& act) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  Connection* const connection = it->second.get();
  if (connection->state() == State::kAnswering) --n_answering_;
  bool stays = false;
  try {
    stays = act(connection);
  } catch (const std::exception&) {
    // Memory is short: this connection returns its own.
  }
  if (!stays) return Close(it);
  uint32_t events = EPOLLIN;
  if (connection->state() == State::kAnswering) {
    ++n_answering_;
    events = 0;
  } else if (connection->HasNext()) {
    events = 0;
  } else if (connection->state() == State::kSending) {
    events = EPOLLOUT;
  }
  if (std::exchange(connection->events, events) != events && !connection->is_lost)
    Poll(EPOLL_CTL_MOD, connection->socket(), id, events);
  Count(connection, connection->n_held());
  while (counts_.held_bytes > limits_.held_bytes && Shed()) continue;
}

void HttpServer::Loop::Close(Connections::iterator it) {
  Count(it->second.get(), 0);
  const auto n = n_of_client_.find(it->second->client());
  if (--n->second <= 0) n_of_client_.erase(n);
  connections_.erase(it);
  --counts_.n_open;
}

void HttpServer::Loop::Count(Connection* connection, int64_t n_held) {
  if (connection->n_counted == 0 && n_held > 0) connection->held_since = now_();
  counts_.held_bytes += n_held - std::exchange(connection->n_counted, n_held);
  counts_.max_held_bytes = std::max(counts_.max_held_bytes, counts_.held_bytes);
}

bool HttpServer::Loop::Advance(Connection* connection) {
  using Parsed = RequestParser::State;
  while (connection->state() == State::kReceiving && connection->HasUnread()) {
    RequestParser& parser = connection->parser();
    const Parsed before = parser.state();
    if (!connection->HasBegun()) connection->deadline = now_() + limits_.request_s;
    connection->Parse();
    const Parsed after = parser.state();
    if (after == Parsed::kRefused)
      return Respond(connection, handler_->Refuse(parser.request(), parser.status(), parser.what()),
                     /*closes=*/true);
    if (before == Parsed::kHead && after != Parsed::kHead) {
      const std::optional<HttpAnswer> answer = handler_->AnswerAtOnce(parser.request(), counts_);
      // A body that is not read cannot be told from the next request.
      if (answer)
        return Respond(connection, *answer, after != Parsed::kWhole || !parser.KeepsAlive());
      if (parser.AwaitsContinue() && !connection->HasUnread()) connection->SendContinue();
    }
    if (after == Parsed::kWhole) {
      connection->last_progress = ++n_progress_;
      threads_.Add({connection->id(), connection->TakeRequest(), now_(), {}});
    } else if (after == before) {
      break;  // more bytes are needed
    }
  }
  return true;
}

bool HttpServer::Loop::Respond(Connection* connection, const HttpAnswer& answer, bool closes) {
  connection->last_progress = ++n_progress_;
  connection->deadline = now_() + limits_.answer_s;
  connection->BeginAnswer(answer, closes || is_stopping_);
  return Continue(connection);
}

bool HttpServer::Loop::Continue(Connection* connection) {
  const double now = now_();  // before the client can see the answer
  if (!connection->Send()) return false;
  if (connection->state() == State::kReceiving) {
    connection->last_progress = ++n_progress_;
    connection->deadline = now + limits_.idle_s;
    // Other connections come first.
    if (connection->HasNext()) ready_.push_back(connection->id());
  } else if (connection->state() == State::kDraining) {
    connection->last_progress = 0;
    connection->deadline = now + kDrainS;
  }
  return true;
}

HttpAnswer HttpServer::Loop::Answer(const AnswerThreads::Task& task) {
  try {
    if (now_() - task.since > limits_.queue_s)
      return handler_->Refuse(task.request, 503, "too many requests at a time, try again");
    return handler_->Answer(task.request);
  } catch (const std::exception&) {
    return {.status = 500, .body = ""};
  }
}

bool HttpServer::Loop::PushOut() {
  const auto busiest =
      std::max_element(n_of_client_.begin(), n_of_client_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  auto found = connections_.end();
  bool found_of_busiest = false;
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    const Connection& one = *it->second;
    if (one.state() == State::kAnswering) continue;
    const bool is_of_busiest = one.client() == busiest->first;
    if (found != connections_.end() &&
        (is_of_busiest != found_of_busiest ? found_of_busiest
                                           : found->second->last_progress <= one.last_progress))
      continue;
    found = it;
    found_of_busiest = is_of_busiest;
  }
  if (found == connections_.end()) return false;
  Close(found);
  ++counts_.n_pushed_out;
  return true;
}

bool HttpServer::Loop::Shed() {
  constexpr double kLeastS = 1e-3;  // what has just arrived counts by its bytes
  const double now = now_();
  auto found = connections_.end();
  double most = 0;
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    const Connection& one = *it->second;
    if (one.state() == State::kAnswering) continue;
    const double byte_s = static_cast<double>(one.n_counted) * (now - one.held_since + kLeastS);
    if (byte_s <= most) continue;
    most = byte_s;
    found = it;
  }
  if (found == connections_.end()) return false;
  ++counts_.n_shed;
  Connection* const connection = found->second.get();
  bool stays = false;
  try {
    stays = connection->state() == State::kReceiving &&
            Respond(connection,
                    handler_->Refuse(connection->parser().request(), 503,
                                     "too many bytes at a time, try again"),
                    /*closes=*/true);
  } catch (const std::exception&) {
    // Memory is short even for the answer.
  }
  if (!stays) {
    Close(found);
    return true;
  }
  Poll(EPOLL_CTL_MOD, connection->socket(), connection->id(),
       connection->events = connection->state() == State::kSending ? EPOLLOUT : EPOLLIN);
  Count(connection, connection->n_held());
  return true;
}

void HttpServer::Loop::Sweep() {
  is_short_of_files_ = false;
  const double now = now_();
  std::vector<uint64_t> late;
  for (const auto& [id, connection] : connections_) {
    if (connection->state() != State::kAnswering && connection->deadline < now) late.push_back(id);
  }
  for (const uint64_t id : late) {
    Use(id, [&](Connection* connection) {
      if (connection->state() != State::kDraining) ++counts_.n_late;
      return connection->state() == State::kReceiving && connection->HasBegun() &&
             Respond(connection,
                     handler_->Refuse(
                         connection->parser().request(), 408,
                         "the request was not whole within " + TextOf(limits_.request_s) + " s"),
                     /*closes=*/true);
    });
  }
}

void HttpServer::Loop::StopConnections() {
  if (stop_deadline_ == 0) {
    stop_deadline_ = now_() + kEndS;
    listener_.Close();
  }
  std::vector<uint64_t> all;
  for (const auto& [id, connection] : connections_) all.push_back(id);
  for (const uint64_t id : all) {
    Use(id, [&](Connection* connection) {
      connection->deadline = std::min(connection->deadline, stop_deadline_);
      return connection->state() != State::kReceiving || connection->HasBegun() ||
             connection->HasNext();
    });
  }
}

void HttpServer::Loop::UpdateListening() {
  const bool has_place = connections_.size() < static_cast<size_t>(limits_.n_connections) ||
                         connections_.size() > static_cast<size_t>(n_answering_);
  const bool listens = has_place && !is_short_of_files_;
  if (is_stopping_ || std::exchange(is_listening_, listens) == listens) return;
  Poll(EPOLL_CTL_MOD, listener_.socket(), kListener, listens ? uint32_t{EPOLLIN} : 0);
}

HttpServer::HttpServer(const std::string& host, int port, int n_threads, const HttpLimits& limits,
                       HttpHandler* handler, std::function<double()> now)
    : loop_(std::make_unique<Loop>(host, port, n_threads, limits, handler, std::move(now))) {}
HttpServer::~HttpServer() = default;

int HttpServer::port() const {
  return loop_->port();
}
int HttpServer::n_threads() const {
  return loop_->n_threads();
}
HttpCounts HttpServer::counts() const {
  return loop_->counts();
}
double HttpServer::SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace zhiyin::launch::apps
