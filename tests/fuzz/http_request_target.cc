#include <glog/logging.h>

#include <algorithm>

#include "common/error.h"
#include "launch/apps/serve/request_parser.h"
#include "launch/apps/serve/served_model.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {
namespace {

using launch::apps::RequestLimits;
using launch::apps::RequestParser;

constexpr RequestLimits kFuzzLimits{.head_bytes = 300, .n_header_lines = 6, .body_bytes = 1000};

bool IsOpen(const RequestParser& parser) {
  return parser.state() == RequestParser::State::kHead ||
         parser.state() == RequestParser::State::kBody;
}

/// Gives the parser the bytes in pieces of `n_piece`.
void ReadPieces(std::string_view bytes, size_t n_piece, RequestParser* parser) {
  size_t n_used = 0;
  for (size_t n_there = 0; IsOpen(*parser) && n_there < bytes.size();) {
    n_there = std::min(bytes.size(), n_there + n_piece);
    for (bool is_new = true; IsOpen(*parser) && is_new;) {
      const RequestParser::State before = parser->state();
      n_used += parser->Read(bytes.substr(n_used, n_there - n_used));
      is_new = parser->state() != before;
    }
    if (IsOpen(*parser)) CHECK_LE(n_there - n_used, kFuzzLimits.head_bytes);
    CHECK_LE(parser->request().body.size(), kFuzzLimits.body_bytes);
  }
}

}  // namespace

/// A request over HTTP, whole and byte by byte, and its body.
int FuzzHttpRequest(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  RequestParser whole(kFuzzLimits);
  RequestParser pieces(kFuzzLimits);
  ReadPieces(bytes, std::max<size_t>(size, 1), &whole);
  ReadPieces(bytes, 1, &pieces);
  // A head that is not whole may be refused later when it arrives byte by byte.
  if (!IsOpen(pieces) || IsOpen(whole)) {
    CHECK(whole.state() == pieces.state());
    CHECK_EQ(whole.request().body, pieces.request().body);
  }
  Judge("request", [&] {
    if (whole.state() == RequestParser::State::kRefused) Fail("request: ", whole.what());
    if (IsOpen(whole)) Fail("request: not whole");
    try {
      launch::apps::ParseRequest(whole.request().body);
    } catch (const launch::apps::RequestError& e) {
      Fail("request: ", e.what());
    }
  });
  return 0;
}

std::vector<std::string> HttpRequestSeeds() {
  const std::string body = R"({"rows": [{"user": "u1", "price": 1.5}]})";
  return {"POST /v1/score HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer w\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body,
          "POST /v1/recommend HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n8;a=b\r\n{\"user\":\r\n"
          "5\r\n\"u1\"}\r\n0\r\nt: v\r\n\r\n"};
}

}  // namespace zhiyin::fuzz
