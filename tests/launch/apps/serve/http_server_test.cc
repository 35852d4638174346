// What clients may do to a server, counted: no test depends on how long something takes.
#include "launch/apps/serve/http_server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/raw_client.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawAnswer;
using testing::RawClient;

/// Answers GET /now at once, refuses /secret by its head, sends as many bytes as the path says
/// (/bytes/5), and holds back the answer to /wait until the gate is open.
class Handler : public HttpHandler {
 public:
  std::optional<HttpAnswer> AnswerAtOnce(const HttpRequest& head, const HttpCounts&) override {
    if (head.path == "/now") return HttpAnswer{.body = "now"};
    if (head.path == "/secret") return HttpAnswer{.status = 401, .body = "no"};
    return {};
  }
  HttpAnswer Answer(const HttpRequest& request) override {
    constexpr std::string_view kBytes = "/bytes/";
    if (request.path.starts_with(kBytes))
      return {.body = std::string(std::stoul(request.path.substr(kBytes.size())), 'b')};
    if (request.path == "/wait") {
      std::unique_lock lock(mutex_);
      ++n_waiting_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return is_open_; });
    }
    return {.body = request.body};
  }
  HttpAnswer Refuse(const HttpRequest&, int status, const std::string& what) override {
    if (refusing_fails) throw std::bad_alloc();
    return {.status = status, .body = what};
  }

  void AwaitWaiting(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_waiting_ >= n; });
  }
  void Open() {
    std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

  std::atomic<bool> refusing_fails = false;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int n_waiting_ = 0;
  bool is_open_ = false;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(const HttpLimits& limits = {}, int n_threads = 2) {
    server_ = std::make_unique<HttpServer>("127.0.0.1", 0, n_threads, limits, &handler_,
                                           [this] { return seconds_.load(); });
  }
  RawClient Connect(int from = 1) { return RawClient(server_->port(), from); }
  /// An answer to one request over a connection of its own.
  RawAnswer Ask(const std::string& request) {
    RawClient client = Connect();
    client.Send(request);
    return client.Read();
  }
  RawAnswer AskNow() { return Ask("GET /now HTTP/1.1\r\n\r\n"); }
  /// Waits until the counts are as wanted.
  template <typename Wanted>
  HttpCounts Await(const Wanted& wanted) {
    HttpCounts counts = server_->counts();
    for (int i = 0; i < 60'000 && !wanted(counts); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      counts = server_->counts();
    }
    EXPECT_TRUE(wanted(counts));
    return counts;
  }
  void AwaitRead(int64_t n_bytes) {
    Await([&](const HttpCounts& counts) { return counts.n_read_bytes >= n_bytes; });
  }

  Handler handler_;
  std::atomic<double> seconds_ = 1;
  std::unique_ptr<HttpServer> server_;
};

const std::string kPost = "POST /echo HTTP/1.1\r\nContent-Length: ";
constexpr int64_t kMb = 1 << 20;

TEST_F(HttpServerTest, AnswersRequestsOfOneConnection) {
  Start();
  RawClient client = Connect();
  client.Send("GET /now?x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.Read().body, "now");
  client.Send(kPost + "5\r\n\r\nhello");
  EXPECT_EQ(client.Read().body, "hello");
  client.Send("HEAD /now HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.Read(/*has_body=*/false).head, HasSubstr("Content-Length: 3\r\n"));
  client.Send("HEAD /bytes/7 HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.Read(/*has_body=*/false).head, HasSubstr("Content-Length: 7\r\n"));
  client.Send(kPost + "5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Read().status, 100);
  client.Send("hello");
  EXPECT_EQ(client.Read().body, "hello");
  client.Send("GET /now HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.Read().head, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(HttpServerTest, IgnoresRange) {
  Start();
  const RawAnswer answer = Ask("GET /bytes/10 HTTP/1.1\r\nRange: bytes=0-1,3-3,0-9\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "bbbbbbbbbb");
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawClient client = Connect();
  constexpr int kRequests = 3000;
  std::thread sender([&] {
    for (int i = 0; i < kRequests; ++i) {
      const std::string body = std::to_string(i);
      client.Send(i % 3 == 0 ? "GET /now HTTP/1.1\r\n\r\n"
                             : kPost + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
  });
  int n_right = 0;
  for (int i = 0; i < kRequests; ++i)
    n_right += client.Read().body == (i % 3 == 0 ? "now" : std::to_string(i));
  sender.join();
  EXPECT_EQ(n_right, kRequests);
  EXPECT_LT(server_->counts().max_held_bytes, 64 << 10);
}

TEST_F(HttpServerTest, EndlessRequestsAreRefusedSoon) {
  struct Attack {
    std::string begin;
    std::string again;
    int status;
  };
  const std::string chunked = " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = "10000\r\n" + std::string(1 << 16, 'a') + "\r\n";
  const std::string text(1 << 16, 'a');
  std::string lines;
  for (int i = 0; i < 10'000; ++i) lines += "a: b\r\n";
  for (const Attack& attack :
       std::vector<Attack>{{"POST /secret" + chunked, chunk, 401},
                           {"POST /echo" + chunked, chunk, 413},
                           {"POST /secret HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", text, 401},
                           {kPost + "300000000\r\n\r\n", text, 413},
                           {"GET /", text, 414},
                           {"GET / HTTP/1.1\r\nh: ", text, 431},
                           {"GET / HTTP/1.1\r\n", lines, 431},
                           {"POST /echo" + chunked, text, 400},
                           {"POST /echo" + chunked + "1;", text, 400},
                           {"POST /echo" + chunked + "0\r\n", lines, 400}}) {
    Start();
    RawClient client = Connect();
    // Reads beside sending: the answer comes before the client is at its end.
    RawAnswer answer;
    std::thread reader([&] { answer = client.Read(); });
    client.Send(attack.begin);
    EXPECT_FALSE(client.SendUntilClosed(attack.again, 300 * kMb)) << attack.begin;
    reader.join();
    EXPECT_EQ(answer.status, attack.status) << attack.begin;
    const HttpCounts counts = Await([](const HttpCounts& now) { return now.n_open == 0; });
    EXPECT_LT(counts.n_read_bytes, 6 * kMb) << attack.begin;
    EXPECT_LE(counts.max_held_bytes, 2 * kMb + (64 << 10)) << attack.begin;
    if (attack.status != 413) {
      EXPECT_LT(counts.max_held_bytes, 128 << 10) << attack.begin;
    }
    EXPECT_EQ(AskNow().status, 200);
  }
}

TEST_F(HttpServerTest, AmbiguousLengthsAreRefused) {
  Start();
  const std::string hidden = "GET /now HTTP/1.1\r\n\r\n";
  for (const std::string& headers :
       {std::string("Content-Length: 0\r\nContent-Length: 22\r\n"),
        std::string("Content-Length: 22\r\nTransfer-Encoding: chunked\r\n")}) {
    RawClient client = Connect();
    client.Send("POST /echo HTTP/1.1\r\n" + headers + "\r\n" + hidden);
    EXPECT_EQ(client.Read().status, 400) << headers;
    EXPECT_EQ(client.ReadToEnd(), "") << "what follows is no request";
  }
}

TEST_F(HttpServerTest, SlowClientsShutNobodyOut) {
  Start({.n_connections = 128});
  std::vector<RawClient> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(Connect());
    slow.back().Send(kPost + "1000\r\n\r\na");
  }
  RawClient honest = Connect();
  for (int i = 0; i < 5; ++i) {
    honest.Send(kPost + "2\r\n\r\nok");
    EXPECT_EQ(honest.Read().body, "ok");
  }
  const HttpCounts counts = Await([](const HttpCounts& now) { return now.n_accepted == 201; });
  EXPECT_EQ(counts.n_open, 128);
  EXPECT_EQ(counts.n_pushed_out, 201 - 128);
}

TEST_F(HttpServerTest, TheLeastUsefulConnectionIsPushedOut) {
  Start({.n_connections = 4});
  RawClient honest = Connect();
  std::vector<RawClient> slow;
  for (int i = 0; i < 10; ++i) {
    for (RawClient& client : slow) client.Send("a");  // more bytes are no progress
    for (int s = 0; s < 3; ++s) {
      slow.push_back(Connect());
      slow.back().Send(kPost + "1000\r\n\r\na");
    }
    Await([&](const HttpCounts& now) { return now.n_accepted == 1 + 3 * (i + 1); });
    honest.Send("GET /now HTTP/1.1\r\n\r\n");
    EXPECT_EQ(honest.Read().status, 200);
  }
  EXPECT_EQ(server_->counts().n_pushed_out, 27);
}

TEST_F(HttpServerTest, OneAddressDoesNotPushOutOthers) {
  Start({.n_connections = 8});
  RawClient other = Connect(/*from=*/2);
  other.Send(kPost + "5\r\n\r\nhel");
  Await([](const HttpCounts& now) { return now.n_read_bytes > 0; });
  std::vector<RawClient> many;
  for (int i = 0; i < 50; ++i) many.push_back(Connect());
  Await([](const HttpCounts& now) { return now.n_pushed_out == 43; });
  other.Send("lo");
  EXPECT_EQ(other.Read().body, "hello");
}

TEST_F(HttpServerTest, WhatIsBeingAnsweredIsNotPushedOut) {
  Start({.n_connections = 2});
  const std::string wait = "GET /wait HTTP/1.1\r\n\r\n";
  RawClient a = Connect();
  RawClient b = Connect();
  a.Send(wait);
  b.Send(wait);
  handler_.AwaitWaiting(2);
  RawClient c = Connect();  // waits to be accepted
  c.Send("GET /now HTTP/1.1\r\n\r\n");
  handler_.Open();
  EXPECT_EQ(a.Read().status, 200);
  EXPECT_EQ(b.Read().status, 200);
  EXPECT_EQ(c.Read().status, 200);
}

TEST_F(HttpServerTest, ClientsHaveLimitedTime) {
  Start();
  RawClient in_head = Connect();
  in_head.Send("GET /n");
  RawClient in_body = Connect();
  in_body.Send(kPost + "5\r\n\r\nhel");
  RawClient silent = Connect();
  RawClient idle = Connect();
  idle.Send("GET /now HTTP/1.1\r\n\r\n");
  EXPECT_EQ(idle.Read().status, 200);
  AwaitRead(6 + static_cast<int64_t>(kPost.size()) + 8 + 21);
  seconds_ = 10.5;
  // A byte now and then gives no more time.
  in_head.Send("o");
  in_body.Send("l");
  seconds_ = 11.5;
  EXPECT_EQ(in_head.Read().status, 408);
  EXPECT_THAT(in_body.Read().body, HasSubstr("within 10 s"));
  EXPECT_EQ(silent.ReadToEnd(), "");
  Await([](const HttpCounts& now) { return now.n_late == 3; });
  idle.Send("GET /now HTTP/1.1\r\n\r\n");
  EXPECT_EQ(idle.Read().status, 200);
  seconds_ = 80;
  EXPECT_EQ(idle.ReadToEnd(), "");
  Await([](const HttpCounts& now) { return now.n_late == 4; });
}

TEST_F(HttpServerTest, WhoDoesNotTakeItsAnswerIsDropped) {
  Start();
  RawClient client = Connect();
  client.Send("GET /bytes/20000000 HTTP/1.1\r\n\r\n");
  Await([](const HttpCounts& now) { return now.held_bytes >= 20'000'000; });
  seconds_ = 20;
  const HttpCounts counts = Await([](const HttpCounts& now) { return now.n_open == 0; });
  EXPECT_EQ(counts.n_late, 1);
  EXPECT_EQ(counts.held_bytes, 0);
}

TEST_F(HttpServerTest, AllClientsTogetherHaveLimitedMemory) {
  Start({.request = {.body_bytes = 500'000}, .held_bytes = 4 * kMb});
  std::vector<RawClient> clients;
  int64_t n_sent = 0;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(Connect());
    const std::string begun = kPost + "500000\r\n\r\n" + std::string(400'000, 'a');
    clients.back().Send(begun);
    n_sent += static_cast<int64_t>(begun.size());
  }
  AwaitRead(n_sent);
  EXPECT_EQ(Ask(kPost + "2\r\n\r\nok").body, "ok");
  const HttpCounts counts = server_->counts();
  EXPECT_GE(counts.n_shed, 40 - 4 * kMb / 400'000);
  EXPECT_LE(counts.held_bytes, 4 * kMb);
  EXPECT_LE(counts.max_held_bytes, 4 * kMb + 1'000'000) << "one more body";
  int n_refused = 0;
  for (RawClient& client : clients) {
    client.Send(std::string(100'000, 'a'));
    n_refused += client.Read().status == 503;
  }
  EXPECT_GE(n_refused, 40 - 4 * kMb / 400'000);
}

TEST_F(HttpServerTest, WhoCannotBeToldThatMemoryIsShortIsDropped) {
  Start({.held_bytes = kMb});
  handler_.refusing_fails = true;
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(Connect());
    clients.back().Send(kPost + "500000\r\n\r\n" + std::string(400'000, 'a'));
  }
  const HttpCounts counts =
      Await([](const HttpCounts& now) { return now.n_accepted == 8 && now.n_shed >= 6; });
  EXPECT_LE(counts.held_bytes, kMb);
  EXPECT_EQ(counts.n_pushed_out, 0) << "the server met a failure that it had not expected";
  EXPECT_EQ(AskNow().status, 200);
}

TEST_F(HttpServerTest, WhoWaitsTooLongForAThreadIsToldSo) {
  Start({}, /*n_threads=*/1);
  RawClient first = Connect();
  first.Send("GET /wait HTTP/1.1\r\n\r\n");
  handler_.AwaitWaiting(1);
  RawClient second = Connect();
  const std::string request = kPost + "2\r\n\r\nok";
  second.Send(request);
  AwaitRead(22 + static_cast<int64_t>(request.size()));
  EXPECT_EQ(AskNow().status, 200) << "needs no thread";
  seconds_ = 7;
  handler_.Open();
  EXPECT_EQ(first.Read().status, 200);
  EXPECT_EQ(second.Read().status, 503);
}

TEST_F(HttpServerTest, RequestsUnderWayAreAnsweredAtTheEnd) {
  Start();
  RawClient waiting = Connect();
  waiting.Send("GET /wait HTTP/1.1\r\n\r\n");
  handler_.AwaitWaiting(1);
  RawClient idle = Connect();
  RawClient slow = Connect();
  slow.Send("GET /n");
  AwaitRead(28);
  std::thread end([&] { server_.reset(); });
  EXPECT_EQ(idle.ReadToEnd(), "");
  handler_.Open();
  const RawAnswer answer = waiting.Read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
  slow.Send("ow HTTP/1.1\r\n\r\n");
  EXPECT_EQ(slow.Read().body, "now");
  // The server waits for its clients to see the end.
  { const RawClient gone = std::move(waiting); }
  { const RawClient gone = std::move(slow); }
  end.join();
}

TEST_F(HttpServerTest, ClientsThatLeaveAreForgotten) {
  Start();
  for (int i = 0; i < 100; ++i) {
    RawClient client = Connect();
    client.Send(i % 2 == 0 ? "GET /bytes/100000 HTTP/1.1\r\n\r\n" : kPost + "7\r\n\r\nhalf");
  }
  const HttpCounts counts =
      Await([](const HttpCounts& now) { return now.n_accepted == 100 && now.n_open == 0; });
  EXPECT_EQ(counts.held_bytes, 0);
  EXPECT_EQ(AskNow().status, 200);
}

}  // namespace
}  // namespace zhiyin::launch::apps
