// Text of messages: joining pieces, suggestions for unknown names, lines that are safe to print.
#pragma once

#include <span>
#include <sstream>
#include <string>
#include <string_view>

namespace zhiyin {

/// The pieces one after the other, as a stream writes them: `TextOf("rank ", 3)` is "rank 3".
template <typename... Pieces>
std::string TextOf(const Pieces&... pieces) {
  std::ostringstream out;
  (out << ... << pieces);
  return out.str();
}

/// The number of letters to insert, delete or replace to turn one text into the other (Levenshtein,
/// 1966).
int EditDistance(std::string_view a, std::string_view b);

/// The name among `known` nearest to `name` by edit distance, or "" when more than a third of its
/// letters would have to change.
std::string NearestName(std::string_view name, std::span<const std::string> known);

/// The end of a message about an unknown name: `; the nearest is "x"`, or the known names when none
/// is near.
std::string Suggestion(std::string_view name, std::span<const std::string> known);

/// `text` with control characters and bytes that are not UTF-8 written as \n, \r, \t or \xHH: one
/// line that cannot control a terminal or forge a line of a log. Idempotent.
std::string OneLine(std::string_view text);

/// `text`, or, where it is longer than `max_bytes`, its start and its end around " ... ", which
/// together have `max_bytes`. REQUIRES: max_bytes > 5.
std::string Shortened(std::string_view text, size_t max_bytes);

}  // namespace zhiyin
