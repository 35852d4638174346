// A trained model behind HTTP: `zhiyin train`, then `zhiyin serve`, asked by clients.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/random.h"
#include "tests/support/files.h"
#include "tests/support/taste_job.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// Two tasks of a user, an item and a number.
std::string Rows(int n) {
  Random random(1);
  std::ostringstream text;
  text << "user,item,price,click,stars\n";
  for (int i = 0; i < n; ++i) {
    const uint64_t user = random.Below(30);
    const uint64_t item = random.Below(20);
    const uint64_t price = random.Below(100);
    text << "u" << user << ",i" << item << "," << (price == 0 ? "" : std::to_string(price)) << ","
         << (user + item) % 2 << "," << 1 + (user * item + price) % 5 << "\n";
  }
  return text.str();
}

std::string Config(const std::string& file) {
  return R"(name: "two" data { text { header: true } train { file: ")" + file +
         R"(" } test { file: ")" + file + R"(" } }
    table { name: "t" dim: 6 optimizer { adagrad { learning_rate: 0.1 } } }
    field { name: "user" } field { name: "item" } numeric { name: "price" }
    task { name: "click" label { equals: "1" } binary_cross_entropy {} }
    task { name: "stars" label { number {} } squared_error {} }
    model { mmoe { n_experts: 3 expert: 8 tower: 4 } }
    train { epochs: 2 batch_size: 64 seed: 5 dense_optimizer { adam { learning_rate: 0.01 } } })";
}

/// `zhiyin serve`, and where it listens.
class Server {
 public:
  explicit Server(Arguments arguments)
      : process_([&] {
          arguments.insert(arguments.begin(), {"serve", "--listen=127.0.0.1:0"});
          return ZhiyinCommand(0, arguments);
        }()) {
    for (int i = 0; i < 3000 && port_ == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      const std::string out = process_.Out();
      const size_t at = out.find("http://127.0.0.1:");
      if (at != out.npos && out.find('\n', at) != out.npos) port_ = std::stoi(out.substr(at + 17));
    }
    EXPECT_NE(port_, 0) << process_.Out();
  }

  int port() const { return port_; }
  int pid() const { return process_.pid(); }
  ProcessResult End() {
    kill(process_.pid(), SIGTERM);
    return process_.Wait(60);
  }

 private:
  BackgroundProcess process_;
  int port_ = 0;
};

class Serve : public ::testing::Test {
 protected:
  void Train(const std::string& config, const std::string& checkpoint = "") {
    Arguments arguments = {"train", "--config=" + folder_.Write("job.textproto", config),
                           "--output=" + output_, "--progress=none"};
    if (!checkpoint.empty())
      arguments.insert(arguments.end(), {"--set", "train.checkpoint={" + checkpoint + "}"});
    const ProcessResult result = RunZhiyin(3, arguments);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static httplib::Result Post(const Server& server, const std::string& path,
                              const std::string& body, const httplib::Headers& headers = {}) {
    httplib::Client client("127.0.0.1", server.port());
    client.set_read_timeout(20, 0);
    return client.Post(path, headers, body, "application/json");
  }
  /// Status and text of the error.
  static std::pair<int, std::string> Refused(const Server& server, const std::string& path,
                                             const std::string& body) {
    const httplib::Result result = Post(server, path, body);
    if (!result) return {0, ""};
    const json answer = json::parse(result->body, nullptr, /*allow_exceptions=*/false);
    return {result->status, answer.is_object() && answer.contains("error")
                                ? answer["error"].get<std::string>()
                                : result->body};
  }

  TempFolder folder_;
  std::string output_ = folder_.Path("out");
};

TEST_F(Serve, ScoresAreThoseOfPredict) {
  const std::string rows = Rows(1500);
  Train(Config(folder_.Write("rows.csv", rows)));
  const std::string file = folder_.Path("predicted.tsv");
  ASSERT_EQ(RunZhiyin(2, {"predict", "--checkpoint=" + output_, "--output=" + file}).exit_code, 0);
  std::istringstream predicted(ReadFile(file));
  std::istringstream lines(rows);
  std::string line;
  std::getline(predicted, line);
  std::getline(lines, line);
  const Server server({"--checkpoint=" + output_});
  double largest = 0;
  for (int batch = 0; batch < 15; ++batch) {
    json request = {{"rows", json::array()}};
    for (int i = 0; i < 100; ++i) {
      std::getline(lines, line);
      std::istringstream cells(line);
      std::string user, item, price;
      std::getline(cells, user, ',');
      std::getline(cells, item, ',');
      std::getline(cells, price, ',');
      json row = {{"user", user}, {"item", item}};
      // A number as itself and as text, a missing value as null and left out.
      if (price.empty()) {
        if (i % 2 == 0) row["price"] = nullptr;
      } else if (i % 2 == 0) {
        row["price"] = std::stoi(price);
      } else {
        row["price"] = price;
      }
      request["rows"].push_back(row);
    }
    const httplib::Result result = Post(server, "/v1/score", request.dump());
    ASSERT_TRUE(result);
    ASSERT_EQ(result->status, 200) << result->body;
    const json answer = json::parse(result->body);
    ASSERT_EQ(answer["predictions"].size(), 100u);
    for (const json& row : answer["predictions"]) {
      int number = 0;
      double click = 0;
      double stars = 0;
      predicted >> number >> click >> stars;
      largest = std::max({largest, std::abs(row["click"].get<double>() - click),
                          std::abs(row["stars"].get<double>() - stars)});
    }
  }
  EXPECT_LT(largest, 1e-6);
  std::printf("the largest difference between 3,000 served and predicted scores: %.2g\n", largest);
}

TEST_F(Serve, ListsAreThoseOfRecommend) {
  Train(TasteConfig(folder_.Write("events.csv", TasteEvents())));
  const ProcessResult lists =
      RunZhiyin(0, {"recommend", "--checkpoint=" + output_, "--k=5", "--format=jsonl"});
  ASSERT_EQ(lists.exit_code, 0) << lists.err;
  Server server({"--checkpoint=" + output_, "--k=8"});
  std::istringstream lines(lists.out);
  int n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    const json list = json::parse(line);
    const httplib::Result result =
        Post(server, "/v1/recommend", json({{"user", list["user"]}, {"k", 5}}).dump());
    ASSERT_TRUE(result);
    EXPECT_EQ(result->body, line + "\n");
  }
  EXPECT_EQ(n, 60);
  EXPECT_EQ(json::parse(Post(server, "/v1/recommend", R"({"user": "u1"})")->body)["items"].size(),
            8u);
  EXPECT_EQ(Refused(server, "/v1/recommend", R"({"user": "nobody"})"),
            std::pair(404, std::string("no user \"nobody\"")));
  EXPECT_EQ(Refused(server, "/v1/recommend", R"({"user": "u1", "k": 9})"),
            std::pair(400, std::string("k: 9, expected 1 to 8")));
  EXPECT_EQ(Refused(server, "/v1/recommend", R"({"user": "u1", "k": 18446744073709551615})").first,
            400);
  EXPECT_EQ(Refused(server, "/v1/recommend", R"({"k": 3})"),
            std::pair(400, std::string("user is missing, expected text")));
  EXPECT_EQ(Refused(server, "/v1/recommend", R"({"user": "u1", "n": 3})").second,
            "\"n\" means nothing here, expected user, k, columns");
  EXPECT_EQ(
      Refused(server, "/v1/recommend", R"({"user": "nobody", "columns": {"item": "i1"}})"),
      std::pair(400, std::string(R"(columns: "item" is none that the model reads of a user)")));
  EXPECT_EQ(Refused(server, "/v1/recommend", R"({"user": "u1", "columns": 3})"),
            std::pair(400, std::string("columns: a number, expected an object")));
  EXPECT_EQ(Refused(server, "/v1/recommend", R"({"user": "nobody", "columns": {}})").first, 404);
  const ProcessResult end = server.End();
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_THAT(end.out, HasSubstr("the server ends, as it was told to"));
}

TEST_F(Serve, AnotherModelMayRank) {
  Train(TasteConfig(folder_.Write("events.csv", TasteEvents())));
  const Arguments ranked = {"--checkpoint=" + output_, "--ranker=" + output_, "--formula=-rating",
                            "--candidates=7", "--k=3"};
  Arguments recommend = {"recommend", "--format=jsonl"};
  recommend.insert(recommend.end(), ranked.begin(), ranked.end());
  const ProcessResult lists = RunZhiyin(0, recommend);
  ASSERT_EQ(lists.exit_code, 0) << lists.err;
  Server server(ranked);
  std::istringstream lines(lists.out);
  int n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    const httplib::Result result =
        Post(server, "/v1/recommend", json({{"user", json::parse(line)["user"]}}).dump());
    ASSERT_TRUE(result);
    EXPECT_EQ(result->body, line + "\n");
  }
  EXPECT_EQ(n, 60);
  EXPECT_EQ(server.End().exit_code, 0);
}

TEST_F(Serve, OnlyWhoKnowsTheTokenIsAnswered) {
  Train(Config(folder_.Write("rows.csv", Rows(300))));
  const Server server(
      {"--checkpoint=" + output_, "--token_file=" + folder_.Write("token", "open-sesame\n")});
  const std::string body = R"({"rows": [{"user": "u1", "item": "i1"}]})";
  EXPECT_EQ(Refused(server, "/v1/score", body).first, 401);
  EXPECT_EQ(Post(server, "/v1/score", body, {{"Authorization", "Bearer open-sesam"}})->status, 401);
  EXPECT_EQ(Post(server, "/v1/score", body, {{"Authorization", "Bearer open-sesame"}})->status,
            200);
  httplib::Client client("127.0.0.1", server.port());
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  EXPECT_EQ(client.Get("/metrics")->status, 401);
}

TEST_F(Serve, WhatMakesNoSenseIsRefusedInOneLine) {
  Train(Config(folder_.Write("rows.csv", Rows(300))));
  const auto error = [&](Arguments arguments) {
    arguments.insert(arguments.begin(), "serve");
    const std::vector<std::string> lines = ErrorLines(RunZhiyin(0, arguments));
    return lines.size() == 1 ? lines[0] : std::to_string(lines.size()) + " lines";
  };
  EXPECT_EQ(error({}),
            "serve: --checkpoint is missing: expected a model's folder, or an output folder");
  EXPECT_THAT(error({"--checkpoint=/nowhere"}), HasSubstr("/nowhere: no model here"));
  EXPECT_THAT(error({"--checkpoint=" + output_, "--listen=8080"}),
              HasSubstr("--listen=8080: expected HOST:PORT"));
  EXPECT_THAT(error({"--checkpoint=" + output_, "--listen=127.0.0.1:99999"}),
              HasSubstr("expected HOST:PORT"));
  EXPECT_THAT(error({"--checkpoint=" + output_, "--token_file=" + folder_.Write("t", "two words")}),
              HasSubstr("expected one word"));
  EXPECT_THAT(error({"--checkpoint=" + output_, "--connections=0"}),
              HasSubstr("--connections=0: expected at least 1"));
  EXPECT_THAT(error({"--checkpoint=" + output_, "--request_s=0"}),
              HasSubstr("--request_s=0: expected more than 0, at most 3600"));
  EXPECT_THAT(error({"--checkpoint=" + output_, "--servers=2"}),
              HasSubstr("--servers means nothing to serve"));
  const Server server({"--checkpoint=" + output_});
  EXPECT_THAT(
      error({"--checkpoint=" + output_, "--listen=127.0.0.1:" + std::to_string(server.port())}),
      HasSubstr("cannot listen there"));
  EXPECT_THAT(Refused(server, "/v1/score", "{"),
              ::testing::Pair(400, HasSubstr("the body is no JSON: ")));
  EXPECT_EQ(Refused(server, "/v1/score", "[]").second, "an array, expected an object");
  EXPECT_EQ(Refused(server, "/v1/score", R"({"rows": []})").second, "rows: 0, expected 1 to 1000");
  EXPECT_EQ(Refused(server, "/v1/score", R"({"rows": [{"user": ["u1"]}]})").second,
            "rows[0].user: an array, expected text, a number or null");
  EXPECT_EQ(Refused(server, "/v1/score", R"({"rows": [{"color": "red"}]})").second,
            "rows[0]: no column \"color\" among those of the model's inputs");
  EXPECT_THAT(Refused(server, "/v1/score", R"({"rows": [{"price": "cheap"}]})").second,
              HasSubstr("rows[0]: "));
  EXPECT_EQ(
      Refused(server, "/v1/recommend", R"({"user": "u1"})"),
      std::pair(404, std::string("this model recommends nothing: its job has no data.behaviour")));
  EXPECT_EQ(Refused(server, "/v2/score", "{}"),
            std::pair(404, std::string("no POST /v2/score here")));
  EXPECT_EQ(Refused(server, "/v1/score", std::string(1'100'000, ' ')).first, 413);
  EXPECT_EQ(Post(server, "/v1/score", "packed", {{"Content-Encoding", "gzip"}})->status, 415);
}

TEST_F(Serve, AFormIsABodyLikeAnyOther) {
  Train(Config(folder_.Write("rows.csv", Rows(300))));
  const Server server({"--checkpoint=" + output_});
  json request = {{"rows", json::array()}};
  for (int i = 0; i < 400; ++i) request["rows"].push_back({{"user", "u1"}, {"item", "i1"}});
  ASSERT_GT(request.dump().size(), 8192u);
  httplib::Client client("127.0.0.1", server.port());
  const httplib::Result result =
      client.Post("/v1/score", request.dump(), "application/x-www-form-urlencoded");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200) << result->body;
}

TEST_F(Serve, RequestsOfManyValuesAreRefused) {
  Train(Config(folder_.Write("rows.csv", Rows(300))));
  const Server server({"--checkpoint=" + output_});
  EXPECT_EQ(Refused(server, "/v1/score", "[[[[[[0]]]]]]"),
            std::pair(400, std::string("the body: nested deeper than rows of values")));
  std::string values = "0";
  for (int i = 0; i < 100'000; ++i) values += ",0";
  EXPECT_EQ(Refused(server, "/v1/score", "[" + values + "]"),
            std::pair(413, std::string("the body: more than 100000 values")));
}

TEST_F(Serve, LimitsOfTheSystemAreKept) {
  Train(Config(folder_.Write("rows.csv", Rows(300))));
  const auto serve = [&](const std::string& limits, const Arguments& more) {
    std::vector<std::string> command = {
        "bash",        "-c",    limits + "; exec \"$@\"",  "bash",
        ZHIYIN_BINARY, "serve", "--checkpoint=" + output_, "--listen=127.0.0.1:0"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  };
  // A thread's stack does not fit into the memory that the process may have.
  const ProcessResult without =
      RunProcess(serve("ulimit -s 4000000; ulimit -v 3000000", {}), /*timeout_s=*/60);
  EXPECT_EQ(without.exit_code, 1);
  EXPECT_THAT(ErrorLines(without), ::testing::ElementsAre(HasSubstr("a thread")));
  // One place is left beside the files that the process needs itself.
  BackgroundProcess few(serve("ulimit -n 65", {}));
  for (int i = 0; i < 3000 && few.Out().find("serving") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_THAT(few.Out(), HasSubstr("note: 1 connections at a time, not --connections=512"));
  kill(few.pid(), SIGTERM);
  EXPECT_EQ(few.Wait(60).exit_code, 0);
}

/// One connection for all requests, without waiting for more to send.
void StayConnected(httplib::Client* client) {
  client->set_keep_alive(true);
  client->set_tcp_nodelay(true);
  client->set_read_timeout(20, 0);
}

/// What any client may send, and nobody can answer.
std::string Damaged(Random* random) {
  static const std::vector<std::string> pieces = {"{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  "\"rows\"",
                                                  ":",
                                                  ",",
                                                  "{\"rows\":[",
                                                  "{\"user\":[\"u1\"]}",
                                                  "null",
                                                  "1e999",
                                                  "-0",
                                                  "\"\\ud800\"",
                                                  "\xff\xfe",
                                                  "\"user\"",
                                                  "\"k\"",
                                                  "true",
                                                  "[[[[[[[[",
                                                  "]}",
                                                  std::string(1, '\0'),
                                                  "1234567890123456789012"};
  std::string text;
  for (uint64_t n = random->Below(12); n > 0; --n) text += pieces[random->Below(pieces.size())];
  if (random->Below(50) == 0) text += std::string(200'000, '[');
  return text;
}

int64_t ResidentKb(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  }
  return 0;
}

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

TEST_F(Serve, TenThousandMalformedRequestsLeaveItAlive) {
  Train(Config(folder_.Write("rows.csv", Rows(300))));
  const Server server({"--checkpoint=" + output_});
  // Some who begin and never end, all the while.
  std::vector<int> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(Connect(server.port()));
    const std::string begun = "POST /v1/score HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"ro";
    EXPECT_GT(send(slow.back(), begun.data(), i % 2 == 0 ? begun.size() : 20, MSG_NOSIGNAL), 0);
  }
  // And some who do not speak HTTP.
  for (int i = 0; i < 200; ++i) {
    const int fd = Connect(server.port());
    Random random(static_cast<uint64_t>(i));
    std::string noise(random.Below(3000), '\0');
    for (char& c : noise) c = static_cast<char>(random.Next());
    send(fd, noise.data(), noise.size(), MSG_NOSIGNAL);
    close(fd);
  }
  std::array<std::atomic<int>, 6> n_by_status = {};
  std::atomic<int> n_without = 0;
  const int64_t before = ResidentKb(server.pid());
  std::vector<std::thread> clients;
  for (uint64_t c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      Random random(c);
      httplib::Client client("127.0.0.1", server.port());
      StayConnected(&client);
      for (int i = 0; i < 2500; ++i) {
        const httplib::Result result =
            client.Post(random.Below(2) == 0 ? "/v1/score" : "/v1/recommend", Damaged(&random),
                        "application/json");
        if (result) {
          ++n_by_status[static_cast<size_t>(result->status / 100)];
        } else {
          ++n_without;
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(n_without, 0);
  EXPECT_EQ(n_by_status[4], 10'000);
  EXPECT_EQ(Post(server, "/v1/score", R"({"rows": [{"user": "u1", "item": "i1"}]})")->status, 200)
      << "it is alive";
  EXPECT_LT(ResidentKb(server.pid()), before + 100'000) << "bounded memory";
  for (const int fd : slow) close(fd);
}

TEST_F(Serve, NoRequestFailsWhileCheckpointsAreSwapped) {
  std::string config = TasteConfig(folder_.Write("events.csv", TasteEvents()));
  config.replace(config.find("epochs: 5"), 9, "epochs: 2");
  Train(config, "every_epochs: 1");
  Server server({"--checkpoint=" + output_, "--reload_s=0.2"});
  std::atomic<bool> is_over = false;
  std::atomic<int> n_failed = 0;
  std::mutex mutex;
  std::string failures;
  std::vector<double> seconds;
  std::vector<std::thread> clients;
  for (uint64_t c = 0; c < 64; ++c) {
    clients.emplace_back([&, c] {
      Random random(c);
      httplib::Client client("127.0.0.1", server.port());
      StayConnected(&client);
      std::vector<double> own;
      while (!is_over) {
        const auto began = std::chrono::steady_clock::now();
        const std::string user = "u" + std::to_string(random.Below(60));
        const httplib::Result result =
            random.Below(2) == 0
                ? client.Post("/v1/recommend", json({{"user", user}}).dump(), "application/json")
                : client.Post(
                      "/v1/score",
                      json({{"rows", {{{"user", user}, {"item", "i3"}}, {{"user", user}}}}}).dump(),
                      "application/json");
        if (!result || result->status != 200) {
          ++n_failed;
          std::lock_guard lock(mutex);
          failures += result ? result->body : httplib::to_string(result.error()) + "\n";
        }
        own.push_back(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
      }
      std::lock_guard lock(mutex);
      seconds.insert(seconds.end(), own.begin(), own.end());
    });
  }
  // The job goes on meanwhile, three times, with a checkpoint an epoch.
  for (int epochs = 30; epochs <= 90; epochs += 30) {
    const ProcessResult result =
        RunZhiyin(2, {"train", "--config=" + folder_.Path("job.textproto"), "--output=" + output_,
                      "--progress=none", "--resume", "--set", "train.checkpoint={every_epochs: 1}",
                      "--set", "train.epochs=" + std::to_string(epochs)});
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  is_over = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(n_failed, 0) << failures;
  std::sort(seconds.begin(), seconds.end());
  ASSERT_GT(seconds.size(), 1000u);
  std::printf("%zu requests over 64 connections: p50 %.2f ms, p99 %.2f ms\n", seconds.size(),
              1000 * seconds[seconds.size() / 2], 1000 * seconds[seconds.size() * 99 / 100]);
  httplib::Client client("127.0.0.1", server.port());
  const std::string metrics = client.Get("/metrics")->body;
  EXPECT_THAT(metrics, HasSubstr("zhiyin_answers_total{path=\"recommend\",status=\"2xx\"} "));
  EXPECT_THAT(metrics, HasSubstr("zhiyin_seconds_bucket{path=\"score\",le=\"+Inf\"} "));
  const json health = json::parse(client.Get("/healthz")->body);
  EXPECT_EQ(health["status"], "ok");
  const ProcessResult end = server.End();
  EXPECT_EQ(end.exit_code, 0) << end.err;
  EXPECT_GE(std::count(end.out.begin(), end.out.end(), '\n'), 4)
      << "served more than one: " << end.out;
}

}  // namespace
}  // namespace zhiyin::testing
