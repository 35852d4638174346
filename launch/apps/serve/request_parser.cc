// An assertion of Beast does not hold for a last chunk whose line arrives in pieces, and to a
// client no assertion is owed.
#define BOOST_DISABLE_ASSERTS

#include "launch/apps/serve/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

namespace zhiyin::launch::apps {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

std::string_view View(beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

/// Receives the parts of a request from Beast's parser. Beast uses up a header line as soon as it
/// is whole, so its own limit holds for one line only: here lines and bytes are counted.
class RequestParser::Reader : public http::basic_parser<true> {
 public:
  explicit Reader(const RequestLimits& limits) : limits_(limits) {
    header_limit(static_cast<uint32_t>(limits.head_bytes));
    body_limit(limits.body_bytes);
  }

  size_t Read(std::string_view bytes) {
    const bool was_in_head = state_ == State::kHead;
    size_t n_used = 0;
    beast::error_code error;
    while (n_used < bytes.size()) {
      n_used += put({bytes.data() + n_used, bytes.size() - n_used}, error);
      if (error) break;
      if (is_done()) {
        state_ = State::kWhole;
      } else if (is_header_done()) {
        state_ = State::kBody;
      }
      if (state_ == State::kWhole || (was_in_head && state_ == State::kBody)) break;
    }
    const bool needs_more = error == http::error::need_more;
    if (was_in_head) n_head_bytes_ += n_used;
    const size_t n_left = needs_more ? bytes.size() - n_used : 0;
    if (was_in_head &&
        (error == http::error::header_limit ||
         (state_ != State::kRefused && n_head_bytes_ + n_left > limits_.head_bytes))) {
      const bool in_first_line = request_.path.empty() && bytes.find('\n') == bytes.npos;
      Refuse(in_first_line ? 414 : 431, "the request line and the headers: more than " +
                                            std::to_string(limits_.head_bytes) + " bytes");
    } else if (!was_in_head && n_left > limits_.head_bytes) {
      Refuse(400, "a chunk's line, or what follows the last chunk: more than " +
                      std::to_string(limits_.head_bytes) + " bytes");
    } else if (error == http::error::body_limit) {
      Refuse(413, "the body: more than " + std::to_string(limits_.body_bytes) + " bytes");
    } else if (error && !needs_more && state_ != State::kRefused) {
      Refuse(400, "no request of HTTP/1.1: " + error.message());
    }
    return n_used;
  }

  State state() const { return state_; }
  int status() const { return status_; }
  const std::string& what() const { return what_; }
  HttpRequest& request() { return request_; }
  bool is_of_http10() const { return version_ == 10; }
  bool awaits_continue() const { return awaits_continue_; }

 private:
  void Refuse(int status, std::string what) {
    state_ = State::kRefused;
    status_ = status;
    what_ = std::move(what);
  }
  /// For the functions that Beast calls, which then stops.
  void Refuse(int status, std::string what, beast::error_code* error) {
    Refuse(status, std::move(what));
    *error = http::error::bad_value;
  }

  // What Beast calls.

  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, beast::error_code&) override {
    const std::string_view path = View(target);
    request_.method = View(method);
    request_.path = path.substr(0, path.find('?'));
    version_ = version;
  }
  void on_field_impl(http::field field, beast::string_view, beast::string_view value,
                     beast::error_code& error) override {
    if (state_ != State::kHead) return;  // behind the last chunk: means nothing
    if (++n_header_lines_ > limits_.n_header_lines)
      return Refuse(431, "more than " + std::to_string(limits_.n_header_lines) + " header lines",
                    &error);
    if (field == http::field::content_length) {
      const bool is_number =
          std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (std::exchange(has_length_, true) || !is_number)
        Refuse(400, "Content-Length: expected one number", &error);
    } else if (field == http::field::transfer_encoding) {
      if (version_ == 10 || !beast::iequals(value, "chunked"))
        Refuse(400, "Transfer-Encoding: expected \"chunked\", in HTTP/1.1", &error);
    } else if (field == http::field::content_encoding) {
      Refuse(415, "Content-Encoding: expected a body as it is", &error);
    } else if (field == http::field::expect) {
      awaits_continue_ = beast::iequals(value, "100-continue");
      if (!awaits_continue_) Refuse(417, "Expect: expected \"100-continue\"", &error);
    } else if (field == http::field::authorization) {
      if (std::exchange(has_authorization_, true))
        Refuse(400, "Authorization: expected one", &error);
      else
        request_.authorization = View(value);
    }
  }
  size_t Append(beast::string_view body) {
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  size_t on_body_impl(beast::string_view body, beast::error_code&) override { return Append(body); }
  size_t on_chunk_body_impl(uint64_t, beast::string_view body, beast::error_code&) override {
    return Append(body);
  }
  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
  void on_header_impl(beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, beast::error_code&) override {}
  void on_chunk_header_impl(uint64_t, beast::string_view, beast::error_code&) override {}
  void on_finish_impl(beast::error_code&) override {}

  RequestLimits limits_;
  State state_ = State::kHead;
  int status_ = 0;
  std::string what_;
  HttpRequest request_;
  int version_ = 11;
  size_t n_head_bytes_ = 0;
  int n_header_lines_ = 0;
  bool has_length_ = false;
  bool has_authorization_ = false;
  bool awaits_continue_ = false;
};

RequestParser::RequestParser(const RequestLimits& limits)
    : reader_(std::make_unique<Reader>(limits)) {}
RequestParser::~RequestParser() = default;

size_t RequestParser::Read(std::string_view bytes) {
  return reader_->Read(bytes);
}
RequestParser::State RequestParser::state() const {
  return reader_->state();
}
int RequestParser::status() const {
  return reader_->status();
}
const std::string& RequestParser::what() const {
  return reader_->what();
}
HttpRequest& RequestParser::request() {
  return reader_->request();
}
const HttpRequest& RequestParser::request() const {
  return reader_->request();
}
bool RequestParser::KeepsAlive() const {
  return reader_->keep_alive();
}
bool RequestParser::IsOfHttp10() const {
  return reader_->is_of_http10();
}
bool RequestParser::AwaitsContinue() const {
  return reader_->awaits_continue();
}

}  // namespace zhiyin::launch::apps
