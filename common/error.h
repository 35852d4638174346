// The exception for whatever a user can fix. A bug is a CHECK instead.
#pragma once

#include <stdexcept>
#include <string_view>

#include "common/text.h"

namespace zhiyin {

/// One line for the user: where, what is wrong, what is expected. Caught once, in launch/, which
/// prints it and ends the whole job with a non-zero code. Thrown from any thread; a thread other
/// than the rank's own hands it over.
class Error : public std::runtime_error {
 public:
  /// what() is OneLine(text), whatever `text` quotes from files and command lines.
  explicit Error(std::string_view text);
};

/// Throws Error with the pieces written one after the other: `Fail(path, ":", line, ": ", what)`.
template <typename... Pieces>
[[noreturn]] void Fail(const Pieces&... pieces) {
  throw Error(TextOf(pieces...));
}

/// Returns parse(), which reads bytes that `rank` sent; an Error of it gets the rank in front.
/// REQUIRES: `parse` waits for no other rank.
template <typename Parse>
auto FromRank(int rank, const Parse& parse) {
  try {
    return parse();
  } catch (const Error& e) {
    Fail("rank ", rank, ": ", e.what());
  }
}

}  // namespace zhiyin
