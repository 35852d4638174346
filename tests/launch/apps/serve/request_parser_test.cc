#include "launch/apps/serve/request_parser.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "common/random.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;
using State = RequestParser::State;

constexpr RequestLimits kLimits{.head_bytes = 200, .n_header_lines = 5, .body_bytes = 100};

struct Parsed {
  State state;
  int status;
  std::string what;
  HttpRequest request;
  size_t n_used;
  size_t most_unused;  // of the bytes that had arrived
};

/// Parses bytes that arrive in pieces, each of the length that `next` returns.
template <typename Next>
Parsed ParsePieces(const std::string& bytes, const Next& next) {
  RequestParser parser(kLimits);
  size_t n_used = 0;
  size_t n_there = 0;
  size_t most_unused = 0;
  const auto is_open = [&] {
    return parser.state() == State::kHead || parser.state() == State::kBody;
  };
  while (is_open() && n_there < bytes.size()) {
    n_there = std::min(bytes.size(), n_there + next());
    for (State before = State::kRefused; is_open() && before != parser.state();) {
      before = parser.state();
      n_used += parser.Read({bytes.data() + n_used, n_there - n_used});
    }
    if (is_open()) most_unused = std::max(most_unused, n_there - n_used);
  }
  return {parser.state(), parser.status(), parser.what(), parser.request(), n_used, most_unused};
}

Parsed Parse(const std::string& bytes) {
  return ParsePieces(bytes, [&] { return bytes.size(); });
}

/// "400 what", or the state.
std::string Refusal(const std::string& bytes) {
  const Parsed parsed = Parse(bytes);
  return parsed.state == State::kRefused ? std::to_string(parsed.status) + " " + parsed.what
         : parsed.state == State::kWhole ? "whole"
                                         : "not whole";
}

std::string Post(const std::string& headers, const std::string& body) {
  return "POST /p HTTP/1.1\r\n" + headers + "\r\n" + body;
}

TEST(RequestParser, ReadsARequestAndNoByteOfTheNext) {
  const std::string one =
      "POST /v1/score?x=1 HTTP/1.1\r\nHost: h\r\nauthorization: Bearer w\r\n"
      "Content-Length: 5\r\n\r\nhello";
  const Parsed parsed = Parse(one + "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(parsed.state, State::kWhole);
  EXPECT_EQ(parsed.n_used, one.size());
  EXPECT_EQ(parsed.request.method, "POST");
  EXPECT_EQ(parsed.request.path, "/v1/score");
  EXPECT_EQ(parsed.request.authorization, "Bearer w");
  EXPECT_EQ(parsed.request.body, "hello");
  EXPECT_EQ(
      Parse(Post("Transfer-Encoding: chunked\r\n", "3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nt: v\r\n\r\n"))
          .request.body,
      "hello");
}

TEST(RequestParser, StopsBehindTheHead) {
  RequestParser parser(kLimits);
  const std::string head = Post("Expect: 100-continue\r\nContent-Length: 5\r\n", "");
  EXPECT_EQ(parser.Read(head + "hel"), head.size());
  EXPECT_EQ(parser.state(), State::kBody);
  EXPECT_TRUE(parser.AwaitsContinue());
  EXPECT_TRUE(parser.KeepsAlive());
  EXPECT_EQ(parser.request().body, "");
}

TEST(RequestParser, RefusesWhatTwoReadersCouldUnderstandDifferently) {
  const std::string length = "Content-Length: 5\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  for (const std::string& headers :
       {length + length, length + "Content-Length: 6\r\n", std::string("Content-Length: 5, 5\r\n"),
        std::string("Content-Length: +5\r\n"), std::string("Content-Length: -5\r\n"),
        std::string("Content-Length:\r\n"), std::string("Content-Length: 99999999999999999999\r\n"),
        length + chunked, chunked + length, chunked + chunked,
        std::string("Transfer-Encoding: gzip\r\n"),
        std::string("Transfer-Encoding: gzip, chunked\r\n"), std::string("Content-Length : 5\r\n"),
        std::string("Authorization: a\r\nAuthorization: b\r\n"), std::string("no colon\r\n"),
        std::string("a\tb: c\r\n")}) {
    EXPECT_THAT(Refusal(Post(headers, "hello")), HasSubstr("400 ")) << headers;
  }
  EXPECT_THAT(Refusal("POST /p HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n"), HasSubstr("400 "));
  EXPECT_THAT(Refusal("POST /p HTTP/2.0\r\n\r\n"), HasSubstr("400 "));
  EXPECT_THAT(Refusal("POST  /p HTTP/1.1\r\n\r\n"), HasSubstr("400 "));
  EXPECT_THAT(Refusal(Post(chunked, "x\r\n")), HasSubstr("400 "));
  EXPECT_THAT(Refusal(Post(chunked, "5\r\nhello!!\r\n")), HasSubstr("400 "));
  EXPECT_THAT(Refusal(Post(chunked, "10000000000000001\r\n")), HasSubstr("400 "));
  EXPECT_EQ(Refusal(Post("Content-Encoding: gzip\r\n", "")),
            "415 Content-Encoding: expected a body as it is");
  EXPECT_EQ(Refusal(Post("Expect: nothing\r\n", "")), "417 Expect: expected \"100-continue\"");
}

TEST(RequestParser, RefusesWhatIsBeyondItsLimits) {
  const std::string at_limit(100, 'b');
  EXPECT_EQ(Refusal(Post("Content-Length: 100\r\n", at_limit)), "whole");
  EXPECT_EQ(Refusal(Post("Content-Length: 101\r\n", "")), "413 the body: more than 100 bytes");
  EXPECT_EQ(Refusal(Post("Transfer-Encoding: chunked\r\n", "64\r\n" + at_limit + "\r\n0\r\n\r\n")),
            "whole");
  EXPECT_EQ(Refusal(Post("Transfer-Encoding: chunked\r\n", "64\r\n" + at_limit + "\r\n1\r\n")),
            "413 the body: more than 100 bytes");
  const std::string too_long = "the request line and the headers: more than 200 bytes";
  EXPECT_EQ(Refusal("GET /" + std::string(300, 'u')), "414 " + too_long);
  EXPECT_EQ(Refusal(Post("h: " + std::string(300, 'v'), "")), "431 " + too_long);
  EXPECT_EQ(
      Refusal(Post("h: " + std::string(100, 'v') + "\r\nh: " + std::string(90, 'v') + "\r\n", "")),
      "431 " + too_long);
  EXPECT_EQ(Refusal(Post("a:\r\na:\r\na:\r\na:\r\na:\r\n", "")), "whole");
  EXPECT_EQ(Refusal(Post("a:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n", "")),
            "431 more than 5 header lines");
  EXPECT_EQ(Refusal(Post("Transfer-Encoding: chunked\r\n", "1;" + std::string(300, 'e'))),
            "400 a chunk's line, or what follows the last chunk: more than 200 bytes");
  EXPECT_EQ(Refusal(Post("Transfer-Encoding: chunked\r\n", "0\r\nt: " + std::string(300, 'e'))),
            "400 a chunk's line, or what follows the last chunk: more than 200 bytes");
}

TEST(RequestParser, PiecesOfAnyLengthAreReadAlike) {
  const std::vector<std::string> requests = {
      Post("Content-Length: 5\r\n", "hello"),
      Post("Transfer-Encoding: chunked\r\n", "3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nt: v\r\n\r\n"),
      Post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      Post("Transfer-Encoding: chunked\r\n", "0;last\r\nt: v\r\nu: w\r\n\r\n"),
      Post("Transfer-Encoding: chunked\r\n", "00005\r\nhello\r\n000\r\n\r\n"),
      Post("Transfer-Encoding: chunked\r\n", "5\r\nhello!!\r\n"),
      "GET /x HTTP/1.1\r\nh: v\r\n folded\r\n\r\n",
      "GET /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1",
      "GET /" + std::string(250, 'u'),
      Post("h: " + std::string(300, 'v'), ""),
      Post("Transfer-Encoding: chunked\r\n", "1;" + std::string(300, 'e'))};
  for (const std::string& request : requests) {
    const Parsed whole = Parse(request);
    Random random(1);
    for (int i = 0; i < 50; ++i) {
      const Parsed parsed =
          ParsePieces(request, [&] { return i == 0 ? 1 : 1 + random.Below(2 + 2 * i); });
      EXPECT_EQ(parsed.state, whole.state) << request;
      EXPECT_EQ(parsed.status, whole.status) << request;
      EXPECT_EQ(parsed.request.body, whole.request.body) << request;
      EXPECT_LE(parsed.most_unused, kLimits.head_bytes) << request;
      if (whole.state == State::kWhole) {
        EXPECT_EQ(parsed.n_used, whole.n_used) << request;
      }
    }
  }
}

TEST(RequestParser, NoBytesDoHarm) {
  const std::vector<std::string> pieces = {"GET ",
                                           "POST ",
                                           "/",
                                           " HTTP/1.1",
                                           "\r\n",
                                           "\n",
                                           "\r",
                                           "Content-Length: ",
                                           "Transfer-Encoding: chunked",
                                           "5",
                                           "0",
                                           ";",
                                           ":",
                                           " ",
                                           "\t",
                                           "a",
                                           std::string(1, '\0'),
                                           "\xff",
                                           "ffffffffffffffff",
                                           "Expect: 100-continue"};
  Random random(2);
  int n_refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = random.Below(2) == 0 ? "POST /p HTTP/1.1\r\n" : "";
    if (random.Below(2) == 0 && !bytes.empty()) bytes += "Transfer-Encoding: chunked\r\n\r\n";
    for (uint64_t n = random.Below(30); n > 0; --n) bytes += pieces[random.Below(pieces.size())];
    const Parsed parsed = ParsePieces(bytes, [&] { return 1 + random.Below(8); });
    EXPECT_LE(parsed.request.body.size(), kLimits.body_bytes);
    EXPECT_LE(parsed.most_unused, kLimits.head_bytes);
    n_refused += parsed.state == State::kRefused;
  }
  EXPECT_GT(n_refused, 1000);
}

}  // namespace
}  // namespace zhiyin::launch::apps
