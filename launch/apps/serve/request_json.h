// The JSON of requests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/error.h"

namespace zhiyin::launch::apps {

/// An error in a request, with its HTTP status.
class RequestError : public Error {
 public:
  RequestError(int status, const std::string& what) : Error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// The most JSON values of a request, and the most ids of its examples. A value may take some
/// hundred bytes of memory, many times the bytes that it is written with.
inline constexpr int kMaxRequestValues = 100'000;

/// Parses the body of a request. A number becomes a JSON integer if that has its digits, and
/// otherwise the text that it was written as, so that no digit is lost. Throws RequestError when
/// the body is no JSON, has a key twice in one object, is nested deeper than any request, or has
/// more than kMaxRequestValues values.
nlohmann::json ParseRequest(const std::string& body);

/// "an array", "a number".
std::string KindOf(const nlohmann::json& value);

/// Returns a value as it would stand in a file; a missing one is empty. `where` is its place in the
/// request, for messages. REQUIRES: `value` is part of what ParseRequest returned. Throws
/// RequestError for other values than text, numbers and null.
std::string CellText(const nlohmann::json& value, const std::string& where);

}  // namespace zhiyin::launch::apps
