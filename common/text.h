// Small things about names, and about text in messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace zhiyin {

/// Letters to insert, delete or replace to turn one into the other (Levenshtein, 1966).
int EditDistance(std::string_view a, std::string_view b);

/// The name among `known` nearest to `name` by edit distance, or "" when more than a third of its
/// letters would have to change.
std::string NearestName(std::string_view name, std::span<const std::string> known);

/// What to say behind an unknown name: `; the nearest is "x"`, or the known names when none is
/// near.
std::string Suggestion(std::string_view name, std::span<const std::string> known);

/// `text` with control characters and bytes that are not UTF-8 written as \n, \r, \t or \xHH: one
/// line that cannot steer a terminal or forge a line of a log. Changes nothing the second time.
std::string OneLine(std::string_view text);

/// `text`, or where it is longer than `max_bytes` its start and its end around " ... ": as long as
/// that at most. REQUIRES: max_bytes > 5.
std::string Shortened(std::string_view text, size_t max_bytes);

}  // namespace zhiyin
